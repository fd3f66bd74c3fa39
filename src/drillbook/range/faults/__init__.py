"""What can be broken on the range, each thing really, and put back as it was."""

from collections.abc import Iterator

from drillbook.core.errors import NotFound
from drillbook.range.faults import (
    caches,
    crowds,
    databases,
    hosting,
    migrations,
    platforms,
    releases,
    values,
)
from drillbook.range.faults.fault import Fault, Ground
from drillbook.range.faults.keeping import (
    FaultStatus,
    break_fault,
    mend_fault,
    names_on,
    status_of,
)

PARTS = (releases, values, migrations, databases, caches, platforms, hosting, crowds)
FAULTS: dict[str, Fault] = {fault.name: fault for part in PARTS for fault in part.FAULTS}


def break_(ground: Ground, name: str) -> FaultStatus:
    """Break something; what mending needs is kept first."""
    break_fault(ground, _fault(name))
    return status_of(ground, _fault(name))


def mend(ground: Ground, name: str) -> bool:
    """Put back what a fault broke; False: it was not on."""
    return mend_fault(ground, _fault(name))


def mend_all(ground: Ground) -> Iterator[str]:
    """Mend what is on, the last one first; yield each name when that is done."""
    for name in names_on(ground):
        mend(ground, name)
        yield name


def all_of(ground: Ground) -> tuple[FaultStatus, ...]:
    """Return every fault there is, and which are on."""
    return tuple(status_of(ground, fault) for fault in FAULTS.values())


def end_processes(ground: Ground) -> None:
    """End the processes that faults hold things with; what is on stays on."""
    databases.let_go(ground)


def _fault(name: str) -> Fault:
    if name not in FAULTS:
        raise NotFound(f"there is no fault {name!r}", hint="drillbook range faults")
    return FAULTS[name]
