"""Clear counts without an end: a writer that died left them, and they lock out for ever."""

import hashlib

from drillbook.actions.ratelimit.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, Unavailable, UndoImpossible
from drillbook.core.model import Frozen
from drillbook.ports.limits import Limits, LimitsSeen

MOST = 10_000


class LimitCleared(Frozen):
    """Counts that lock nobody out any more; they lie aside for a day."""

    prefix: str
    cleared: int
    left: int
    says: str


class CountsBefore(Frozen):
    """How many counts without an end there were."""

    prefix: str
    endless: int


@domain.write
def clear(limits: Limits, effect: Effect, *, prefix: str = "", at_most: int = MOST) -> LimitCleared:
    """Set aside the counts below a prefix that have no end; counts that end are never touched."""
    seen = _asked(limits, effect, prefix)
    if seen.endless > at_most:
        raise Refused(
            f"{seen.endless} counts below {seen.prefix} have no end, more than {at_most}; none was "
            "cleared",
            hint="Raise at_most if clearing so many is intended.",
            again=False,
        )
    if not seen.endless and not seen.set_aside:
        raise Refused(
            f"no count below {seen.prefix} is without an end by now, so none was cleared",
            hint="The errors have another cause: look again.",
            again=False,
        )
    effect.still_mine()
    cleared = limits.set_aside(prefix, _mark(effect))
    after = _asked(limits, effect, prefix)
    if after.endless:
        raise Failed(
            f"{cleared} counts were set aside, and {after.endless} without an end are there again",
            hint="Whoever leaves them still does: find that writer.",
        )
    return _cleared(after)


@clear.looking
def look_cleared(
    limits: Limits, effect: Effect, *, prefix: str = "", at_most: int = MOST
) -> LimitCleared | None:
    """Tell whether this task has set some aside, and none is left."""
    seen = _asked(limits, effect, prefix)
    return _cleared(seen) if seen.set_aside and not seen.endless else None


def remember_counts(
    limits: Limits, effect: Effect, *, prefix: str = "", at_most: int = MOST
) -> CountsBefore:
    """Remember how many there are."""
    seen = _asked(limits, effect, prefix)
    return CountsBefore(prefix=seen.prefix, endless=seen.endless)


@clear.undone_by(remembering=remember_counts)
def undo_clear(
    before: CountsBefore, limits: Limits, effect: Effect, *, prefix: str = "", at_most: int = MOST
) -> LimitCleared:
    """Give the counts that were set aside their names back, as they were: without an end."""
    if _asked(limits, effect, prefix).set_aside:
        effect.still_mine()
        limits.put_back(prefix, _mark(effect))
    seen = _asked(limits, effect, prefix)
    if seen.endless < before.endless:
        raise UndoImpossible(
            f"of {before.endless} counts without an end {seen.endless} are there: the others lay "
            "aside for a day and are gone",
            hint="Nothing needs to be done: the limiter counts anew.",
        )
    return _cleared(seen)


def _asked(limits: Limits, effect: Effect, prefix: str) -> LimitsSeen:
    seen = limits.look(prefix, _mark(effect))
    if not seen.reachable:
        raise Unavailable(seen.problem, hint="Nothing was changed; trying again is safe.")
    return seen


def _mark(effect: Effect) -> str:
    return hashlib.sha256(effect.key.encode()).hexdigest()[:16]


def _cleared(seen: LimitsSeen) -> LimitCleared:
    return LimitCleared(
        prefix=seen.prefix,
        cleared=seen.set_aside,
        left=seen.endless,
        says=f"{seen.set_aside} counts below {seen.prefix} are set aside for a day; "
        f"{seen.endless} without an end are left of {seen.counts}",
    )
