"""The `RoleLimits` port: a role's own limit, written in the server's catalog."""

from dataclasses import dataclass

from psycopg import sql
from psycopg.rows import dict_row

from drillbook.core.errors import NotFound
from drillbook.ports.role_limits import RoleRoom
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server


@dataclass(frozen=True, slots=True)
class PostgresRoleLimits:
    """Looks at and sets the limits of one server's roles."""

    server: Server

    def room(self, role: str) -> RoleRoom:
        """Return how a login stands; NotFound when the server has no such role."""
        with self.server.session() as session, session.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(query("role_limits", "room"), {"role": role}).fetchone()
        if row is None:
            raise NotFound(
                f"{self.server.where} has no role {role!r}",
                hint="Take it from database.vitals: it names the roles that hold connections.",
            )
        return RoleRoom.model_validate(row)

    def set_limit(self, role: str, limit: int) -> None:
        """Let a login have so many connections; -1 takes its own limit away."""
        statement = sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(
            sql.Identifier(role), sql.Literal(limit)
        )
        with self.server.session() as session:
            session.execute(statement)
