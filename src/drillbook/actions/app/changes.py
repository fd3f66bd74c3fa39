"""What was changed lately, by every kind of change on one line of time."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.app.subject import domain
from drillbook.core.incident import Change
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import Logs
from drillbook.ports.systems import Systems
from drillbook.triage.gathering import gather

TWO_HOURS = parse_duration("2h")
MOST_SAID = 3
# What tells how something is, and not what was changed.
STATES = frozenset(("app", "login service", "dependencies", "limits", "disk"))


class Changes(Frozen):
    """
    The changes, the oldest first; `known` False where nobody could tell any.

    A deployment stands at the moment it was given the users, a value when a build with it was.
    `unknown` names what did not answer: its changes are missing here.
    """

    known: bool
    count: int
    changes: tuple[Change, ...]
    unknown: tuple[str, ...]
    says: str


@domain.read
def changes(
    logs: Logs, systems: Systems, *, window: Duration = TWO_HOURS, migrations: str = "migrations"
) -> Changes:
    """Put deployments, migrations, values, settings, restarts and posted incidents in order."""
    check_watch(window=window)
    start = datetime.now(UTC) - timedelta(seconds=window.total_seconds())
    gathered = gather(logs, systems, start, migrations=migrations, without=STATES)
    found = gathered.scene.changes
    listed = tuple(
        one.model_copy(update={"environment": systems.environment})
        for one in sorted((*(found or ()), *gathered.set_since), key=lambda one: one.at)
    )
    unknown = tuple(f"{name}: {why}" for name, why in gathered.scene.unknown.items())
    return Changes(
        known=found is not None,
        count=len(listed),
        changes=listed,
        unknown=unknown,
        says=_says(listed, known=found is not None, window=window, unknown=tuple(
            gathered.scene.unknown)),
    )  # fmt: skip


def _says(
    listed: tuple[Change, ...], *, known: bool, window: Duration, unknown: tuple[str, ...]
) -> str:
    beside = f"; not known: {', '.join(unknown)}" if unknown else ""
    if not known:
        return f"what was changed is not known{beside}"
    if not listed:
        return f"nothing was changed in the last {show_duration(window)}{beside}"
    last = "; ".join(f"{one.at:%H:%M:%S} UTC {one.says}" for one in listed[-MOST_SAID:])
    return f"{len(listed)} changes in the last {show_duration(window)}, the latest: {last}{beside}"
