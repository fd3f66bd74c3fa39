"""What backups have really given over time: how old, how fast back, how far proven."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from drillbook.actions.backup.subject import domain
from drillbook.core.errors import NotFound
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, show_duration
from drillbook.ports.backups import BackupKind, Proof, Proven, ProvenBackups

MONTH = timedelta(days=30)
RESTORED = 2
WHOLE = 4  # the level of a backup that was restored and is equal to its source


class BackupRecord(Frozen):
    """One backup: `rpo` is what a loss right before it would have cost, since the one before."""

    id: str
    kind: BackupKind
    at: datetime
    size_bytes: int
    seconds: float
    rpo: Duration | None
    rto: Duration | None  # measured by its newest proof
    level: int
    proven_at: datetime | None
    differences: tuple[str, ...] = ()


class BackupReport(Frozen):
    """
    All backups of the time asked for, the newest first.

    `rpo` is the longest time between two backups, the present moment counted as the end of the
    last; `proven_rpo` the same for backups equal to their source; `rto` the longest measured.
    """

    since: datetime
    count: int
    proven: int
    rpo: Duration
    proven_rpo: Duration | None
    rto: Duration | None
    says: str
    backups: tuple[BackupRecord, ...]
    unreadable: tuple[str, ...] = ()


@domain.read
def report(backups: ProvenBackups, *, within: Duration = MONTH) -> BackupReport:
    """Report which RPO and RTO the backups have reached, and how far each is proven."""
    now = datetime.now(UTC)
    since = now - within
    everything = backups.all()
    found = [one for one in everything if one.manifest.at >= since]
    unreadable = tuple(one.says for one in backups.unreadable())
    if not found:
        raise NotFound(
            "; ".join((f"there is no backup of the last {show_duration(within)}", *unreadable)),
            hint="Take one: drillbook do backup.create on=…",
        )
    before = [one.manifest.at for one in everything if one.manifest.at < since][:1]
    moments = [now, *(one.manifest.at for one in found), *before]
    equal = [one.manifest.at for one in found if one.level >= WHOLE]
    restored = [proof.seconds_to_restore for one in found if (proof := _last_restored(one))]
    rto = timedelta(seconds=max(restored)) if restored else None
    rpo = _longest(moments)
    proven_rpo = _longest([now, *equal]) if equal else None
    return BackupReport(
        since=since, count=len(found), proven=len(equal), rpo=rpo, proven_rpo=proven_rpo, rto=rto,
        says="; ".join((_says(len(found), len(equal), rpo, rto), *unreadable)),
        unreadable=unreadable,
        backups=tuple(
            _record(one, earlier)
            for one, earlier in zip(found, [*moments[2:], None][: len(found)], strict=True)
        ),
    )  # fmt: skip


def _record(one: Proven, earlier: datetime | None) -> BackupRecord:
    manifest, last = one.manifest, one.proofs[-1] if one.proofs else None
    restored = _last_restored(one)
    return BackupRecord(
        id=manifest.id,
        kind=manifest.kind,
        at=manifest.at,
        size_bytes=manifest.size_bytes,
        seconds=manifest.seconds,
        rpo=manifest.at - earlier if earlier is not None else None,
        rto=timedelta(seconds=restored.seconds_to_restore) if restored else None,
        level=one.level,
        proven_at=last.at if last else None,
        differences=last.differences if last else (),
    )


def _last_restored(one: Proven) -> Proof | None:
    """Return the newest proof that came from a restore; a damaged backup was not restored."""
    return next((proof for proof in reversed(one.proofs) if proof.level >= RESTORED), None)


def _longest(moments: list[datetime]) -> timedelta:
    pairs = pairwise(moments)
    return max((later - earlier for later, earlier in pairs), default=timedelta(0))


def _says(count: int, proven: int, rpo: timedelta, rto: timedelta | None) -> str:
    back = f"the slowest restore took {_whole(rto)}" if rto is not None else "none was restored"
    return (
        f"{count} backups, {proven} proven equal to their source; "
        f"at worst {_whole(rpo)} without one; {back}"
    )


def _whole(duration: timedelta) -> str:
    return show_duration(timedelta(seconds=round(duration.total_seconds())))
