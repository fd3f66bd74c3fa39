"""How the database is right now, in one look: connections, locks, slow statements, scans."""

from drillbook.actions.database.subject import domain
from drillbook.core.model import Frozen
from drillbook.ports.vitals import DatabaseVitals, Entrance, Vitals

LONG_SECONDS = 1.0
MANY_ROWS = 1000


class Looked(Frozen):
    """The vitals, and in a sentence what in them is out of the ordinary."""

    ok: bool
    says: str
    reachable: bool
    full_roles: tuple[str, ...]
    blocked: int
    blockers: tuple[int, ...]
    slow_statements: int
    vitals: Vitals


@domain.read
def vitals(database: DatabaseVitals) -> Looked:
    """Look at the database now: entrance, connections, who waits for whom, what is slow."""
    found = database.vitals()
    odd = _odd(found)
    about = f"entered in {found.seconds:.2f} s, {found.used} of {found.limit} connections used"
    return Looked(
        ok=not odd,
        says="; ".join(odd) if odd else about,
        reachable=found.entrance is Entrance.OPEN,
        full_roles=tuple(one.role for one in found.roles if one.is_full),
        blocked=len(found.waiting),
        blockers=tuple(one.pid for one in found.blockers),
        slow_statements=sum(one.longest_seconds >= LONG_SECONDS for one in found.running),
        vitals=found,
    )


def _odd(found: Vitals) -> list[str]:
    if found.entrance is not Entrance.OPEN:
        return [f"{found.entrance}: {found.problem}"]
    odd = ["it may only be read"] if found.read_only else []
    if found.used >= found.limit:
        odd.append(f"all {found.limit} connections are used")
    odd += [
        f"{one.role} has all {one.limit} of its connections"
        for one in found.roles
        if one.is_full and one.limit > 0
    ]
    odd += [f"{one.waiting} wait for {one.says}" for one in found.blockers]
    odd += [
        f"in {one.sessions} sessions, for {one.longest_seconds:.1f} s: {one.query}"
        for one in found.running
        if one.longest_seconds >= LONG_SECONDS and not one.waits_for.startswith("Lock")
    ]
    return odd + [
        f"{one.table} ({one.rows} rows) is read whole {one.scans_per_second:g} times a second, and "
        f"no index begins with {', '.join(one.unindexed)}"
        for one in found.tables
        if one.unindexed and one.read_per_scan >= MANY_ROWS and one.scans_per_second > 0
    ]
