"""What WAL files say, read by `pg_waldump`: who committed when, and which points have a name."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.errors import Damaged
from drillbook.core.postgres_tools import PostgresTools
from drillbook.providers.postgres.physical.lsn import Lsn

_COMMIT = re.compile(
    r"^rmgr: Transaction .*, tx: +(\d+), lsn: ([0-9A-F]+/[0-9A-F]+), .*?"
    r"desc: COMMIT(?:_PREPARED (\d+):)? (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?) UTC"
)
_POINT = re.compile(
    r"^rmgr: XLOG .*, lsn: ([0-9A-F]+/[0-9A-F]+), prev [^,]*, desc: RESTORE_POINT (.*?)\s*$"
)
ONE_RECORD = "could not find a valid record after"  # a record longer than a segment


@dataclass(frozen=True, slots=True)
class Commit:
    """A transaction's commit record: `lsn` is where the record starts."""

    lsn: Lsn
    xid: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Point:
    """A named restore point's record: `lsn` is where the record starts."""

    lsn: Lsn
    name: str


@dataclass(frozen=True, slots=True)
class WalRange:
    """A stretch of WAL in a folder of segments; `end` is the first place after it."""

    folder: Path
    timeline: int
    start: Lsn
    end: Lsn


def events(wal: WalRange, tools: PostgresTools, *, next_file: str = "") -> Iterator[Commit | Point]:
    """
    Yield the commits and named restore points of a stretch of WAL, in its order.

    The last record may go on in a file that is not there yet: then `next_file` names that one.
    """
    words: list[str | Path] = [
        tools.folder / "pg_waldump", f"--path={wal.folder}", f"--timeline={wal.timeline}",
        f"--start={wal.start}", f"--end={wal.end}", "--rmgr=Transaction", "--rmgr=XLOG",
    ]  # fmt: skip
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        env={**os.environ, "LC_ALL": "C", "TZ": "UTC"},
    ) as reading:
        assert reading.stdout is not None and reading.stderr is not None  # noqa: S101, PT018 - pipes
        try:
            for line in reading.stdout:
                if (event := _event(line)) is not None:
                    yield event
            said = reading.stderr.read().strip()
        finally:
            reading.kill()
    goes_on = next_file and (f'"{next_file}"' in said or ONE_RECORD in said)
    if reading.returncode != 0 and not goes_on:
        raise Damaged(
            f"the WAL from {wal.start} to {wal.end} in {wal.folder} cannot be read: {said[-300:]}",
            hint="A segment is missing or damaged; choose a point before it.",
        )


def _event(line: str) -> Commit | Point | None:
    if commit := _COMMIT.match(line):
        own, lsn, prepared, at = commit.groups()
        when = datetime.fromisoformat(at).replace(tzinfo=UTC)
        return Commit(Lsn.parse(lsn), int(prepared or own), when)
    if point := _POINT.match(line):
        return Point(Lsn.parse(point.group(1)), point.group(2))
    return None
