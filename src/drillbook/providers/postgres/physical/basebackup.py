"""`pg_basebackup` of a whole server: with its WAL, its pages checked, and known by its manifest."""

import json
import re
import time
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, DrillbookError, Refused
from drillbook.core.postgres_tools import PostgresTools, tools_with
from drillbook.core.quantities import show_size
from drillbook.ports.commands import Commands, Stream
from drillbook.providers.postgres.physical.control import read_control
from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.programs import run_program
from drillbook.providers.postgres.server import Server

MANIFEST = "backup_manifest"
_PROGRESS = re.compile(r"\s*(\d+)/(\d+) kB \((\d+)%\)")
_BAD_PAGE = re.compile(r"checksum verification failed in file \"([^\"]+)\", block (\d+)")
NAMED_AT_MOST = 10
TABLESPACES = (
    "SELECT oid, pg_catalog.pg_tablespace_location(oid) FROM pg_catalog.pg_tablespace"
    " WHERE pg_catalog.pg_tablespace_location(oid) LIKE '/%'"
)
_REASONS: tuple[tuple[str, str, str], ...] = (
    (
        "no pg_hba.conf entry for replication",
        "its pg_hba.conf lets no replication connection in",
        "Add a line to pg_hba.conf: host replication ROLE ADDRESS scram-sha-256.",
    ),
    (
        "permission denied to start WAL sender",
        "the login may not replicate",
        "ALTER ROLE … REPLICATION, and name that login: replication = … in the stack file.",
    ),
    (
        "must be superuser or replication role",
        "the login may not replicate",
        "ALTER ROLE … REPLICATION, and name that login: replication = … in the stack file.",
    ),
    (
        "exceeds max_wal_senders",
        "all its WAL senders are taken",
        "Raise max_wal_senders; a base backup needs two.",
    ),
    (
        "all replication slots are in use",
        "all its replication slots are taken",
        "Raise max_replication_slots; a base backup needs one while it runs.",
    ),
    (
        "incremental backups cannot be taken unless WAL summarization is enabled",
        "it does not summarize its WAL",
        "ALTER SYSTEM SET summarize_wal = on; then take a full backup first.",
    ),
    (
        "WAL summaries are required",
        "its WAL summaries do not reach back to the parent backup",
        "Take a full backup; then incremental ones build on it.",
    ),
    (
        "requires WAL level",
        "its wal_level is minimal",
        "Set wal_level = replica and restart it.",
    ),
)


@dataclass(frozen=True, slots=True)
class BaseBackup:
    """A copy of a server's files that recovers from `start` and is consistent at `end`."""

    folder: Path
    start: Lsn
    end: Lsn
    timeline: int
    system_identifier: str
    segment_bytes: int
    size_bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class CopiedRange:
    """The WAL from `start` to `end`, without which a copy's files are not of one moment."""

    start: Lsn
    end: Lsn
    timeline: int
    size_bytes: int


def run_basebackup(
    commands: Commands,
    server: Server,
    effect: Effect,
    into: Path,
    *,
    server_major: int,
    replication: Server | None = None,
    incremental_on: Path | None = None,
    tablespaces: Path | None = None,
    durable: bool = True,
) -> BaseBackup:
    """
    Copy a whole server's files into a folder that is empty or not there.

    `replication` is a login that may replicate (default: `server`); `incremental_on` is the
    backup_manifest of the parent; tablespaces go below the folder of that name (Refused when
    there are some and none is named).
    Damaged names the pages that fail their checksum: a copy with bad pages is never returned.
    """
    with server.session() as session:
        places = _tablespaces(session.execute(TABLESPACES).fetchall(), server, tablespaces)
    arguments = _arguments(into, places, incremental_on, durable=durable)
    telling = _Telling(effect)
    began = time.monotonic()
    try:
        run_program(
            commands, replication or server, "pg_basebackup", arguments,
            effect_key=effect.key, server_major=server_major, on_output=telling.hear,
        )  # fmt: skip
    except DrillbookError as error:
        raise _explained(error, telling, server) from error
    if telling.bad_pages:
        raise _damaged(telling, server)
    seconds = round(time.monotonic() - began, 3)
    return _read(into, tools_with("pg_controldata", server_major), seconds)


def _arguments(
    into: Path, places: dict[str, Path], incremental_on: Path | None, *, durable: bool
) -> tuple[str, ...]:
    # Only what is kept can be changed by somebody: a copy to throw away needs no strong sums.
    sums = "SHA256" if durable else "CRC32C"
    return (
        f"--pgdata={into}", "--format=plain", "--wal-method=stream", "--checkpoint=fast",
        "--progress", "--verbose", "--no-password", f"--manifest-checksums={sums}",
        *(f"--tablespace-mapping={there}={here}" for there, here in places.items()),
        *((f"--incremental={incremental_on}",) if incremental_on is not None else ()),
        *(() if durable else ("--no-sync",)),
    )  # fmt: skip


class _Telling:
    """What pg_basebackup says while it runs."""

    def __init__(self, effect: Effect) -> None:
        self._effect = effect
        self.bad_pages: list[str] = []

    def hear(self, stream: Stream, line: str) -> None:
        if stream is not Stream.ERRORS:
            return
        if progress := _PROGRESS.match(line):
            done, of = (int(number) * 1024 for number in progress.group(1, 2))
            share = min(1.0, done / of) if of else None
            self._effect.progress(f"copied {show_size(done)} of {show_size(of)}", share)
        elif page := _BAD_PAGE.search(line):
            self.bad_pages.append(f"{page.group(1)} block {page.group(2)}")


def _tablespaces(
    rows: list[tuple[object, ...]], server: Server, below: Path | None
) -> dict[str, Path]:
    found = {str(place): str(oid) for oid, place in rows}
    if found and below is None:
        raise Refused(
            f"{server.name} keeps data in tablespaces ({', '.join(sorted(found))}), "
            "which a physical backup here does not hold",
            hint="Take a logical backup: kind=logical.",
        )
    return {
        place.replace("=", "\\="): below / oid for place, oid in found.items() if below is not None
    }


def _explained(error: DrillbookError, telling: _Telling, server: Server) -> DrillbookError:
    if telling.bad_pages or "checksum error occurred" in str(error):
        return _damaged(telling, server)
    for words, reason, hint in _REASONS:
        if words in str(error):
            return Refused(f"{server.name} cannot be copied: {reason}", hint=hint)
    return error


def _damaged(telling: _Telling, server: Server) -> Damaged:
    pages = telling.bad_pages
    named = ", ".join(pages[:NAMED_AT_MOST])
    more = f" and {len(pages) - NAMED_AT_MOST} more" if len(pages) > NAMED_AT_MOST else ""
    return Damaged(
        f"pages of {server.name} fail their checksum: {named or 'see its log'}{more}; "
        "no backup was kept",
        hint="The damage is on the server itself: look at its disk, and restore from before it.",
    )


def read_ranges(folder: Path) -> CopiedRange:
    """Return the WAL a copy needs to be whole, as the manifest that the server wrote says."""
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        (found,) = told["WAL-Ranges"]
        return CopiedRange(
            start=Lsn.parse(found["Start-LSN"]),
            end=Lsn.parse(found["End-LSN"]),
            timeline=int(found["Timeline"]),
            size_bytes=sum(int(file["Size"]) for file in told["Files"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(
            f"there is no readable {MANIFEST} in {folder}", hint="Take the backup again."
        ) from error


def _read(folder: Path, tools: PostgresTools, seconds: float) -> BaseBackup:
    control = read_control(folder, tools)
    found = read_ranges(folder)
    return BaseBackup(
        folder=folder, start=found.start, end=found.end, timeline=found.timeline,
        system_identifier=control["Database system identifier"],
        segment_bytes=int(control["Bytes per WAL segment"]),
        size_bytes=found.size_bytes, seconds=seconds,
    )  # fmt: skip
