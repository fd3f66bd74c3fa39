"""The range: production and staging of a booking business, really running on this machine."""

import fcntl
import os
import re
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.range.booking.database import MIGRATIONS, BookingData
from drillbook.range.environment import Environment
from drillbook.range.status import RangeStatus
from drillbook.range.traffic.process import RATE, READERS, WRITERS
from drillbook.range.traffic.record import TrafficRecord, read_record

NAMES = ("production", "staging")
STAGING_SHARE = 0.25
MARK = ".drillbook-range"
TRAFFIC_ON = "production"
STACK = "stack.toml"
TEMPLATE = Path(__file__).with_name(STACK)
# What the stack file of a range from before physical backups says, and what it says now.
OLD_BACKUPS = '[environments.production.backups]\nfolder = "backups"\n'
NEW_BACKUPS = (
    OLD_BACKUPS + 'rpo = "24h"\nreplication = "file:production/replication.url"\n'
    'wal_archive = "production/wal"\nscratch = "scratch"\n'
)
CHECKS = Path(__file__).with_name("checks")
Progress = Callable[[str], None]


def _show_nothing(says: str) -> None:
    """Let a word of progress go that nobody wants to see."""


def up(
    folder: Path, *, scale: float = 1.0, progress: Progress = _show_nothing, tied: bool = False
) -> RangeStatus:
    """
    Start the range, make what is missing of it, and leave alone what is there.

    A tied range ends, and its data goes, when this process ends in whatever way.
    """
    with _alone(folder, make=True):
        data = {
            "production": BookingData(scale=scale, flawed=True),
            "staging": BookingData(scale=scale * STAGING_SHARE),
        }

        def start(environment: Environment) -> None:
            for says in environment.up(data[environment.name], tied=tied):
                progress(f"{environment.name}: {says}")

        with ThreadPoolExecutor(len(NAMES)) as pool:
            for done in [pool.submit(start, environment) for environment in _all(folder)]:
                done.result()
        _copy_samples(folder)
        _write_stack(folder)
    return status(folder)


def status(folder: Path) -> RangeStatus:
    """Look at the range without touching it."""
    folder = folder.resolve()
    _see_that_it_is_a_range(folder)
    parts = tuple(part for environment in _all(folder) for part in environment.status())
    return RangeStatus(folder, folder / STACK, parts)


def down(folder: Path, *, remove: bool = False, progress: Progress = _show_nothing) -> RangeStatus:
    """Stop the range; its data stays for the next time, unless it is to be removed."""
    with _alone(folder, make=False):
        for environment in _all(folder):
            for says in environment.down():
                progress(f"{environment.name}: {says}")
        after = status(folder)
        if remove:
            for environment in _all(folder):
                shutil.rmtree(environment.server.sockets, ignore_errors=True)
            shutil.rmtree(folder)
            progress(f"removed {folder}")
    return after


def start_traffic(
    folder: Path,
    *,
    on: str = TRAFFIC_ON,
    rate: float = RATE,
    readers: int = READERS,
    writers: int = WRITERS,
    tied: bool = False,
) -> RangeStatus:
    """Let clients use an environment's app, the rate in requests a second of all together."""
    environment = environment_of(folder, on)
    if environment.app.identity() is None:
        raise Unavailable(
            f"the app of {on} does not run, so nobody can use it", hint="drillbook range up"
        )
    with _alone(folder, make=False):
        environment.traffic.start(rate=rate, readers=readers, writers=writers, tied=tied)
    return status(folder)


def stop_traffic(folder: Path, *, on: str = TRAFFIC_ON) -> bool:
    """Let the clients of an environment go; False: there were none. Their record stays."""
    environment = environment_of(folder, on)
    with _alone(folder, make=False):
        return environment.traffic.stop()


def traffic_record(
    folder: Path,
    *,
    on: str = TRAFFIC_ON,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TrafficRecord:
    """Sum up what the clients met, as they wrote it down themselves: no server is asked."""
    return read_record(environment_of(folder, on).traffic.record, since=since, until=until)


def environment_of(folder: Path, name: str) -> Environment:
    """Return one environment of the range in a folder."""
    _see_that_it_is_a_range(folder)
    for environment in _all(folder):
        if environment.name == name:
            return environment
    raise NotFound(f"the range has no environment {name!r}", hint=f"It has {' and '.join(NAMES)}.")


def _all(folder: Path) -> tuple[Environment, ...]:
    return tuple(Environment(name, folder.resolve() / name) for name in NAMES)


def _copy_samples(folder: Path) -> None:
    for source in (MIGRATIONS, CHECKS):
        target = folder / source.name
        target.mkdir(exist_ok=True)
        for file in source.iterdir():
            if not (target / file.name).exists():
                shutil.copyfile(file, target / file.name)


def _write_stack(folder: Path) -> None:
    path = folder / STACK
    text = (path if path.exists() else TEMPLATE).read_text(encoding="utf-8")
    if "wal_archive" not in text:
        text = text.replace(OLD_BACKUPS, NEW_BACKUPS)
    for environment in _all(folder):
        # The app's port is kept from start to start, but another program may have taken it.
        section = rf"(\[environments\.{environment.name}\.app\][^\[]*?url = \"http://127\.0\.0\.1:)"
        port = str(environment.app.port)
        text = re.sub(section + r"(?:\d+|\{\w+\})", lambda found, p=port: found[1] + p, text)  # type: ignore[misc]  # mypy cannot infer a lambda's default
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def _see_that_it_is_a_range(folder: Path) -> None:
    if not (folder / MARK).exists():
        raise NotFound(f"there is no range in {folder}", hint="Start one there: drillbook range up")


@contextmanager
def _alone(folder: Path, *, make: bool) -> Iterator[None]:
    if make and not (folder / MARK).exists():
        if folder.exists() and any(folder.iterdir()):
            raise Refused(
                f"{folder} holds other files and no range",
                hint="Name a new or empty folder for the range.",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / MARK).touch()
    _see_that_it_is_a_range(folder)
    handle = os.open(folder / MARK, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
