"""Let a login have more connections, where its own limit and not the server is what is full."""

from drillbook.actions.database.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.ports.role_limits import RoleLimits, RoleRoom

SHARE = 0.9  # what one login may have at most: operators and other logins need the rest
NONE = -1


class ConnectionsRaised(Frozen):
    """A login's limit as it is now, beside what the server gives to everybody."""

    role: str
    limit: int
    used: int
    server_limit: int
    says: str


class LimitBefore(Frozen):
    """
    A login's limit before the write, and the one that the write was about to set.

    `to` is None in the record of a run from before 24 November 2026.
    """

    role: str
    limit: int
    to: int | None = None


@domain.write
def raise_connections(
    limits: RoleLimits, effect: Effect, *, role: str, to: int = 0
) -> ConnectionsRaised:
    """Raise a login's own limit of connections; without `to`, to nine tenths of the server's."""
    room = limits.room(role)
    wanted = _wanted(room, to)
    if room.limit == NONE:
        raise Refused(
            f"{role} has no limit of its own ({room.used} connections, all logins together "
            f"{room.server_used} of {room.server_limit}): what is full is the server",
            hint="End who holds them (database.end_sessions); a higher max_connections needs a "
            "restart and memory.",
            again=False,
        )
    if room.limit > wanted:
        raise Refused(
            f"{role} may have {room.limit} connections already, more than {wanted}",
            hint="Name a higher limit by `to`, or end who holds them (database.end_sessions).",
            again=False,
        )
    effect.still_mine()
    limits.set_limit(role, wanted)
    return _raised(limits.room(role))


@raise_connections.looking
def look_raised(
    limits: RoleLimits, effect: Effect, *, role: str, to: int = 0
) -> ConnectionsRaised | None:
    """Tell whether the login has exactly this limit."""
    room = limits.room(role)
    return _raised(room) if room.limit == _wanted(room, to) else None


def remember_limit(limits: RoleLimits, effect: Effect, *, role: str, to: int = 0) -> LimitBefore:
    """Remember the limit there is, and the one that will be: the server's own may change."""
    room = limits.room(role)
    return LimitBefore(role=role, limit=room.limit, to=_wanted(room, to))


@raise_connections.undone_by(remembering=remember_limit)
def undo_raise(
    before: LimitBefore, limits: RoleLimits, effect: Effect, *, role: str, to: int = 0
) -> ConnectionsRaised:
    """Set the limit as it was; connections above it stay until their clients close them."""
    room = limits.room(role)
    set_to = before.to if before.to is not None else _wanted(room, to)
    if room.limit not in {before.limit, set_to}:
        raise Refused(
            f"{role} may have {room.limit} connections by now, which this task has not set; "
            f"before it was {before.limit}",
            hint="Somebody has changed it meanwhile: ask who, and set it by hand.",
        )
    if room.limit != before.limit:
        effect.still_mine()
        limits.set_limit(role, before.limit)
    return _raised(limits.room(role))


def _wanted(room: RoleRoom, to: int) -> int:
    highest = int(room.server_limit * SHARE)
    if not 0 <= to <= highest:
        raise Refused(
            f"{to} connections for {room.role} are not between 1 and {highest}, nine tenths of "
            f"the {room.server_limit} that the server gives to everybody",
            hint="More needs a higher max_connections: a restart, and memory for each.",
            again=False,
        )
    return to or highest


def _raised(room: RoleRoom) -> ConnectionsRaised:
    if room.limit == NONE:
        says = f"{room.role} has no limit of its own"
    else:
        says = f"{room.role} may have {room.limit} connections and has {room.used}"
    return ConnectionsRaised(
        role=room.role,
        limit=room.limit,
        used=room.used,
        server_limit=room.server_limit,
        says=f"{says}; all logins together have {room.server_used} of {room.server_limit}",
    )
