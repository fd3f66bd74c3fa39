"""What the clients met, summed up over any window of time."""

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drillbook.core.model import Frozen
from drillbook.range.traffic.recorder import READS, WRITES


class Met(Frozen):
    """One request; `ok` is None while it waits for its answer, or when the clients ended before."""

    kind: str
    what: str
    begun: datetime
    seconds: float = 0.0
    ok: bool | None = None
    cut: bool = False
    error: str = ""
    status: int = 0
    release: str = ""

    @property
    def over(self) -> bool:
        """Whether there is no more to come."""
        return self.cut or self.ok is not None

    @property
    def ended(self) -> datetime:
        """When the answer came, if it has."""
        return self.begun + timedelta(seconds=self.seconds)


class TrafficRecord(Frozen):
    """
    What the clients met in a window of time.

    A request counts when any part of it lies in the window. The longest stall is the longest wait
    for one answer; a request without an answer has waited until the window's end. Releases are how
    often each answered, where the app says which it is.
    """

    since: datetime | None
    until: datetime | None
    requests: int
    failed: int
    waiting: int
    success_rate: float
    longest_stall_seconds: float
    longest_read_seconds: float
    longest_write_seconds: float
    errors: dict[str, int]
    releases: dict[str, int]

    @property
    def says(self) -> str:
        """The record in one phrase."""
        if not self.requests:
            return "no request"
        return (
            f"{self.requests:,} requests, {self.success_rate:.2%} answered, "
            f"longest wait {self.longest_stall_seconds:.2f} s"
        )


def read_record(
    path: Path, *, since: datetime | None = None, until: datetime | None = None
) -> TrafficRecord:
    """Sum up what the clients met between two moments; without them, in all."""
    end = until or datetime.now(UTC)
    found = [met for met in read_requests(path) if _touches(met, since, until)]
    longest = max((_waited(met, end) for met in found), default=0.0)
    reads = max((_waited(met, end) for met in found if met.kind == READS), default=0.0)
    writes = max((_waited(met, end) for met in found if met.kind == WRITES), default=0.0)
    failed = sum(met.ok is False for met in found)
    answered = sum(met.ok is True for met in found)
    return TrafficRecord(
        since=since,
        until=until,
        requests=len(found),
        failed=failed,
        waiting=sum(met.ok is None for met in found),
        success_rate=answered / (answered + failed) if answered + failed else 1.0,
        longest_stall_seconds=longest,
        longest_read_seconds=reads,
        longest_write_seconds=writes,
        errors=dict(Counter(met.error for met in found if met.error)),
        releases=dict(Counter(met.release for met in found if met.release)),
    )


def read_requests(path: Path) -> Iterator[Met]:
    """Yield each request of a record, as far as it was written."""
    waiting: dict[int, Met] = {}
    last = datetime.fromtimestamp(0, UTC)
    for line in _lines(path):
        if "session" in line:  # whatever waited for the clients before waits no more
            yield from (_cut(met, last) for met in waiting.values())
            waiting.clear()
        elif "at" in line:
            met = met_from(line)
            waiting[line["n"]], last = met, max(last, met.begun)
        elif line["n"] in waiting:
            met = met_from(line, waiting.pop(line["n"]))
            last = max(last, met.ended)
            yield met
    yield from waiting.values()


def met_from(line: dict[str, Any], begun: Met | None = None) -> Met:  # Any: as in _lines
    """Read one line of a record: that of a request's beginning, or with it that of its end."""
    if begun is None:
        return Met(kind=line["kind"], what=line["what"], begun=line["at"])
    changed = {"seconds": line["s"], "ok": line["ok"], "error": line["error"]}
    # Records of before do not say these.
    changed |= {"status": line.get("status", 0), "release": line.get("release", "")}
    return begun.model_copy(update=changed)


def _lines(path: Path) -> Iterator[dict[str, Any]]:  # Any: JSON of the recorder
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for text in lines:
            if text.endswith("\n"):  # else it is being written right now
                yield json.loads(text)


def _cut(met: Met, at: datetime) -> Met:
    waited = max(0.0, (at - met.begun).total_seconds())
    return met.model_copy(update={"cut": True, "seconds": waited})


def _touches(met: Met, since: datetime | None, until: datetime | None) -> bool:
    ended_before = since is not None and met.over and met.ended < since
    begun_after = until is not None and met.begun > until
    return not (ended_before or begun_after)


def _waited(met: Met, end: datetime) -> float:
    return met.seconds if met.over else max(0.0, (end - met.begun).total_seconds())
