"""Whether requests stopped coming: silence says nothing of errors, but has a time of its own."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from math import log

# So seldom would a gap like this come by chance in the whole window.
FALSE_ALARMS = 0.001
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Silence:
    """Nothing was seen since `since`; `a_minute` came before, `expected` would have come since."""

    since: float
    seconds: float
    a_minute: float
    expected: float


def find_silence(
    times: Sequence[float], now: float, *, start: float | None = None
) -> Silence | None:
    """
    Return since when nothing comes any more, though it came too often for this to be chance.

    None where something still comes, or where so little came that nobody can tell.
    """
    if len(times) < _FEWEST:
        return None
    last, first = max(times), min(times) if start is None else start
    seconds, before = now - last, last - first
    if seconds <= 0.0 or before <= 0.0:
        return None
    rate = len(times) / before
    expected = rate * seconds
    # Visitors come in waves: the longest gap so far is no rarer than the next.
    ordered = sorted(times)
    longest = max(b - a for a, b in itertools.pairwise(ordered))
    if expected < -log(FALSE_ALARMS / len(times)) or seconds < 2.0 * longest:
        return None
    return Silence(last, seconds, 60.0 * rate, expected)
