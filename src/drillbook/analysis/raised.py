"""
Is a share higher than in the time before, and since when? Looked at all the time, for hours.

A test that is looked at every second must pay for every moment the change may have come at. Each
block of ten seconds that has a hit begins an e-process of its own against "no higher than before
that block" (`sequential.before`). Their sum grows by no more than one a block while nothing
changes, so within an hour of 360 blocks it reaches 36,000 with a probability of at most 1 %
(Ville's inequality for the sum less its growth; an e-detector of Shin, Ramdas and Rinaldo 2023).
Where every request fails that takes four or five of them.

What fits into one block decides nothing by itself, a client or a server that is gone for a second:
the worst block counts no more than the second worst, and hits must have come for some seconds. And
a change that is over is no change: hits must still be coming.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, log, log1p

from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS, Usual, group_size
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import log_mean

FALSE_ALARMS_AN_HOUR = 0.01
BLOCKS_AN_HOUR = 3600 // BLOCK_SECONDS
ENOUGH = log(BLOCKS_AN_HOUR / FALSE_ALARMS_AN_HOUR)
LASTS_SECONDS = 8.0
OVER = 4.0  # the newest blocks are so much likelier usual than raised, by the logarithm
MOST_SURE = 0.95  # one request that succeeds does not end an outage of all

Blocks = Mapping[int, Counts]
Known = tuple[Before, Usual]


@dataclass(frozen=True, slots=True)
class Raised:
    """What a look found: how much speaks for a raise, since which block, what was before it."""

    log_evidence: float
    since: int | None
    before: Counts
    after: Counts
    goes_on: bool = False
    enough: float = ENOUGH

    @property
    def is_strong(self) -> bool:
        """Whether the evidence is enough, though what was raised may be over."""
        return self.log_evidence >= self.enough


@dataclass
class Raising:
    """
    One stream watched without end.

    What was raised once is in `bad`, and never part of what is usual: a second outage is compared
    with the time before the first, and an outage of hours does not become the usual. `part` is how
    much of the false alarms that are allowed is for this stream, one of several.
    """

    bad: set[int] = field(default_factory=set[int])
    part: float = 1.0
    _known: dict[int, Known] = field(default_factory=dict[int, Known])
    _good: Known | None = None  # the newest hour without anything bad in it

    def look(self, blocks: Blocks, *, since: int) -> Raised:
        """Weigh the blocks from `since` on against the hour before each of them."""
        newest = max(blocks, default=since)
        usual = self._before(blocks, since)[0].counts
        found: dict[int, float] = {}
        enough = ENOUGH - log(self.part)
        for start in (block for block in blocks if block >= since and blocks[block].hits):
            before, expected = self._before(blocks, start)
            if (blocks[start].share or 0.0) > (before.counts.share or 0.0):
                after = [blocks[each] for each in range(start, newest + 1) if each in blocks]
                found[start] = before.log_higher(_without_burst(after, expected))
        self._forget(since)
        if not found:
            return Raised(-inf, None, usual, _sum(blocks, since, newest + 1), enough=enough)
        best = max(found, key=lambda start: found[start])
        total = log_mean(list(found.values())) + log(len(found))
        usual = self._before(blocks, best)[0].counts
        rows = [blocks[each] for each in range(best, newest + 1) if each in blocks]
        return Raised(total, best, usual, sum(rows, Counts()), _goes_on(rows, usual), enough)

    def mark(self, first: int, last: int) -> None:
        """Leave these blocks out of what is usual from now on."""
        self.leave_out(set(range(first, last + 1)))

    def leave_out(self, blocks: set[int]) -> None:
        """Leave out of what is usual what another stream saw raised."""
        new = blocks - self.bad
        self.bad |= new
        for end in [end for end in self._known if new and end > min(new)]:
            del self._known[end]

    def _before(self, blocks: Blocks, end: int) -> Known:
        # Settled once for each start: a rule that bends while one looks would promise nothing.
        if end not in self._known:
            calm = [each for each in range(end - BLOCKS_AN_HOUR, end) if each not in self.bad]
            row = [blocks.get(each, Counts()) for each in calm]
            counts, group = sum(row, Counts()), group_size(row)
            if self._good is not None and counts.trials < self._good[0].counts.trials and self.bad:
                self._known[end] = self._good
            else:
                self._known[end] = Before(counts, group), Usual.of(counts, group)
        if self.bad.isdisjoint(range(end - BLOCKS_AN_HOUR, end)):
            self._good = self._known[end]
        return self._known[end]

    def _forget(self, since: int) -> None:
        for end in [each for each in self._known if each < since]:
            del self._known[end]
        self.bad = {block for block in self.bad if block > since - 3 * BLOCKS_AN_HOUR}


def _without_burst(blocks: Sequence[Counts], usual: Usual) -> Counts:
    """Return all blocks together, the worst with no greater share of hits than the second worst."""
    whole = sum(blocks, Counts())
    if len(blocks) == 1:
        return usual.capped(blocks, 1)
    worst, second = sorted(blocks, key=lambda each: each.share or 0.0)[:-3:-1]
    allowed = max((second.share or 0.0) * worst.trials, usual.capped([worst], 1).hits)
    return Counts(whole.trials, whole.hits - max(0.0, worst.hits - allowed))


def _goes_on(rows: Sequence[Counts], before: Counts) -> bool:
    """
    Tell by the newest blocks whether what was raised still is, or is over.

    From the newest backwards: whichever is first surely more likely, the share since the raise or
    the usual one. Usual hits that trickle on keep nothing going.
    """
    after = sum(rows, Counts())
    usual = (before.hits + 0.5) / (before.trials + 1.0)
    raised = min(MOST_SURE, max(after.share or 0.0, usual))
    hit, miss = log(raised / usual), log1p(-raised) - log1p(-min(usual, MOST_SURE))
    said = 0.0
    for row in reversed(rows):
        said += row.hits * hit + (row.trials - row.hits) * miss
        if abs(said) >= OVER:
            return said > 0
    return True


def lasted(hits: Sequence[float]) -> bool:
    """Tell by the times of hits, in order, whether they have come for a while."""
    return bool(hits) and hits[-1] - hits[0] >= LASTS_SECONDS


def _sum(blocks: Blocks, first: int, end: int) -> Counts:
    return sum((counts for block, counts in blocks.items() if first <= block < end), Counts())
