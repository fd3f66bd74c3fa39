"""How many connections a login may have, beside what the server gives to everybody."""

from typing import Protocol

from drillbook.core.model import Frozen


class RoleRoom(Frozen):
    """
    A login's connections: `limit` is its own, -1 where it has none.

    `server_limit` is what the server gives to all who are no superusers, `server_used` what all
    logins hold of it.
    """

    role: str
    limit: int
    used: int
    server_limit: int
    server_used: int


class RoleLimits(Protocol):
    """Look at and set the limit of a login."""

    def room(self, role: str) -> RoleRoom:
        """Return how a login stands; NotFound when the server has no such role."""
        ...

    def set_limit(self, role: str, limit: int) -> None:
        """Let a login have so many connections; -1 takes its own limit away."""
        ...
