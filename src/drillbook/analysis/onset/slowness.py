"""From how many milliseconds on an answer is slow, by what is usual."""

import itertools
from collections.abc import Sequence
from statistics import median, quantiles

_PARTS, _FEWEST_IN_PART = 12, 8
SLOWER_TIMES = 1.5
_TENTHS = 10


def slow_from(milliseconds: Sequence[float]) -> float | None:
    """
    Return from how many milliseconds on an answer is slow; None where there are too few.

    That is half as much again as what nine of ten answers need in the faster half of the window,
    so that slow answers before do not make the slowness of now usual.
    """
    count = len(milliseconds)
    parts = min(_PARTS, count // _FEWEST_IN_PART)
    if parts < 2:  # noqa: PLR2004 - with one part there is nothing to compare with
        return None
    edges = [round(i * count / parts) for i in range(parts + 1)]
    nines = sorted(
        quantiles(milliseconds[a:b], n=_TENTHS)[-1] for a, b in itertools.pairwise(edges)
    )
    return SLOWER_TIMES * median(nines[: (parts + 1) // 2])
