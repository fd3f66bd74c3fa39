"""
Which change an onset points to, by time alone, or that it is none of them.

Bayes' rule over "this change" for each, and "none": how often such a change does harm, times how
probable it is that its harm began just when it did, against how often errors rise by themselves.
The onset comes from what was seen alone, so a change can be near it but never pull it near.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp

from drillbook.analysis.onset.finding import OUTSIDE, Onset, Piece, quantile
from drillbook.analysis.onset.lags import LAGS, NO_CHANGE_A_SECOND
from drillbook.core.incident import ChangeKind

NAMED = 0.7  # how probable a change must be to be named by time alone
# A change less likely by this factor at most stays in question beside the likeliest.
_TELLS_APART = 10.0
_STEPS = 24  # of an interval that is all that is known of a change's time


@dataclass(frozen=True, slots=True)
class Dated:
    """
    A change with its time in seconds of the onset's origin; `not_before` where it is an interval.

    `log_weight` is what else speaks for it: the natural logarithm of a likelihood ratio.
    """

    kind: ChangeKind
    at: float
    not_before: float | None = None
    log_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class Attribution:
    """
    How probable each change is (in the order given), and that it is none of them.

    `best` is the change that may be named, if any; `alike` are the likeliest and those that time
    alone does not rule out beside it. `at`, `earliest`, `latest` are the onset as it would be if
    the likeliest change did it.
    """

    shares: tuple[float, ...]
    none: float
    best: int | None
    alike: tuple[int, ...]
    at: float
    earliest: float
    latest: float


def attribute(onset: Onset, changes: Sequence[Dated]) -> Attribution:
    """Weigh each change, and none of them, by the time of the onset."""
    known = [piece for piece in onset.pieces if piece.end > piece.start]
    fits = [_fits(known, change) for change in changes]
    weights = [
        LAGS[change.kind].harmful * sum(fit) * exp(change.log_weight)
        for change, fit in zip(changes, fits, strict=True)
    ]
    whole = sum(weights) + NO_CHANGE_A_SECOND
    shares = tuple(weight / whole for weight in weights)
    top = max(range(len(shares)), key=shares.__getitem__, default=None)
    if top is None or sum(fits[top]) <= 0.0:
        return Attribution(
            shares, 1.0 - sum(shares), None, (), onset.at, onset.earliest, onset.latest
        )
    alike = tuple(i for i, share in enumerate(shares) if share * _TELLS_APART >= shares[top])
    sharp = _sharpened(known, fits[top])
    return Attribution(
        shares=shares,
        none=NO_CHANGE_A_SECOND / whole,
        best=top if shares[top] >= NAMED else None,
        alike=alike,
        at=quantile(sharp, 0.5),
        earliest=quantile(sharp, OUTSIDE / 2),
        latest=quantile(sharp, 1 - OUTSIDE / 2),
    )


def _fits(pieces: Sequence[Piece], change: Dated) -> list[float]:
    """Return for each piece its probability times the mean density of the lag within it."""
    lag = LAGS[change.kind]
    times = _times(change)
    found = []
    for piece in pieces:
        begun = sum(lag.until(piece.end - at) - lag.until(piece.start - at) for at in times)
        found.append(piece.probability * begun / len(times) / (piece.end - piece.start))
    return found


def _times(change: Dated) -> list[float]:
    if change.not_before is None or change.not_before >= change.at:
        return [change.at]
    length = change.at - change.not_before
    return [change.not_before + (i + 0.5) / _STEPS * length for i in range(_STEPS)]


def _sharpened(pieces: Sequence[Piece], fit: Sequence[float]) -> list[Piece]:
    whole = sum(fit)
    return [Piece(p.start, p.end, f / whole) for p, f in zip(pieces, fit, strict=True)]
