"""One case's world: a release that serves, a database of its own, and what people do then."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256

import psycopg
from psycopg import sql

from benchmarks.rollbacks.site import VALUES, Site
from drillbook.local.server import PostgresServer
from drillbook.ports.deployments import Deployments, Switches
from drillbook.ports.migrations import Change
from drillbook.range.booking.database import MIGRATIONS
from drillbook.range.history.changes import change
from drillbook.range.twins.vercel.values import get_values, set_values
from drillbook.stack.stack import Stack

FOLDER = "supabase/migrations"
TEMPLATE = "booking"
LEDGER = """
CREATE SCHEMA supabase_migrations;
CREATE TABLE supabase_migrations.schema_migrations
    (version text PRIMARY KEY, name text, statements text[]);
"""


@dataclass
class World:
    """What a case may do; `old` is the build that going back leads to."""

    site: Site
    server: PostgresServer
    stack: Stack
    database: str
    name: str
    old: str = ""
    changes: list[Change] = field(default_factory=list[Change])

    @property
    def mark(self) -> str:
        """What tells this case's commits from others: reasons quote them, so not its name."""
        return sha256(self.name.encode()).hexdigest()[:6]

    def release(
        self,
        files: Mapping[str, str | None] | None = None,
        message: str = "Change a text",
        onto: str = "",
    ) -> str:
        """Deploy a release of production and return its build; `onto` leaves commits out."""
        known = files if files is not None else {"NOTES.md": f"{self.name} {message}\n"}
        return self.site.deploy(known, f"{message} ({self.mark})", onto)

    def push(self, files: Mapping[str, str | None], message: str) -> str:
        """Push a release that may not come to serve, and return its build once that ended."""
        return self.site.built(self.site.commit(files, f"{message} ({self.mark})"))

    def applied(self, name: str, text: str = "", down: str = "") -> dict[str, str]:
        """Apply a migration, a sample of the range unless its text is given; return its file."""
        body = text or (MIGRATIONS / name).read_text(encoding="utf-8")
        self.changes.append(self.site.migrate(self.stack, name, body, down))
        return {f"{FOLDER}/{name}": body}

    def recorded_by_supabase(self, version: str, name: str, statements: list[str]) -> None:
        """Apply a migration as Supabase's own tool does: its ledger knows no time."""
        with self.connected() as connection:
            connection.execute(LEDGER)
            for statement in statements:
                connection.execute(statement.encode())
            connection.execute(
                "INSERT INTO supabase_migrations.schema_migrations VALUES (%s, %s, %s)",
                (version, name, statements),
            )

    @contextmanager
    def connected(self) -> Iterator[psycopg.Connection]:
        """Give a connection to the case's database."""
        with psycopg.connect(self.server.url(self.database), autocommit=True) as connection:
            yield connection

    def values(self, environment: str = "production", **values: str | None) -> None:
        """Set or remove values of an environment, as its owner would."""
        set_values(self.site.cloud, environment, values)

    def crons(self, *crons: tuple[str, str]) -> dict[str, str | None]:
        """Return the code's vercel.json with these paths and schedules."""
        listed = ", ".join(f'{{"path": "{path}", "schedule": "{when}"}}' for path, when in crons)
        build = '"buildCommand": "python -m compileall -q booking"'
        return {"vercel.json": f'{{{build}, "crons": [{listed}]}}\n'}

    def changed(self, name: str, **others: str | None) -> dict[str, str | None]:
        """Return the files of a change that somebody proposes to the range's app."""
        tree = {path: self.site.read(path) + "\n" for path in change(name).paths if self._has(path)}
        after = change(name).put_on(tree)
        return {path: after[path] for path in change(name).paths if path in after} | others

    def _has(self, path: str) -> bool:
        return path in self.site.paths()

    def redeployed(self) -> str:
        """Build what serves again with the values of now, and wait until it serves."""
        hosting = self.stack.port("production", Deployments).hosting()  # type: ignore[type-abstract]  # a port is a Protocol
        serving = hosting.serving
        if serving is None:
            raise LookupError("nothing serves")
        switches = self.stack.port("production", Switches)  # type: ignore[type-abstract]  # as above
        made = switches.redeploy(serving.id, f"bench:{self.name}")
        return self.site.gives_users(made.id)

    def rolled_back(self, to: str) -> None:
        """Roll back, and wait until it is through."""
        self.stack.port("production", Switches).roll_back(to, f"bench:{self.name}", "bad")  # type: ignore[type-abstract]  # as above
        self.site.gives_users(to)

    def automatic(self, on: bool) -> None:
        """Turn automatic assignment on or off."""
        self.stack.port("production", Switches).set_automatic(on, f"bench:{self.name}")  # type: ignore[type-abstract]  # as above


Plant = Callable[[World], str]


@contextmanager
def a_world(site: Site, server: PostgresServer, name: str) -> Iterator[World]:
    """Make a case's world on the common site: a fresh database, values and release."""
    known = get_values(site.cloud, "production")
    set_values(site.cloud, "production", {key: VALUES.get(key) for key in {*known, *VALUES}})
    project = {"autoAssignCustomDomains": True, "lastRollbackTarget": None}
    site.hosting.change_project(**project, lastAliasRequest=None)
    database = f"case_{name.replace(' ', '_').replace('-', '_')[:50]}"
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        words = sql.Identifier(database), sql.Identifier(TEMPLATE)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*words))
    world = World(site, server, site.stack(server.url(database)), database, name)
    start = site.commit({}, f"Begin {world.mark}", onto=site.base)
    world.old = site.serving(start)
    try:
        yield world
    finally:
        with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
            dropped = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database))
            connection.execute(dropped)
