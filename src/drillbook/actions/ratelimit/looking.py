"""Look at the store a rate limiter counts in, without changing a count."""

from drillbook.actions.ratelimit.subject import domain
from drillbook.core.model import Frozen
from drillbook.ports.limits import Limits, LimitsSeen


class LimitState(Frozen):
    """
    How the store answers, and the counts that have no end.

    `hangs` is a store that takes connections and answers nobody; `shown` names what is counted,
    without whom.
    """

    prefix: str
    reachable: bool
    hangs: bool
    milliseconds: float
    counts: int
    endless: int
    highest: int
    shown: tuple[str, ...]
    says: str


@domain.read
def state(limits: Limits, *, prefix: str = "") -> LimitState:
    """Ask the limiter's store how it is, and count the counts that never end."""
    seen = limits.look(prefix)
    return LimitState(
        prefix=seen.prefix,
        reachable=seen.reachable,
        hangs=seen.hangs,
        milliseconds=seen.milliseconds,
        counts=seen.counts,
        endless=seen.endless,
        highest=seen.highest,
        shown=seen.kinds,
        says=_says(seen),
    )


def _says(seen: LimitsSeen) -> str:
    if not seen.reachable:
        return seen.problem
    told = f"the store answers in {seen.milliseconds:g} ms; {seen.counts} counts"
    if not seen.endless:
        return f"{told}, each with an end"
    return f"{told}, {seen.endless} without an end, the highest {seen.highest}"
