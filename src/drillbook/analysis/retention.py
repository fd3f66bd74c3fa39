"""Which backups a rule keeps, and why: pure, and never one that must not go."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drillbook.core.quantities import show_duration


@dataclass(frozen=True, slots=True)
class Held:
    """A backup as a rule sees it."""

    id: str
    at: datetime
    parent: str = ""
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """
    What is kept: the newest `keep_last`, the newest of each of the last days, weeks and months.

    With `older_than` nothing younger goes; alone, everything older does.
    """

    keep_last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    older_than: timedelta | None = None

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing, and so would let everything go."""
        return self.older_than is None and not any(
            (self.keep_last, self.daily, self.weekly, self.monthly)
        )


@dataclass(frozen=True, slots=True)
class Decided:
    """What stays, each with its reason, and what goes, in the order of removal."""

    stays: Mapping[str, str]
    goes: tuple[str, ...]


PERIODS: tuple[tuple[str, Callable[[datetime], object]], ...] = (
    ("day", lambda at: at.astimezone(UTC).date()),
    ("week", lambda at: at.astimezone(UTC).isocalendar()[:2]),
    ("month", lambda at: (at.astimezone(UTC).year, at.astimezone(UTC).month)),
)


def decide(backups: Iterable[Held], rule: Rule, now: datetime) -> Decided:
    """Decide; the newest, the last proven one and every parent of what stays stay always."""
    newest_first = sorted(backups, key=lambda one: (one.at, one.id), reverse=True)
    stays = protected(newest_first) | _by_rule(newest_first, rule, now)
    stays |= _parents(newest_first, stays)
    # Children are younger than their parents: gone first, they are never left without one.
    return Decided(stays, tuple(one.id for one in newest_first if one.id not in stays))


def still_needed(backups: Iterable[Held], goes: Iterable[str]) -> dict[str, str]:
    """Return what must stay by now, and why, when these were to go and no others."""
    there = list(backups)
    found = protected(there)
    leaving = set(goes) - set(found)
    others = {one.id: "" for one in there if one.id not in leaving}
    return found | _parents(there, others)


def protected(backups: Iterable[Held]) -> dict[str, str]:
    """Return what no rule lets go, and why."""
    newest_first = sorted(backups, key=lambda one: (one.at, one.id), reverse=True)
    found: dict[str, str] = {}
    proven = [one for one in newest_first if one.proven]
    if proven:
        found[proven[0].id] = "the last proven one"
    if newest_first:
        found.setdefault(newest_first[0].id, "the newest")
    return found | _parents(newest_first, found)


def _by_rule(newest_first: list[Held], rule: Rule, now: datetime) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, one in enumerate(newest_first[: rule.keep_last], 1):
        found.setdefault(one.id, f"number {number} of the last {rule.keep_last}")
    counts = (rule.daily, rule.weekly, rule.monthly)
    for (name, period), count in zip(PERIODS, counts, strict=True):
        firsts: dict[object, Held] = {}
        for one in newest_first:
            firsts.setdefault(period(one.at), one)
        for one in list(firsts.values())[:count]:
            found.setdefault(one.id, f"the newest of its {name}")
    if rule.older_than is not None:
        for one in newest_first:
            if now - one.at <= rule.older_than:
                found.setdefault(one.id, f"not older than {show_duration(rule.older_than)}")
    return found


def _parents(backups: Iterable[Held], stays: Mapping[str, str]) -> dict[str, str]:
    by_id = {one.id: one for one in backups}
    found: dict[str, str] = {}
    for name in stays:
        one = by_id.get(name)
        while one is not None and one.parent and one.parent not in found:
            child, one = one, by_id.get(one.parent)
            if one is not None and one.id not in stays:
                found[one.id] = f"{child.id} builds on it"
    return found
