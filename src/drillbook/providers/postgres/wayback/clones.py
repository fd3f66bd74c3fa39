"""Clones of one database of a throw-away server, and scripts run on them."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count

import psycopg
from psycopg import sql

from drillbook.analysis.statements import read_script
from drillbook.analysis.units import Unit, units_of
from drillbook.core.errors import Failed
from drillbook.providers.postgres.sentences import first_line
from drillbook.providers.postgres.server import Server, Session

LONGEST_SECONDS = 24 * 3600.0
BIG_BYTES = 64 * 1024 * 1024  # from here on copying files beats writing them through the log
SETTINGS = """
    SELECT unnest(s.setconfig) FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
     WHERE d.datname = %s AND s.setrole = 0
"""


@dataclass
class Clones:
    """Makes clones of a server's database; each is gone when its block ends."""

    server: Server
    key: str
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def source(self) -> str:
        """The name of the database that is cloned."""
        return self.server.database or self.server.parameters()["dbname"]

    @contextmanager
    def clone(self) -> Iterator[Server]:
        """Make a clone; nobody else may be in the source meanwhile."""
        digest = hashlib.sha256(self.key.encode()).hexdigest()[:8]
        name = f"drillbook_clone_{digest}_{next(self._numbers)}"
        try:
            self._make(name)
            yield self.server.other(name)
        finally:
            self._outside("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def give_room(self, clone: Server, role: str) -> None:
        """Make the schema of the side tables, where the ledger has not made it yet."""
        with acting(clone, role) as session:
            there = session.execute("SELECT to_regnamespace('drillbook')").fetchone()
            if there and there[0] is not None:
                return
        with acting(clone, "") as session:
            session.execute("CREATE SCHEMA drillbook")
            if role:
                text = sql.SQL("ALTER SCHEMA drillbook OWNER TO {}").format(sql.Identifier(role))
                session.execute(text)

    def has_role(self, role: str) -> bool:
        """Tell whether the server knows a role that is not a superuser."""
        with self._beside() as session:
            row = session.execute(
                "SELECT NOT rolsuper FROM pg_roles WHERE rolname = %s", [role]
            ).fetchone()
            return bool(row and row[0])

    def outside(self, statements: Iterable[str]) -> None:
        """Run statements that concern the whole server."""
        for statement in statements:
            with self._beside() as session:
                session.execute(statement.encode())

    def _make(self, name: str) -> None:
        self._outside("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        with self._beside() as session:
            size = session.execute("SELECT pg_database_size(%s)", [self.source]).fetchone()
            settings = session.execute(SETTINGS, [self.source]).fetchall()
        strategy = "FILE_COPY" if size and int(size[0]) > BIG_BYTES else "WAL_LOG"
        self._outside(f"CREATE DATABASE {{}} TEMPLATE {{}} STRATEGY {strategy}", name, self.source)
        for (setting,) in settings:
            key, _, value = str(setting).partition("=")
            # Lists such as search_path come quoted as SET wants them.
            self._outside("ALTER DATABASE {} SET {} = " + _value(key, value), name, key)

    def _outside(self, statement: str, *names: str) -> None:
        with self._beside() as session:
            # The statement is ours; its names are quoted here.
            text = sql.SQL(statement)
            session.execute(text.format(*map(sql.Identifier, names)))

    @contextmanager
    def _beside(self) -> Iterator[Session]:
        other = "template1" if self.source == "postgres" else "postgres"
        with self.server.other(other).session(at_most=LONGEST_SECONDS) as session:
            yield session


def _value(key: str, value: str) -> str:
    if key in ("search_path", "local_preload_libraries", "session_preload_libraries"):
        return (value or "''").replace("{", "{{").replace("}", "}}")
    return ("'" + value.replace("'", "''") + "'").replace("{", "{{").replace("}", "}}")


def run_up(server: Server, text: str, capture: str = "", *, role: str = "") -> None:
    """Apply a migration as it is applied in earnest, the capture inside its first transaction."""
    units = units_of(read_script(text).statements)
    first = next((number for number, unit in enumerate(units) if unit.lone is None), None)
    with acting(server, role) as session:
        if first is None and capture:
            together(session, [s.text for s in read_script(capture).statements])
        for number, unit in enumerate(units):
            before = [s.text for s in read_script(capture).statements] if capture else []
            _run(session, unit, before if number == first else [])


def run_down(server: Server, text: str, *, role: str = "") -> None:
    """Run a way back unit by unit."""
    with acting(server, role) as session:
        for unit in units_of(read_script(text).statements):
            _run(session, unit, [])


def together(session: Session, statements: Iterable[str]) -> None:
    """Run statements in one transaction."""
    session.execute("BEGIN")
    for statement in statements:
        _execute(session, statement)
    session.execute("COMMIT")


@contextmanager
def acting(server: Server, role: str) -> Iterator[Session]:
    """Open a session that may do what the role may; without one, everything."""
    with server.session(application="drillbook way back", at_most=LONGEST_SECONDS) as session:
        if role:
            text = sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role))
            session.execute(text)
        yield session


def _run(session: Session, unit: Unit, before: list[str]) -> None:
    if unit.lone is None:
        together(session, [*before, *(s.text for s in unit.statements)])
        return
    _execute(session, unit.statements[0].text)


def _execute(session: Session, statement: str) -> None:
    try:
        session.execute(statement.encode())
    except psycopg.Error as error:
        line = " ".join(statement.split())
        shown = line if len(line) <= 160 else line[:159] + "…"  # noqa: PLR2004 - fits a message
        raise Failed(f"{shown}: {first_line(error)}") from error
