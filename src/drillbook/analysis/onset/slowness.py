"""When answers became slower than usual, and still are."""

import itertools
from collections.abc import Sequence
from statistics import median, quantiles

from drillbook.analysis.onset.finding import Onset, Stream, find_onset

_PARTS, _FEWEST_IN_PART = 12, 8
SLOWER_TIMES = 1.5
_TENTHS = 10


def find_slow_onset(
    times: Sequence[float],
    milliseconds: Sequence[float],
    now: float,
    *,
    probes: tuple[Sequence[float], Sequence[float]] | None = None,
    start: float | None = None,
) -> tuple[Onset, float] | None:
    """
    Return since when more answers take long, and from how many milliseconds on that is long.

    `times` in order. Long is half as much again as what nine of ten answers need in the faster half
    of the window, so that slow answers before do not make the slowness of now usual.
    """
    limit = slow_from(milliseconds)
    if limit is None:
        return None
    probed = None
    if probes is not None and (longer := slow_from(probes[1])) is not None:
        probed = Stream(probes[0], [each > longer for each in probes[1]])
    slow = [each > limit for each in milliseconds]
    found = find_onset(times, slow, now, probes=probed, start=start)
    return None if found is None else (found, limit)


def slow_from(milliseconds: Sequence[float]) -> float | None:
    """Return from how many milliseconds on an answer is slow; None where there are too few."""
    count = len(milliseconds)
    parts = min(_PARTS, count // _FEWEST_IN_PART)
    if parts < 2:  # noqa: PLR2004 - with one part there is nothing to compare with
        return None
    edges = [round(i * count / parts) for i in range(parts + 1)]
    nines = sorted(
        quantiles(milliseconds[a:b], n=_TENTHS)[-1] for a, b in itertools.pairwise(edges)
    )
    return SLOWER_TIMES * median(nines[: (parts + 1) // 2])
