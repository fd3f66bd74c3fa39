"""Which messages are new, or come more or less often than before: exact tests on their rates."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from math import inf, log

from drillbook.analysis.loggroups.grouping import Group, Grouper
from drillbook.analysis.sequential.binomial import log_at_least, log_at_most

# One false word in a hundred comparisons of a quiet app is borne, over all its groups together.
FALSE_WORDS = 0.01
# What is sure but less than this is drift: traffic that grows through the day.
LEAST_RATIO = 1.5


class Verdict(StrEnum):
    """How often a message comes now, against the time before."""

    NEW = "new"
    GREW = "grew"
    AS_BEFORE = "as before"
    FELL = "fell"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Change:
    """
    One message in both times.

    `first` and `last` of the group count through the lines before and then those after;
    `first_after` is the index of its first line among those after, None when there is none.
    `ratio` is its rate after by its rate before, infinite for a new one. `log_p` is the natural
    logarithm of the probability that as many (or, where it fell, as few) come by chance.
    """

    group: Group
    verdict: Verdict
    before: int
    after: int
    ratio: float
    log_p: float
    is_sure: bool
    first_after: int | None


@dataclass(frozen=True, slots=True)
class GroupChange:
    """All messages of both times, what came newly or grew first, and of which each line is."""

    changes: tuple[Change, ...]
    of_line_before: Sequence[int]
    of_line_after: Sequence[int]

    def raised(self) -> tuple[Change, ...]:
        """Return what is new, or surely came more often."""
        return tuple(each for each in self.changes if each.verdict in (Verdict.NEW, Verdict.GREW))


def compare(
    before: Iterable[str],
    after: Iterable[str],
    *,
    before_exposure: float,
    after_exposure: float,
) -> GroupChange:
    """
    Compare how often each message came before and after.

    An exposure is what the lines were written in: seconds, or requests where the traffic
    changed. Both are of one unit and above zero.
    """
    grouper = Grouper()
    grouper.add(before)
    lines_before = grouper.taken
    grouper.add(after)
    groups = grouper.groups()
    early = Counter(islice(groups.of_line, lines_before))
    late = Counter(islice(groups.of_line, lines_before, None))
    starts = _firsts(groups.of_line, lines_before)
    share = after_exposure / (before_exposure + after_exposure)
    limit = log(FALSE_WORDS / max(1, len(groups.groups)))
    changes = [
        _change(each, early[at], late[at], starts.get(at), share, limit)
        for at, each in enumerate(groups.groups)
    ]
    order = sorted(range(len(changes)), key=lambda at: _rank(changes[at]))
    place = {at: new for new, at in enumerate(order)}
    of_line = [place[at] for at in groups.of_line]
    return GroupChange(
        tuple(changes[at] for at in order), of_line[:lines_before], of_line[lines_before:]
    )


def _firsts(of_line: Sequence[int], lines_before: int) -> dict[int, int]:
    after = of_line[lines_before:]
    return dict(zip(reversed(after), range(len(after) - 1, -1, -1), strict=True))


def _change(
    group: Group, before: int, after: int, first_after: int | None, share: float, limit: float
) -> Change:
    more = log_at_least(after, before + after, share)
    less = log_at_most(after, before + after, share)
    ratio = (after / share) / (before / (1.0 - share)) if before else inf
    grew = more <= less
    log_p = more if grew else less
    is_sure = log_p < limit
    if not before:
        verdict = Verdict.NEW
    elif not is_sure or 1.0 / LEAST_RATIO < ratio < LEAST_RATIO:
        verdict = Verdict.AS_BEFORE
    elif grew:
        verdict = Verdict.GREW
    else:
        verdict = Verdict.FELL if after else Verdict.GONE
    return Change(group, verdict, before, after, ratio, log_p, is_sure, first_after)


def _rank(change: Change) -> tuple[int, float, int]:
    order = (Verdict.NEW, Verdict.GREW, Verdict.GONE, Verdict.FELL, Verdict.AS_BEFORE)
    raised = change.verdict in order[:2]
    return (0 if raised else order.index(change.verdict), change.log_p, change.group.first)
