"""One verdict from all that was counted: worse, surely not harmfully worse, or not known yet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log

from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import log_mean

# At most one change in a hundred that changed nothing is called worse, whenever one looks.
FALSE_ALARMS = 0.01
FALSE_PASSES = 0.01
# How the evidence is shared out; what latency has is enough, since slowness shows in few requests.
ERRORS_WEIGHT = 0.9
LATENCY_WEIGHT = 0.1
# Probes get the part of the evidence that is theirs of the requests to come, within these bounds.
LEAST_PROBES_WEIGHT, MOST_PROBES_WEIGHT = 0.5, 0.8
_MOST_NEEDED = 10_000_000


class Verdict(StrEnum):
    """What the requests so far say of a change."""

    PASS = "PASS"  # noqa: S105 - a verdict, not a password
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"


@dataclass(frozen=True, slots=True)
class Test:
    """One question asked of one stream of requests: the two e-values, by their logarithms."""

    weight: float
    log_worse: float
    log_harmless: float
    of_errors: bool = True


def probes_weight(probes_a_minute: float, users_a_minute: float) -> float:
    """Return the part of the evidence that probes get; it is settled before the first look."""
    if probes_a_minute <= 0:
        return 0.0
    part = probes_a_minute / (probes_a_minute + users_a_minute)
    return min(MOST_PROBES_WEIGHT, max(LEAST_PROBES_WEIGHT, part))


def log_worse(tests: Sequence[Test]) -> float:
    """Return the logarithm of the e-value against "nothing became worse": a weighted mean."""
    if not tests:
        return 0.0
    return log_mean([test.log_worse for test in tests], [test.weight for test in tests])


def is_worse(log_e: float) -> bool:
    """Tell whether an e-value suffices for FAIL."""
    return log_e >= -log(FALSE_ALARMS)


def is_harmless(log_harmless: Sequence[float]) -> bool:
    """Tell whether every question's e-value suffices for PASS; without questions it does not."""
    return bool(log_harmless) and min(log_harmless) >= -log(FALSE_PASSES)


def needed(holds: Callable[[Counts], bool], after: Counts, share: float) -> int | None:
    """
    Return how many more requests it takes until `holds`, if hits go on coming at `share`.

    None when no number does, because the time before was too short to know enough.
    """

    def enough(more: int) -> bool:
        return holds(after + Counts(more, more * share))

    if enough(0):
        return 0
    most = 1
    while not enough(most):
        most *= 2
        if most > _MOST_NEEDED:
            return None
    least = most // 2
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if enough(middle) else (middle, most)
    return most


def needed_for_pass(before: Before, after: Counts) -> int | None:
    """Return how many more requests a PASS takes if errors come as often as they did."""
    whole = before.counts + after
    share = whole.hits / whole.trials if whole.trials else 0.0
    return needed(lambda counts: is_harmless([before.log_harmless(counts)]), after, share)


def needed_for_fail(before: Before, after: Counts, weight: float) -> int | None:
    """Return how many more requests a FAIL takes if they go on failing as those after did."""
    if not after.hits:
        return None
    return needed(
        lambda counts: is_worse(before.log_higher(counts) + log(weight)),
        after,
        after.hits / after.trials,
    )
