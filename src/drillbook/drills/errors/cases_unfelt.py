"""The faults that only operators see: users are well, so nothing is to be done to production."""

from drillbook.core.incident import CauseKind
from drillbook.drills.errors.case import Accepted, Case
from drillbook.drills.errors.naming import RELEASE, cause
from drillbook.range.faults import FAULTS
from drillbook.range.faults.fault import Suffers


def _unfelt(fault: str, *may_be_named: Accepted) -> Case:
    return Case(
        name=fault,
        says=FAULTS[fault].says,
        felt=False,
        causes=may_be_named,
        fault=fault,
    )


# The API is away, not what users come to: that would be false.
HOSTING_API = cause(CauseKind.HOSTING, "api", "vercel")
# Each with what is true of it, should somebody ask: nobody has to.
MAY_BE_NAMED: dict[str, tuple[Accepted, ...]] = {
    "release-unhealthy": (RELEASE,),
    "release-constant-health": (RELEASE,),
    "release-leaks": (RELEASE,),
    "release-pays-in-transaction": (RELEASE,),
    "cache-down": (cause(CauseKind.CACHE),),
    "hosting-api-down": (HOSTING_API,),
    "hosting-api-failing": (HOSTING_API,),
    "hosting-api-slow": (HOSTING_API,),
    "hosting-api-limited": (HOSTING_API,),
    "crons-lost": (cause(CauseKind.HOSTING, "cron", "schedule"),),
    "traffic-spike": (cause(CauseKind.TRAFFIC),),
}
UNFELT = tuple(
    _unfelt(name, *MAY_BE_NAMED.get(name, ()))
    for name, fault in FAULTS.items()
    if fault.suffers is Suffers.OPERATORS
)
