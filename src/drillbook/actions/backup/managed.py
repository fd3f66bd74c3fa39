"""Look at the backups that the database's platform takes by itself."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.backup.subject import domain
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.ports.managed_backups import Managed, ManagedBackup, ManagedBackups, Stage

# A daily one is up to a day old, and takes its time.
A_DAY = parse_duration("26h")


class ManagedFound(Frozen):
    """Whether the platform's own backup is there; nothing is known where there is no platform."""

    known: bool
    ok: bool
    says: str
    id: str = ""
    taken: datetime | None = None
    age: Duration | None = None
    completed: int = 0
    under_way: int = 0
    failed_since: int = 0
    any_moment: bool = False
    earliest: datetime | None = None
    latest: datetime | None = None


@domain.read
def managed(platform: ManagedBackups, *, within: Duration = A_DAY) -> ManagedFound:
    """See whether the platform's backup is there, completed, and as young as it should be."""
    if within.total_seconds() <= 0:
        raise Refused("a backup cannot be younger than now", hint="Give within a time: 26h.")
    found = platform.managed()
    if found is None:
        says = "no platform is named that takes backups of this database: they are only our own"
        return ManagedFound(known=False, ok=False, says=says)
    return _judged(found, within, datetime.now(UTC))


def _judged(found: Managed, within: timedelta, now: datetime) -> ManagedFound:
    completed = [backup for backup in found.backups if backup.stage is Stage.COMPLETED]
    newest = max(completed, key=lambda backup: backup.taken, default=None)
    since = [backup for backup in found.backups if newest is None or backup.taken > newest.taken]
    reached = _reached(found, newest)
    age = None if reached is None else max(now - reached, timedelta())
    return ManagedFound(
        known=True,
        ok=age is not None and age <= within,
        says=_says(found, newest, since, within, now),
        id=newest.id if newest else "",
        taken=newest.taken if newest else None,
        age=None if age is None else timedelta(seconds=round(age.total_seconds())),
        completed=len(completed),
        under_way=sum(backup.stage is Stage.PENDING for backup in since),
        failed_since=sum(backup.stage is Stage.FAILED for backup in since),
        any_moment=found.any_moment,
        earliest=found.earliest,
        latest=found.latest,
    )


def _reached(found: Managed, newest: ManagedBackup | None) -> datetime | None:
    """Return the latest moment that can be gone back to."""
    moments = [newest.taken] if newest else []
    if found.any_moment and found.latest is not None:
        moments.append(found.latest)
    return max(moments, default=None)


def _says(
    found: Managed,
    newest: ManagedBackup | None,
    since: list[ManagedBackup],
    within: timedelta,
    now: datetime,
) -> str:
    if newest is None:
        said = f"{found.platform} has no completed backup of {len(found.backups)} it lists"
    else:
        age = _short(now - newest.taken)
        kind = "physical" if newest.is_physical else "logical"
        said = f"{found.platform}'s newest completed backup, {newest.id} ({kind}), is {age} old"
        if now - newest.taken > within:
            said += f", and should be at most {show_duration(within)}"
    failed = sum(backup.stage is Stage.FAILED for backup in since)
    pending = sum(backup.stage is Stage.PENDING for backup in since)
    said += f"; {failed} failed since" if failed else ""
    said += f"; {pending} under way" if pending else ""
    if found.any_moment and found.earliest and found.latest:
        said += (
            f"; any moment from {found.earliest:%Y-%m-%d %H:%M} to {found.latest:%Y-%m-%d %H:%M} "
            "UTC can be reached"
        )
    elif not found.any_moment:
        said += "; moments in between cannot be reached (no PITR)"
    return said


def _short(age: timedelta) -> str:
    return show_duration(timedelta(seconds=max(0, round(age.total_seconds()))))
