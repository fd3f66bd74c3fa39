"""Incidents, kept in the home: opened once, closed once, each with the run it started."""

import json
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from drillbook.core.errors import DrillbookError, Failed, NotFound, Refused, Unavailable
from drillbook.core.model import Frozen

FILE = "incidents.db"
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
ID_LENGTH = 6
# One line a runbook and environment while it is open: the database itself opens no second one.
TABLES = """
CREATE TABLE IF NOT EXISTS incidents (
  id TEXT PRIMARY KEY, runbook TEXT NOT NULL, environment TEXT NOT NULL,
  opened_at TEXT NOT NULL, closed_at TEXT, run TEXT NOT NULL DEFAULT '', record TEXT NOT NULL,
  plan TEXT NOT NULL DEFAULT ''
);
CREATE UNIQUE INDEX IF NOT EXISTS one_open ON incidents (runbook, environment)
  WHERE closed_at IS NULL;
CREATE TABLE IF NOT EXISTS kept (name TEXT PRIMARY KEY, value TEXT NOT NULL);
"""


class Noticed(Frozen):
    """A symptom that held: since when it was true, when it held, and what was measured."""

    text: str
    condition: str
    severity: str
    since: datetime
    at: datetime
    says: str


class Incident(Frozen):
    """
    One incident of one runbook in one environment.

    `began_at` is from when on the first symptom was true, `opened_at` when it held. `run` is the
    run it started or joined; `problem` tells why it started none.
    """

    id: str
    runbook: str
    book: str = ""
    environment: str
    severity: str
    began_at: datetime
    opened_at: datetime
    noticed: tuple[Noticed, ...]
    closed_at: datetime | None = None
    closed_because: str = ""
    run: str = ""
    started: bool = False
    problem: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it has not been closed."""
        return self.closed_at is None


class IncidentBook:
    """The incidents of one home."""

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._opened() as database:
            database.executescript(TABLES)
        self._path.chmod(0o600)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self._path, timeout=30)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                with database:
                    yield database
        except sqlite3.Error as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in DAMAGED:
                raise _damaged(self._path, str(error)) from error
            raise Unavailable(
                f"the incidents in {self._path} cannot be kept: {error}",
                hint="Is the disk full or read-only?",
            ) from error

    def open(self, incident: Incident) -> tuple[Incident, bool]:
        """Keep a new incident; the one that is open already, where there is one, and False."""
        with self._opened() as database:
            found = database.execute(
                "INSERT INTO incidents (id, runbook, environment, opened_at, record)"
                " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (
                    incident.id, incident.runbook, incident.environment,
                    incident.opened_at.isoformat(), incident.model_dump_json(),
                ),
            )  # fmt: skip
            if found.rowcount:
                return incident, True
        kept = self.current(incident.runbook, incident.environment)
        return (kept, False) if kept is not None else self.open(incident)

    def save(self, incident: Incident, *, plan: str | None = None) -> None:
        """Keep what has become of an incident, and its run's plan; what is closed stays closed."""
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            asked = "SELECT record FROM incidents WHERE id = ? AND closed_at IS NOT NULL"
            row = database.execute(asked, (incident.id,)).fetchone()
            if row is not None and incident.is_open:  # closed by a person since it was read
                was = self._read(row[0])
                ended = {"closed_at": was.closed_at, "closed_because": was.closed_because}
                incident = incident.model_copy(update=ended)
            closed = incident.closed_at.isoformat() if incident.closed_at else None
            database.execute(
                "UPDATE incidents SET closed_at = ?, run = ?, record = ?,"
                " plan = coalesce(?, plan) WHERE id = ?",
                (closed, incident.run, incident.model_dump_json(), plan, incident.id),
            )

    def plan(self, incident: str) -> str:
        """Return the plan kept for an incident's run as JSON, "" when there is none."""
        with self._opened() as database:
            row = database.execute("SELECT plan FROM incidents WHERE id = ?", (incident,))
            found = row.fetchone()
        return str(found[0]) if found else ""

    def current(self, runbook: str, environment: str) -> Incident | None:
        """Return the open incident of a runbook and environment."""
        return next(
            (
                each
                for each in self.all(only_open=True)
                if (each.runbook, each.environment) == (runbook, environment)
            ),
            None,
        )

    def all(self, *, only_open: bool = False, limit: int = 200) -> list[Incident]:
        """Return incidents, the newest first."""
        asked = (
            "SELECT record FROM incidents WHERE closed_at IS NULL OR NOT ?"
            " ORDER BY opened_at DESC LIMIT ?"
        )
        with self._opened() as database:
            rows = database.execute(asked, (only_open, limit)).fetchall()
        return [self._read(row[0]) for row in rows]

    def show(self, incident: str) -> Incident:
        """Return one incident; NotFound with the newest ones."""
        with self._opened() as database:
            row = database.execute("SELECT record FROM incidents WHERE id = ?", (incident,))
            found = row.fetchone()
        if found is None:
            newest = ", ".join(each.id for each in self.all(limit=3)) or "none yet"
            raise NotFound(f"there is no incident {incident}", hint=f"The newest: {newest}.")
        return self._read(found[0])

    def _read(self, record: str) -> Incident:
        try:
            return Incident.model_validate_json(record)
        except ValidationError as error:
            raise _damaged(self._path, f"an incident in it has {error.error_count()} faults") from (
                error
            )

    def close(self, incident: str, *, at: datetime, because: str) -> Incident:
        """Close an incident by a person's word."""
        found = self.show(incident)
        if not found.is_open:
            raise Refused(f"incident {incident} is closed already", hint=found.closed_because)
        closed = found.model_copy(update={"closed_at": at, "closed_because": because})
        self.save(closed)
        return closed

    def keep(self, name: str, value: object) -> None:
        """Keep what the lookout knows, for one that is started after it, and for `signals`."""
        with self._opened() as database:
            database.execute(
                "INSERT INTO kept VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (name, json.dumps(value)),
            )

    def kept(self, name: str) -> object:
        """Return what was kept under a name, None for nothing."""
        with self._opened() as database:
            row = database.execute("SELECT value FROM kept WHERE name = ?", (name,)).fetchone()
        try:
            found: object = json.loads(row[0]) if row else None
        except ValueError as error:
            raise _damaged(self._path, f"{name} in it is no JSON") from error
        return found


def _damaged(path: Path, why: str) -> Failed:
    return Failed(
        f"the incidents in {path} are damaged: {why}",
        hint=f"Stop the lookout, move {path.name}* to another folder, and start it again: it makes "
        "a new one. Past incidents go with it; runs and their record lie elsewhere and stay.",
        again=False,
    )


def new_incident_id() -> str:
    """Return a short id that is easy to say on the phone."""
    return "i-" + "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


def says_error(error: DrillbookError) -> str:
    """Return an error as one sentence with what to do."""
    return f"{error} {error.hint}".strip()
