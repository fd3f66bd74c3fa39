"""The `Ledgers` port: Drillbook's own ledger and Supabase's, read and not written."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg.rows import dict_row

from drillbook.core.migration_files import LedgerEntry
from drillbook.ports.migration_files import Expectation
from drillbook.ports.migrations import Status
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session

OWN = "drillbook.migrations"
SUPABASE = "supabase_migrations.schema_migrations"


@dataclass(frozen=True, slots=True)
class PostgresLedgers:
    """Reads the ledgers of one database."""

    server: Server

    def entries(self) -> tuple[LedgerEntry, ...]:
        """Return every migration that any ledger of the database has."""
        with self.server.session() as session, session.transaction():
            session.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            return (*_own(session), *_supabase(session))

    def expectation(self) -> Expectation | None:
        """Return what the schema should be now; None when no ledger says."""
        with self.server.session() as session:
            if not _exists(session, OWN):
                return None
            with session.cursor(row_factory=dict_row) as cursor:
                row = cursor.execute(query("ledgers", "latest")).fetchone()
        if row is None:
            return None
        if row["status"] == Status.APPLIED and row["fingerprint_after"]:
            print_, objects = row["fingerprint_after"], row["objects_after"]
        elif row["status"] == Status.TAKEN_BACK and row["fingerprint_back"]:
            same = row["fingerprint_back"] == row["fingerprint_before"]
            print_, objects = row["fingerprint_back"], row["objects_before"] if same else {}
        else:
            return None
        return Expectation(name=row["name"], at=row["at"], fingerprint=print_, objects=objects)


def _own(session: Session) -> Iterator[LedgerEntry]:
    if not _exists(session, OWN):
        return
    for name, sha256, status, run, at, back in session.execute(query("ledgers", "own")):
        yield LedgerEntry(
            ledger=OWN, name=name, sha256=sha256, status=status, run=run, at=at, taken_back_at=back
        )


def _supabase(session: Session) -> Iterator[LedgerEntry]:
    if not _exists(session, SUPABASE):
        return
    columns = {row[0] for row in session.execute(query("ledgers", "supabase_columns"))}
    # Early versions of Supabase's tool kept versions only.
    which = "supabase" if {"name", "statements"} <= columns else "supabase_versions"
    for version, name, statements in session.execute(query("ledgers", which)):
        yield LedgerEntry(
            ledger=SUPABASE,
            name=f"{version}_{name}.sql" if name else version,
            version=version,
            statements=tuple(statements) if statements is not None else None,
            run="supabase",
        )


def _exists(session: Session, table: str) -> bool:
    row = session.execute(query("ledgers", "exists"), {"table": table}).fetchone()
    return bool(row and row[0])
