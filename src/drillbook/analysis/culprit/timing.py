"""How well each change's time fits the onset, against nothing having been changed then."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

from drillbook.analysis.onset.attribution import Dated, attribute
from drillbook.analysis.onset.finding import Onset
from drillbook.core.incident import Change, ChangeKind

MOST, LEAST = 6.0, -4.0


@dataclass(frozen=True, slots=True)
class Timing:
    """The changes of a time with the weight of each: log odds by time alone against none."""

    changes: tuple[Change, ...] = ()
    weights: tuple[float, ...] = ()
    known: bool = True

    def of(self, kind: ChangeKind, subject: str) -> tuple[float, Change | None]:
        """Return the weight of this change; of several the best, LEAST where there is none."""
        found = [
            (weight, change)
            for weight, change in zip(self.weights, self.changes, strict=True)
            if change.kind is kind and change.subject == subject
        ]
        if not found:
            return (LEAST if self.known else 0.0), None
        return max(found, key=lambda one: one[0])


def timing(onset: Onset, changes: Sequence[Change] | None) -> Timing:
    """Weigh every change by the time of the onset."""
    if changes is None:
        return Timing(known=False)
    dated = [_dated(one) for one in changes]
    found = attribute(onset, dated)
    return Timing(tuple(changes), tuple(_odds(share, found.none) for share in found.shares))


def sharpened(onset: Onset, change: Change) -> Onset:
    """Return the onset as it is if this change brought it about."""
    found = attribute(onset, [_dated(change)])
    if not found.alike:
        return onset
    return replace(onset, at=found.at, earliest=found.earliest, latest=found.latest)


def _dated(change: Change) -> Dated:
    early = change.not_before
    return Dated(change.kind, change.at.timestamp(), early.timestamp() if early else None)


def _odds(share: float, none: float) -> float:
    if share <= 0.0:
        return LEAST
    return max(LEAST, min(MOST, log(share) - log(max(none, 1e-12))))
