"""Moments to go back to: which can be reached, and how to give one a name."""

from drillbook.actions.backup.subject import domain
from drillbook.core.effect import Effect
from drillbook.ports.restore_points import NamedPoint, RestorePoints, RestorePointsNow


@domain.read
def points(restore_points: RestorePoints) -> RestorePointsNow:
    """Look which moments can be reached now, by physical backups and the archived WAL."""
    return restore_points.reachable()


@domain.additive(because="a name in the WAL changes no data, and takes nothing away")
def mark(restore_points: RestorePoints, effect: Effect, *, name: str) -> NamedPoint:
    """Give this moment a name that a restore can go back to, and wait until it is archived."""
    return restore_points.mark(name, effect)


@mark.looking
def look_marked(restore_points: RestorePoints, effect: Effect, *, name: str) -> NamedPoint | None:
    """Look in the archived WAL for the name that this effect gave."""
    return restore_points.find(name, effect)
