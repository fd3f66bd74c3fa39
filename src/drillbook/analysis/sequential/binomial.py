"""Logarithms of binomial tails, fast and for fractions of trials, too."""

from math import exp, inf, lgamma, log, log1p

_TINY = 1e-300
_CLOSE = 1e-14
_MOST_ROUNDS = 20_000


def log_at_most(hits: float, trials: float, share: float) -> float:
    """Return the logarithm of the probability of `hits` or fewer."""
    if hits >= trials:
        return 0.0
    return _log_beta(trials - hits, hits + 1.0, 1.0 - share)


def log_at_least(hits: float, trials: float, share: float) -> float:
    """Return the logarithm of the probability of `hits` or more."""
    if hits <= 0:
        return 0.0
    return _log_beta(hits, trials - hits + 1.0, share)


def _log_beta(a: float, b: float, x: float) -> float:
    """Return the logarithm of the regularised incomplete beta function I_x(a, b)."""
    if x <= 0.0:
        return -inf
    if x >= 1.0:
        return 0.0
    front = lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x)
    if x < (a + 1.0) / (a + b + 2.0):
        return min(0.0, front + log(_fraction(a, b, x) / a))
    rest = exp(front + log(_fraction(b, a, 1.0 - x) / b))
    return log1p(-min(rest, 1.0 - _CLOSE))


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of I_x(a, b) by Lentz's method."""
    c, d = 1.0, 1.0 / _not_zero(1.0 - (a + b) * x / (a + 1.0))
    found = d
    for m in range(1, _MOST_ROUNDS):
        even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d, c = 1.0 / _not_zero(1.0 + even * d), _not_zero(1.0 + even / c)
        found *= d * c
        odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d, c = 1.0 / _not_zero(1.0 + odd * d), _not_zero(1.0 + odd / c)
        step = d * c
        found *= step
        if abs(step - 1.0) < _CLOSE:
            break
    return found


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
