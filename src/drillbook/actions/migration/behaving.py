"""Try what an app does with its database, and compare it with an earlier time."""

from drillbook.actions.migration.subject import domain
from drillbook.analysis.behaviour import compared
from drillbook.analysis.dropping import dropped_by
from drillbook.analysis.reading import read
from drillbook.core.errors import Failed
from drillbook.core.files import File
from drillbook.core.model import Frozen
from drillbook.ports.behaviours import Behaves, Behaviours, Broken, Compared

SHOWN = 3


class Behaved(Frozen):
    """
    How a database behaves, and what is broken against an earlier time.

    `behaviours` is what to hand over as `against` next time. `widened` names what a role may do or
    see now and could not before, `unsure` what could not be compared, `remains` what the rollback
    does not take back.
    """

    says: str
    behaviours: Behaviours
    tried: int
    worked: int
    untried: tuple[str, ...]
    compared: int
    broken: tuple[Broken, ...]
    widened: tuple[str, ...]
    unsure: tuple[str, ...]
    remains: tuple[str, ...]


@domain.read
def behave(
    behaves: Behaves,
    *,
    file: File | None = None,
    tables: tuple[str, ...] = (),
    against: Behaviours | None = None,
    at_most_broken: int = 0,
) -> Behaved:
    """
    Try inserts, updates, deletes, reads and calls as every role, each taken back at once.

    With a file: the tables it names and what hangs on them; without, all. More that is broken
    `against` the earlier time than allowed fails the task.
    """
    named = tables or (read(file).tables if file is not None else ())
    found = behaves.observe(named, like=against)
    result = Compared(broken=())
    if against is not None:
        dropped = dropped_by(file) if file is not None else None
        result = compared(against, found, dropped=dropped, live=True)
    if len(result.broken) > at_most_broken:
        raise _broken(result)
    sure = [one for one in found.behaviours if one.sure]
    return Behaved(
        says=result.says if against is not None else found.says,
        behaviours=found,
        tried=len(sure),
        worked=sum(one.ok for one in sure),
        untried=tuple(
            f"{one.operation} on {one.subject} as {one.role}: {one.error}"
            for one in found.behaviours
            if not one.sure
        ),
        compared=result.compared,
        broken=result.broken,
        widened=result.widened,
        unsure=result.unsure,
        remains=found.remains,
    )


def _broken(result: Compared) -> Failed:
    shown = "; ".join(one.says for one in result.broken[:SHOWN])
    more = len(result.broken) - SHOWN
    tail = f"; and {more} more" if more > 0 else ""
    return Failed(
        f"{len(result.broken)} of {result.compared} operations worked before and fail now: "
        f"{shown}{tail}",
        hint="Take the change back; correct it, and rehearse it on a copy before the next try.",
        again=False,
    )
