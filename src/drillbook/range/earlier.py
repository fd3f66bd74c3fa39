"""A range from before it had a cloud: its apps are ended, its files are made those of now."""

import hashlib
import re
import signal
from collections.abc import Iterator
from pathlib import Path

from drillbook.core.process_identity import running_with, send_signal, wait_until_gone
from drillbook.range.stack_file import STACK

APP = "drillbook.range.booking.app"
STOP_SECONDS = 5.0
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")
# What was written then, by its SHA-256 without addresses: nobody has changed such a file.
WRITTEN = {
    STACK: (
        "db05f334bac24f398aa94eba125d4f06b2760021f3097d170d459acde974ddd4",
        "39e2aa158117b79f543f6520f726380fdaae9ffa14998dddb8e152d000f047cf",
        "4578134c6b92b87c7d7ff5a1386345316d7008df5b1d62affd8485c01c4e1e66",
    ),
    "checks/booking.toml": ("353c890c912d20b455f5b6db8f7072ad5f6b409f25c7e6a04380523441211860",),
    "checks/booking-writes.toml": (
        "5689df1bd958de2644d365a047161baeea7df8aa94d73397aea3f9a1ea27445a",
    ),
}
HOSTED = 'provider = "vercel"'


def end_app(environment: Path) -> bool:
    """End the app that served an environment then: it would keep the users' port for ever."""
    found = running_with(APP, "serve", str(environment))
    for process in found:
        for number in (signal.SIGTERM, signal.SIGKILL):
            send_signal(process, number)
            if wait_until_gone(process, STOP_SECONDS):
                break
    return bool(found)


def renew(folder: Path) -> Iterator[str]:
    """Let go what was written then and nobody has changed; say so, and what stays of before."""
    for name, digests in WRITTEN.items():
        path = folder / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        if hashlib.sha256(ADDRESS.sub("", text).encode()).hexdigest() in digests:
            path.unlink()
            yield f"{name} is of an earlier range: written anew"
        elif name == STACK and text and HOSTED not in text:
            yield (
                f"{name} is of an earlier range and was changed by hand, so it stays: it names no"
                " hosting and no repository. Move it away, and range up writes one that does"
            )
