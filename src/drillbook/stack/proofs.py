"""One proof for each kind of setting: it uses what is set, and says what it saw or raises."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

import os
import platform
import shutil
import sqlite3
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drillbook.actions import checks
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.postgres_tools import found_tools, tool_for_server
from drillbook.core.quantities import show_duration, show_size
from drillbook.ports.database import Access, Database
from drillbook.ports.probe import Probe
from drillbook.stack.address import reference
from drillbook.stack.books import find_books
from drillbook.stack.settings import Settings, prepared_home
from drillbook.stack.stack import Stack

LITTLE_SPACE_BYTES = 100 * 2**20
MOST_NAMED = 5


def python() -> str:
    """Say which Python runs, and its SQLite."""
    return f"{platform.python_version()} at {sys.executable}, SQLite {sqlite3.sqlite_version}"


def postgres_programs() -> str:
    """Say which Postgres programs are on this machine."""
    tools = found_tools()
    if not tools:
        raise NotFound(
            "no Postgres programs are on this machine: backups cannot be taken",
            hint="pip install 'drillbook[range]', or install Debian's postgresql-client.",
        )
    return "; ".join(one.shown() for one in tools)


def home(settings: Settings) -> str:
    """Write to the home folder."""
    folder = prepared_home(settings)
    return f"{folder} can be written, {_room(folder)}"


def store(settings: Settings) -> str:
    """Open the store as a worker does."""
    from drillbook.engine.store import Store, prepare  # noqa: PLC0415 - only this proof pays

    prepared_home(settings)
    prepare(Store(url=settings.store_url(), home=settings.home))
    return f"{settings.store_says}: opened and ready"


def runs(settings: Settings) -> str:
    """Look for runs that no worker of this version carries on."""
    from drillbook.engine.store import STEP_PROTOCOL, Store  # noqa: PLC0415 - as above
    from drillbook.engine.versions import stranded  # noqa: PLC0415 - as above

    found = stranded(Store(url=settings.store_url(), home=prepared_home(settings)))
    if found:
        raise Refused(
            f"{len(found)} runs were begun by another version and stand still: "
            f"{', '.join(found[:MOST_NAMED])}",
            hint="Let a worker of that version end them, or stop each: drillbook cancel RUN --dead",
        )
    return f"no run waits for a worker of another version than {STEP_PROTOCOL}"


def journal_key(settings: Settings) -> str:
    """Look at the key that signs the journal."""
    from drillbook.engine.journal.keys import existing_key  # noqa: PLC0415 - as above

    key = existing_key(settings.home)
    if key is None:
        return "not made yet: the first run makes it"
    return f"key {key.id[:16]}, readable by its owner only"


def stack_file(stack: Stack) -> str:
    """Say what the stack file holds."""
    if stack.path is None:
        return "no stack.toml here: books of human tasks run, actions do not (drillbook init)"
    return f"{stack.path}: {', '.join(stack.file.environments) or 'no environment'}"


def books(stack: Stack) -> str:
    """Read every book that lies here."""
    found = find_books(folder=stack.folder)
    if found.problems:
        raise Refused(
            f"{len(found.problems)} files of runbooks cannot be read: {'; '.join(found.problems)}",
            hint="Correct or move them: runs do not see what is in them.",
        )
    own = sum(not one.file.shipped for one in found.runbooks())
    return f"{own} runbooks of your own, {len(found.shipped)} files shipped"


def database(stack: Stack, name: str) -> str:
    """Enter the database."""
    found = _access(stack, name)
    if not found.writable:
        raise Refused(
            f"{found.database} on Postgres {found.server_version} is read-only: "
            f"{found.read_only_because}",
            hint="Point url at the primary.",
        )
    section = stack.file.environments[name].database
    plain = section is not None and section.provider == "supabase" and not section.has_api
    by = ", as plain Postgres: its project and token are not named" if plain else ""
    return (
        f"entered {found.database} as {found.user} on Postgres {found.server_version}{by} "
        f"in {found.latency_ms:.0f} ms, {show_size(found.size_bytes)}"
    )


def app(stack: Stack, name: str) -> str:
    """Ask the app how it is."""
    health = checks.health.do(stack.port(name, Probe))
    if not health.ok:
        raise Failed(health.says, hint=f"Check url and health of the app of {name}.")
    return health.says


def backups(stack: Stack, name: str) -> str:
    """Write where backups lie, read it again, open the newest, and find the programs that fit."""
    from drillbook.stack import storing  # noqa: PLC0415 - only this proof pays

    place = stack.place(name)
    section = place.backups()
    if section.folder is not None:
        folder = place.path(section.folder)
        _write(folder, name)
        says = f"{folder} can be written, {_room(folder)}"
    else:
        says = storing.prove_bucket(section, place.folder)
    if section.folder is None or section.all_keys:
        staging = place.home() / "staging"
        _write(staging, name)
        says += f"; made in {staging}, {_room(staging)}"
    says += f"; {storing.prove_reading(section, folder=place.folder, staging=place.home())}"
    if stack.file.environments[name].database is None:
        return says
    major = _access(stack, name).server_major
    return f"{says}; pg_dump for server {major}: {tool_for_server('pg_dump', major)}"


def _write(folder: Path, name: str) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".drillbook-doctor-") as file:
            file.write(b"written and read again")
            file.flush()
    except OSError as error:
        raise Refused(
            f"the backups' folder {folder} cannot be written: {error.strerror}",
            hint=f"Make it writable, or name another in [environments.{name}.backups].",
        ) from error


def logs(stack: Stack, name: str, source: str) -> str:
    """Read the end of one log source."""
    from drillbook.stack.log_sources.building import sources  # noqa: PLC0415 - only this proof pays

    found = next(one for one in sources(stack.place(name)) if one.name == source)
    newest = found.newest()
    if newest is None:
        return f"{found.kind}: it can be read, and no line of it with a time is there yet"
    age = max(timedelta(0), datetime.now(UTC) - newest)
    ago = show_duration(timedelta(seconds=round(age.total_seconds())))
    return f"{found.kind}: the last line is {ago} old{found.forgets}"


def command(stack: Stack, name: str) -> str:
    """Find a command's program and its secrets, without starting it."""
    section = stack.file.commands[name]
    program = section.argv[0]
    # As the commands are started: from the stack's folder.
    place = str(stack.folder / program) if os.sep in program else program
    found = shutil.which(place)
    if found is None:
        raise NotFound(
            f"the program {program} of the command {name} cannot be run here",
            hint=f"Install it, or correct argv in [commands.{name}].",
        )
    for secret in section.environment.values():
        reference(secret.ref, stack.folder).reveal()
    return f"{found} is there, and {len(section.environment)} secrets for it"


def _access(stack: Stack, name: str) -> Access:
    return stack.port(name, Database).access()


def _room(folder: Path) -> str:
    free = shutil.disk_usage(folder).free
    if free < LITTLE_SPACE_BYTES:
        raise Refused(
            f"{folder} has {show_size(free)} left",
            hint=f"Free at least {show_size(LITTLE_SPACE_BYTES)} there.",
        )
    return f"{show_size(free)} free"
