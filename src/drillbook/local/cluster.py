"""A Postgres server's data folder: made whole or not at all, and matched with its programs."""

import shutil
import subprocess
from pathlib import Path

from drillbook.core.errors import Failed, Refused
from drillbook.core.postgres_tools import PostgresTools, find_server, found_tools
from drillbook.local.unprivileged import give, usable_account

BUILTIN_LOCALES_SINCE = 17


def make_data(data: Path, tools: PostgresTools, user: str, password: str, *, durable: bool) -> None:
    """Make a server's data with one superuser who needs the password on every connection."""
    account = usable_account(data.parent, tools.folder / "postgres")
    unfinished = data.with_suffix(".unfinished")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(mode=0o700)
    words = unfinished.with_suffix(".password")
    words.touch(mode=0o600)
    words.write_text(password, encoding="utf-8")
    try:
        give(unfinished, account.owner)
        give(words, account.owner)
        options = _options(tools, unfinished, durable=durable)
        _initdb(tools, (*account.prefix, *options, f"--username={user}", f"--pwfile={words}"))
    finally:
        words.unlink()
    # Data under its final name is whole: a crash before this line leaves nothing half made.
    unfinished.rename(data)


def fitting_tools(data: Path) -> PostgresTools:
    """Return the programs whose major version wrote the data, or the preferred ones for none."""
    mark = data / "PG_VERSION"
    if not mark.exists():
        return find_server()
    major = int(mark.read_text(encoding="utf-8"))
    for tools in found_tools():
        if tools.major == major and tools.has("postgres"):
            return tools
    raise Refused(
        f"the data in {data} is Postgres {major}'s, and no such server is here",
        hint=f"Install Postgres {major}, or remove {data.parent} to begin anew.",
    )


def _options(tools: PostgresTools, data: Path, *, durable: bool) -> tuple[str, ...]:
    initdb = str(tools.folder / "initdb")
    # Bare machines have no locales installed: C is everywhere, the builtin provider knows UTF-8.
    words = [initdb, "-D", str(data), "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"]
    words.append("--data-checksums")  # a page that rots is then found by whoever reads it
    if tools.major >= BUILTIN_LOCALES_SINCE:
        words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return tuple(words if durable else [*words, "--no-sync"])


def _initdb(tools: PostgresTools, words: tuple[str, ...]) -> None:
    made = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=120,
    )
    if made.returncode != 0:
        raise Failed(
            f"initdb {tools.shown()} ended with {made.returncode}: {made.stderr.strip()[-400:]}",
            hint="Free space in the folder, or name other programs.",
        )
