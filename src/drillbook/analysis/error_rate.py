"""Are there more errors than before? Exact tests that hold at small traffic, too."""

from collections.abc import Iterable
from math import exp, fsum, lgamma, log, log1p

# One false alarm in a hundred looks at a healthy app is borne; more is not.
FALSE_ALARMS = 0.01
USUAL_RATE = 0.01


def is_raised(errors: int, requests: int, before_errors: int, before_requests: int) -> bool:
    """
    Tell whether the share of errors is higher than before, by Fisher's exact test.

    With no requests before there is nothing to compare with: one error in a hundred is then
    taken for usual.
    """
    if errors == 0 or requests == 0:
        return False
    if before_requests == 0:
        return binomial_tail(errors, requests, USUAL_RATE) < FALSE_ALARMS
    return fisher_tail(errors, requests, before_errors, before_requests) < FALSE_ALARMS


def is_more_often(count: int, seconds: float, before_count: int, before_seconds: float) -> bool:
    """Tell whether events come more often than before, given both lengths of time."""
    if count == 0 or seconds <= 0:
        return False
    share = seconds / (seconds + max(before_seconds, seconds))
    return binomial_tail(count, count + before_count, share) < FALSE_ALARMS


def is_too_quiet(expected: float, seen: int) -> bool:
    """Tell whether nothing came though so much was expected that chance does not explain it."""
    return seen == 0 and expected > 5.0  # noqa: PLR2004 - e^-5 is 0.7 %, under one in a hundred


def binomial_tail(at_least: int, trials: int, share: float) -> float:
    """Return the probability of `at_least` hits or more among the trials."""
    if at_least <= 0 or share >= 1.0:
        return 1.0
    if share <= 0.0:
        return 0.0
    hit, miss = log(share), log1p(-share)
    return _sum(
        _log_ways(trials, hits) + hits * hit + (trials - hits) * miss
        for hits in range(at_least, trials + 1)
    )


def fisher_tail(errors: int, requests: int, before_errors: int, before_requests: int) -> float:
    """Return the probability of as many errors or more, if both times had the same share."""
    every, wrong = requests + before_requests, errors + before_errors
    total = _log_ways(every, requests)
    return _sum(
        _log_ways(wrong, hits) + _log_ways(every - wrong, requests - hits) - total
        for hits in range(errors, min(wrong, requests) + 1)
        if requests - hits <= every - wrong
    )


def _log_ways(of: int, chosen: int) -> float:
    return lgamma(of + 1) - lgamma(chosen + 1) - lgamma(of - chosen + 1)


def _sum(logarithms: Iterable[float]) -> float:
    return min(1.0, fsum(exp(each) for each in logarithms))
