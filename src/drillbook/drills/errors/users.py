"""What users met, by their own record: who was harmed, since when, and when all was well again."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, log
from pathlib import Path
from statistics import median
from typing import Any

from drillbook.range.traffic.record import Met, met_from

# Somebody who has waited so long without an answer is harmed, whatever comes later.
STALL_SECONDS = 3.0
# In a case of slow answers: what is far slower than usual, and slow for a person at all.
SLOW_TIMES, SLOW_SECONDS = 5.0, 0.06
FEWEST_OF_A_KIND = 10
KEPT = 4_000
# One failure alone is life, three within a case are harm.
HARMED = 3
# Where answers are slow, so many in a hundred may be so on a busy machine.
SLOW_SHARE = 0.05
# So many good requests in a row tell that it is over, and as many more as harm was rare.
WELL_REQUESTS, CHANCE = 20, 0.01


@dataclass(slots=True)
class Users:
    """The clients of production; the record is read on from where it was read to."""

    record: Path
    usual: dict[str, float] = field(default_factory=dict[str, float])
    _ended: list[Met] = field(default_factory=list[Met])
    _waiting: dict[int, Met] = field(default_factory=dict[int, Met])
    _offset: int = 0

    def requests(self, since: datetime) -> list[Met]:
        """Return who asked since a moment, in the order in which they asked."""
        self._read()
        found = [met for met in self._ended if met.begun >= since]
        found += [met for met in self._waiting.values() if met.begun >= since]
        return sorted(found, key=lambda met: met.begun)

    def learn(self, since: datetime, until: datetime) -> None:
        """Take what is usual from a time in which all was well."""
        took: dict[str, list[float]] = {}
        for met in self.requests(since):
            if met.ok and met.ended <= until:
                took.setdefault(met.what, []).append(met.seconds)
        enough = {what: each for what, each in took.items() if len(each) >= FEWEST_OF_A_KIND}
        self.usual |= {what: median(each) for what, each in enough.items()}

    def is_harmed(self, met: Met, now: datetime, *, slow: bool = False) -> bool:
        """Whether a request failed or waited for too long; with `slow`, far longer than usual."""
        waited = met.seconds if met.over else (now - met.begun).total_seconds()
        if met.ok is False or (waited > STALL_SECONDS and not met.cut):
            return True
        return slow and met.over and not met.cut and self.is_slow(met)

    def is_slow(self, met: Met) -> bool:
        """Whether an answer took far longer than usual."""
        usual = self.usual.get(met.what, 0.0)
        return met.seconds > max(SLOW_TIMES * usual, SLOW_SECONDS)

    def are_well(self, since: datetime) -> bool:
        """Whether enough came since a moment, all were answered, and nearly all as fast as ever."""
        now = datetime.now(UTC)
        found = [met for met in self.requests(since) if met.over or self.is_harmed(met, now)]
        if len(found) < WELL_REQUESTS or any(self.is_harmed(met, now) for met in found):
            return False
        return sum(self.is_slow(met) for met in found) <= SLOW_SHARE * len(found)

    def _read(self) -> None:
        with self.record.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offset += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))
        del self._ended[:-KEPT]

    def _take(self, line: dict[str, Any]) -> None:  # Any: JSON of the recorder
        if "session" in line:
            self._waiting.clear()
            return
        number = int(line["n"])
        if "at" in line:
            self._waiting[number] = met_from(line)
        elif number in self._waiting:
            self._ended.append(met_from(line, self._waiting.pop(number)))


@dataclass(frozen=True, slots=True)
class Harm:
    """What a case did to users: who was harmed of how many, from when to when."""

    requests: int
    harmed: int
    first: datetime | None = None
    last: datetime | None = None
    well_since: datetime | None = None
    errors: tuple[str, ...] = ()

    @property
    def is_real(self) -> bool:
        """Whether it is more than one failure of chance."""
        return self.harmed >= HARMED


def harm_of(users: Users, since: datetime, until: datetime, *, slow: bool = False) -> Harm:
    """Return what users met in a window; a request belongs to the moment it was sent."""
    found = [met for met in users.requests(since) if met.begun < until]
    marked = [(met, users.is_harmed(met, until, slow=slow)) for met in found]
    harmed = [met for met, is_harmed in marked if is_harmed]
    return Harm(
        requests=len(found),
        harmed=len(harmed),
        first=harmed[0].begun if harmed else None,
        last=max((_until(met, until) for met in harmed), default=None),
        well_since=_well_since(marked, until),
        errors=_worst(met.error or ("slow" if met.over else "no answer") for met in harmed),
    )


def _until(met: Met, now: datetime) -> datetime:
    return met.ended if met.over else now


def _well_since(marked: Sequence[tuple[Met, bool]], until: datetime) -> datetime | None:
    """
    Return the first moment after which users are well to the end of the window, None for never.

    After it nobody fails or waits, at most a few answers are slow, and enough came to tell.
    """
    # Whoever asked before may have been waiting for the failure while others were answered.
    failed = [_until(met, until) for met, harmed in marked if harmed and not _is_answered(met)]
    enough = _enough([harmed for _, harmed in marked])
    well: datetime | None = None
    after = slow = 0
    for met, is_harmed in reversed(marked):
        if is_harmed and not _is_answered(met):
            break
        after, slow = after + 1, slow + is_harmed
        if after >= enough and slow > SLOW_SHARE * after:
            break
        if after >= enough and not is_harmed:
            well = met.begun
    return None if well is None else max([well, *failed])


def _enough(harmed: list[bool]) -> int:
    """Return how many good requests in a row are no chance, from the share that was harmed."""
    places = [place for place, is_harmed in enumerate(harmed) if is_harmed]
    if len(places) < HARMED:
        return WELL_REQUESTS
    share = min(0.99, len(places) / (places[-1] - places[0] + 1))
    return max(WELL_REQUESTS, ceil(log(CHANCE) / log(1 - share)))


def _is_answered(met: Met) -> bool:
    """Whether somebody got an answer, however slowly; who waited for too long did not."""
    return met.ok is True and met.seconds <= STALL_SECONDS


def _worst(errors: Iterable[str]) -> tuple[str, ...]:
    counted: dict[str, int] = {}
    for error in errors:
        counted[error] = counted.get(error, 0) + 1
    most = sorted(counted.items(), key=lambda each: -each[1])[:3]
    return tuple(f"{number} of {error}" for error, number in most)
