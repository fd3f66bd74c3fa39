"""Look at a database: may we enter, is there room, how is its platform, who is in the way."""

from drillbook.actions.database.subject import domain
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.ports.database import Access, Blockers, Connections, Database
from drillbook.ports.platform import SERVICES, Platform, Service


class OnPlatform(Frozen):
    """How the database's project is, by the word of its platform."""

    ok: bool
    says: str
    status: str
    unhealthy: tuple[str, ...]
    services: tuple[Service, ...]
    read_only: bool
    disk_used_percent: float
    disk_available_bytes: int


@domain.read
def access(database: Database) -> Access:
    """Enter the database and say which server it is and whether it can be written to."""
    return database.access()


@domain.read
def connections(database: Database) -> Connections:
    """Count the sessions of the server and the transactions left open."""
    return database.connections()


@domain.read
def blockers(database: Database, *, table: str = "", tables: tuple[str, ...] = ()) -> Blockers:
    """Name the sessions that block others or have a transaction open on a table."""
    named = (table, *tables) if table or not tables else tables
    for name in named:
        if name.strip() != name:
            raise Refused(f"{name!r} is not a table's name", hint="Write it as schema.table.")
    sessions = {one.pid: one for name in named for one in database.blockers(name)}
    found = tuple(sessions.values())
    longest = max((session.transaction_seconds for session in found), default=0.0)
    oldest = max(found, key=lambda session: session.transaction_seconds, default=None)
    return Blockers(count=len(found), longest_seconds=longest, sessions=found, oldest=oldest)


@domain.read
def platform(platform: Platform, *, services: tuple[str, ...] = ("auth", "db")) -> OnPlatform:
    """Ask the platform how the project, its services and its disk are: its word, not a login."""
    wrong = [name for name in services if name not in SERVICES]
    if wrong or not services:
        raise Refused(
            f"the platform has no service {wrong[0]!r}" if wrong else "no service was named",
            hint=f"There are {', '.join(SERVICES)}.",
        )
    project, disk = platform.project(), platform.disk()
    seen, read_only = platform.services(services), platform.is_read_only()
    unhealthy = tuple(f"{one.name} ({one.error or one.status})" for one in seen if not one.healthy)
    percent = round(100 * disk.used_bytes / max(disk.size_bytes, 1), 1)
    said = [f"{project.name} is {project.status}", f"its disk is {percent:g} % full"]
    said.append(f"unhealthy: {', '.join(unhealthy)}" if unhealthy else f"{len(seen)} services well")
    said += ["it may only be read"] if read_only else []
    return OnPlatform(
        ok=project.status == "ACTIVE_HEALTHY" and not unhealthy and not read_only,
        says="; ".join(said),
        status=project.status,
        unhealthy=unhealthy,
        services=seen,
        read_only=read_only,
        disk_used_percent=percent,
        disk_available_bytes=disk.available_bytes,
    )
