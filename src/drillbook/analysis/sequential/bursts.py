"""
Errors seldom come alone: how large their groups are, and how much one burst may count.

The tests take requests as independent. A client that tries again, or a database gone for five
seconds, makes many errors of one cause. Both corrections only lower the evidence, so a test that
holds for independent requests holds with them, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from drillbook.analysis.sequential.counts import Counts

BLOCK_SECONDS = 10
# A burst may last so many blocks, each with so many hits and so many times the usual ones.
BURST_BLOCKS = 3
BURST_HITS = 1.0
BURST_TIMES = 3.0
# Lengths at which groups (minutes) and a drifting share (an hour) show.
SPANS_SECONDS = (60, 600, 3600)
_SURE = 2.0
_FEWEST_SPANS = 5

Blocks = Sequence[Counts]


@dataclass(frozen=True, slots=True)
class Usual:
    """What a block usually holds: the share of hits, and the size of the groups they come in."""

    share: float
    group: float = 1.0

    @classmethod
    def of(cls, counts: Counts, group: float) -> "Usual":
        """Return what counts of the time before let expect, a little above what they show."""
        return cls((counts.hits + 1.0) / (counts.trials + 1.0), group)

    def capped(self, blocks: Sequence[Counts], at_most: int) -> Counts:
        """
        Return all blocks together, the `at_most` worst ones with what one burst may count.

        Whatever happens within so many blocks decides nothing by itself; what lasts longer does.
        """
        excess = sorted((self._excess(block) for block in blocks), reverse=True)
        whole = sum(blocks, Counts())
        return Counts(whole.trials, max(0.0, whole.hits - sum(excess[:at_most])))

    def _excess(self, block: Counts) -> float:
        most = BURST_HITS * self.group + BURST_TIMES * self.share * block.trials
        return max(0.0, block.hits - most)


def group_size(blocks: Blocks) -> float:
    """
    Return the size of the groups hits come in: 1 when they look independent.

    The variance of the hits in a minute, ten minutes and an hour over what independent requests
    would have, less two standard errors of that ratio; of the three the largest. `blocks` follow
    each other, `BLOCK_SECONDS` each, empty ones too.
    """
    whole = sum(blocks, Counts())
    if not 0 < whole.hits < whole.trials:
        return 1.0
    share = whole.hits / whole.trials
    sizes = [1.0]
    for seconds in SPANS_SECONDS:
        spans = [span for span in _joined(blocks, seconds // BLOCK_SECONDS) if span.trials]
        if len(spans) >= _FEWEST_SPANS:
            sizes.append(_dispersion(spans, share))
    return max(sizes)


def _dispersion(spans: Blocks, share: float) -> float:
    expected = [span.trials * share * (1.0 - share) for span in spans]
    seen = sum((span.hits - span.trials * share) ** 2 for span in spans)
    total = sum(expected)
    error = sqrt(sum(2.0 * each * each + each for each in expected)) / total
    return seen / total - _SURE * error


def _joined(blocks: Blocks, count: int) -> list[Counts]:
    return [sum(blocks[i : i + count], Counts()) for i in range(0, len(blocks), count)]
