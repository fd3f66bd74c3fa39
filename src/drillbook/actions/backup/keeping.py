"""Let backups go by a rule, and watch whether what is promised of them holds."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import takewhile

from drillbook.actions.backup.subject import domain
from drillbook.analysis.retention import Decided, Held, Rule, decide, still_needed
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen, Risk
from drillbook.core.quantities import Duration, show_duration, show_size
from drillbook.ports.backups import BackupKind, Proven, UnreadableBackup
from drillbook.ports.keeping import BackupKeeping, Letting

PROVEN_LEVEL = 2  # it was restored or recovered
UNDER_WAY = timedelta(days=1)  # an attempt that wrote within a day may still be one


class Retention(Frozen):
    """What a rule lets go and what stays, each with its reason."""

    says: str
    goes: tuple[str, ...]
    stays: dict[str, str]
    left_overs: tuple[str, ...]
    freed_bytes: int
    unreadable: tuple[str, ...] = ()


class Pruned(Frozen):
    """What went, and what stays."""

    says: str
    removed: tuple[str, ...]
    stays: tuple[str, ...]
    cleared: tuple[str, ...]
    freed_bytes: int
    unreadable: tuple[str, ...] = ()


class Watched(Frozen):
    """Whether a proven backup is as young as promised."""

    ok: bool
    verdict: str
    says: str
    promised: Duration
    last_taken: str
    age_taken: Duration | None
    last_proven: str
    age_proven: Duration | None
    missing: tuple[str, ...]


@domain.read
def retention(
    keeping: BackupKeeping,
    *,
    keep_last: int = 0,
    daily: int = 0,
    weekly: int = 0,
    monthly: int = 0,
    older_than: Duration | None = None,
) -> Retention:
    """Say which backups a rule would let go, and why the others stay."""
    found = keeping.all()
    unreadable = keeping.unreadable()
    decided = _decide(unreadable, found, Rule(keep_last, daily, weekly, monthly, older_than))
    letting = _letting(keeping, found, decided, None)
    return Retention(
        says="; ".join((_says(letting, "go"), *_told(unreadable))),
        unreadable=_told(unreadable),
        goes=letting.goes,
        stays=dict(decided.stays),
        left_overs=letting.left_overs,
        freed_bytes=letting.freed_bytes,
    )


@domain.final(because="a backup that was removed does not come back", risk=Risk.DESTROY)
def prune(
    keeping: BackupKeeping,
    effect: Effect,
    *,
    keep_last: int = 0,
    daily: int = 0,
    weekly: int = 0,
    monthly: int = 0,
    older_than: Duration | None = None,
    agreed: tuple[str, ...] | None = None,
) -> Pruned:
    """
    Remove the backups a rule lets go; never the newest, the last proven, or a needed parent.

    One that cannot be read stays; and while there is one, so does every physical backup, because
    it may be what that one builds on.
    """
    effect.still_mine()
    found = keeping.all()
    letting = keeping.decided(None, effect)
    if letting is None:
        decided = _decide(
            keeping.unreadable(), found, Rule(keep_last, daily, weekly, monthly, older_than)
        )
        letting = _letting(keeping, found, decided, agreed)
        letting = keeping.decided(letting, effect) or letting
    effect.note("decided", _says(letting, "go"), letting.model_dump(mode="json"))
    for number, name in enumerate((*letting.goes, *letting.left_overs)):
        effect.still_mine()
        # Asked anew each time: what was decided hours ago may be the last proven one now, or the
        # parent of a new one.
        if name in letting.goes and name in _needed(keeping, letting):
            continue
        effect.progress(f"removing {name}", number / max(1, len(letting.goes)))
        keeping.let_go(letting, name)
    return _pruned(keeping, letting)


@prune.looking
def look_pruned(
    keeping: BackupKeeping,
    effect: Effect,
    *,
    keep_last: int = 0,
    daily: int = 0,
    weekly: int = 0,
    monthly: int = 0,
    older_than: Duration | None = None,
    agreed: tuple[str, ...] | None = None,
) -> Pruned | None:
    """Look whether all that this effect decided to let go is gone."""
    letting = keeping.decided(None, effect)
    if letting is None:
        return None
    there = {one.manifest.id for one in keeping.all()} - _needed(keeping, letting)
    left = {one.name for one in keeping.left_overs()}
    if there & set(letting.goes) or left & set(letting.left_overs):
        return None
    return _pruned(keeping, letting)


@domain.read
def watch(
    keeping: BackupKeeping, *, rpo: Duration | None = None, level: int = PROVEN_LEVEL
) -> Watched:
    """Look whether a proven backup is younger than the promised RPO."""
    promised = rpo or keeping.promised()
    if promised is None:
        raise Refused(
            "no RPO is promised, so nothing says how old a backup may be",
            hint='Write rpo = "24h" in the backups section, or give rpo=24h.',
            again=False,
        )
    found, unreadable, now = keeping.all(), _told(keeping.unreadable()), datetime.now(UTC)
    taken = found[0] if found else None
    proven = next((one for one in found if _is_proven(one, level, found)), None)
    age = None if proven is None else _age(proven, now)
    ok = age is not None and age <= promised
    missing = (*(() if ok else _missing(keeping, taken, proven, now)), *unreadable)
    verdict = "held" if ok else "none" if proven is None else "missed"
    return Watched(
        ok=ok,
        verdict=verdict,
        says=_watch_says(age, promised, missing),
        promised=promised,
        last_taken=taken.manifest.id if taken else "",
        age_taken=_age(taken, now) if taken else None,
        last_proven=proven.manifest.id if proven else "",
        age_proven=age,
        missing=missing,
    )


def _watch_says(age: timedelta | None, promised: timedelta, missing: tuple[str, ...]) -> str:
    if age is None:
        start = f"no backup is proven, and at most {show_duration(promised)} may be lost"
    else:
        start = f"the last proven backup is {_short(age)} old, promised are {_short(promised)}"
    return "; ".join((start, *missing))


def _missing(
    keeping: BackupKeeping, taken: Proven | None, proven: Proven | None, now: datetime
) -> Iterable[str]:
    if taken is None:
        yield "no backup can be read" if keeping.unreadable() else "no backup was ever taken"
    elif proven is None or proven.manifest.id != taken.manifest.id:
        failed = [one for one in taken.proofs if one.differences]
        why = f"was found different: {failed[-1].differences[0]}" if failed else "is not proven"
        yield f"the newest, {taken.manifest.id} of {_short(_age(taken, now))} ago, {why}"
    else:
        yield "no newer backup was taken"
    for left in keeping.left_overs():
        yield f"an attempt left {left.files} files in {left.name} and did not end"


def _told(unreadable: tuple[UnreadableBackup, ...]) -> tuple[str, ...]:
    return tuple(one.says for one in unreadable)


def _may_be_built_on(
    unreadable: tuple[UnreadableBackup, ...], found: Iterable[Proven]
) -> dict[str, str]:
    """Return what stays because nobody knows what a backup that cannot be read builds on."""
    if not unreadable:
        return {}
    physical = [one for one in found if one.manifest.kind is not BackupKind.LOGICAL]
    says = f"{', '.join(one.id for one in unreadable)} cannot be read and may build on it"
    return {one.manifest.id: says for one in physical}


def _needed(keeping: BackupKeeping, letting: Letting) -> set[str]:
    """Return what must not go by now, whatever was decided."""
    found, unreadable = keeping.all(), keeping.unreadable()
    needed = set(still_needed(_held(found), letting.goes))
    needed |= set(_may_be_built_on(unreadable, found))
    return needed | {one.id for one in unreadable}


def _decide(
    unreadable: tuple[UnreadableBackup, ...], found: tuple[Proven, ...], rule: Rule
) -> Decided:
    if rule.is_empty:
        raise Refused(
            "no rule says which backups stay",
            hint="Give keep_last=7, daily=7, weekly=4, monthly=12 or older_than=30d.",
            again=False,
        )
    counts = (rule.keep_last, rule.daily, rule.weekly, rule.monthly)
    if min(counts) < 0:
        raise Refused("a rule keeps a number of backups, 0 or more", hint="Correct the number.")
    decided = decide(_held(found), rule, datetime.now(UTC))
    stays = _may_be_built_on(unreadable, found) | dict(decided.stays)
    return Decided(stays, tuple(name for name in decided.goes if name not in stays))


def _letting(
    keeping: BackupKeeping,
    found: Iterable[Proven],
    decided: Decided,
    agreed: tuple[str, ...] | None,
) -> Letting:
    """Return what goes: by the rule, and, where it was agreed on before, no more than that."""
    sizes = {one.manifest.id: one.manifest.size_bytes for one in found}
    goes = tuple(name for name in decided.goes if agreed is None or name in agreed)
    dead = datetime.now(UTC) - UNDER_WAY
    left = [one for one in keeping.left_overs() if one.newest < dead]
    return Letting(
        goes=goes,
        left_overs=tuple(one.name for one in left),
        freed_bytes=sum(sizes[name] for name in goes) + sum(one.size_bytes for one in left),
        stays=tuple(name for name in sizes if name not in goes),
    )


def _pruned(keeping: BackupKeeping, letting: Letting) -> Pruned:
    unreadable = keeping.unreadable()
    readable = tuple(one.manifest.id for one in keeping.all())
    there = (*readable, *(one.id for one in unreadable))
    removed = tuple(name for name in letting.goes if name not in there)
    went = _says(letting.model_copy(update={"goes": removed, "stays": there}), "went")
    return Pruned(
        says="; ".join((went, *_told(unreadable))),
        unreadable=_told(unreadable),
        removed=removed,
        stays=there,
        cleared=letting.left_overs,
        freed_bytes=letting.freed_bytes,
    )


def _says(letting: Letting, verb: str) -> str:
    named = f": {', '.join(letting.goes)}" if letting.goes else ""
    left = f", {len(letting.left_overs)} left-overs" if letting.left_overs else ""
    stays = f"{len(letting.stays)} stay"
    return (
        f"{len(letting.goes)} backups {verb}{left} ({show_size(letting.freed_bytes)}), "
        f"{stays}{named}"
    )


def _held(found: tuple[Proven, ...]) -> list[Held]:
    return [
        Held(
            one.manifest.id,
            one.manifest.at,
            one.manifest.parent,
            _is_proven(one, PROVEN_LEVEL, found),
        )
        for one in found
    ]


def _is_proven(one: Proven, level: int, found: tuple[Proven, ...]) -> bool:
    # Whatever was shown, it cannot be restored without all it builds on.
    by_id = {other.manifest.id: other.manifest for other in found}
    parent = one.manifest.parent
    while parent:
        if parent not in by_id:
            return False
        parent = by_id.pop(parent).parent
    # Found different once, a backup is proven again only by what was shown after that.
    since = list(takewhile(lambda proof: not proof.differences, reversed(one.proofs)))
    return any(proof.level >= level for proof in since)


def _age(one: Proven, now: datetime) -> timedelta:
    return max(now - one.manifest.at, timedelta(0))


def _short(duration: timedelta) -> str:
    return show_duration(timedelta(seconds=round(duration.total_seconds())))
