"""The `SideTables` port: found by the names that ways back give their copies."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from psycopg.sql import SQL, Identifier

from drillbook.analysis.wayback.capturing import SCHEMA, prefix_of
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.ports.migrations import LedgerRow, Status
from drillbook.ports.side_tables import BeforeForgotten, KeptBefore
from drillbook.providers.postgres import ledger
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.walking import held


@dataclass(frozen=True, slots=True)
class PostgresSideTables:
    """Lists and drops the copies in one database."""

    server: Server

    def all(self) -> tuple[KeptBefore, ...]:
        """Return them by migration, the largest first."""
        with self.server.session() as session:
            found: dict[str, list[tuple[str, int]]] = {}
            for table, size in _tables(session):
                found.setdefault(table.rpartition("_")[0], []).append((table, size))
            rows = session.execute(query("side_tables", "applied")).fetchall() if found else []
        known = {prefix_of(str(row[0]), str(row[1])): row for row in rows}
        kept = []
        for prefix, tables in found.items():
            name, _, applied_at, run = known.get(prefix, ("", "", None, ""))
            kept.append(
                KeptBefore(
                    migration=name, applied_at=applied_at, run=run,
                    tables=_full(tables), size_bytes=sum(size for _, size in tables),
                )
            )  # fmt: skip
        return tuple(sorted(kept, key=lambda one: -one.size_bytes))

    def gone(self, name: str, sha256: str) -> BeforeForgotten | None:
        """Return that nothing is kept, when the migration is applied and has no copies."""
        with self.server.session() as session:
            row = ledger.in_force(session, name)
            if row is None or row.status is not Status.APPLIED or _other(row, sha256):
                return None
            left = _tables(session, prefix_of(row.name, row.sha256))
        return None if left else BeforeForgotten(migration=name)

    def forget(self, name: str, sha256: str, effect: Effect) -> BeforeForgotten:
        """Drop the copies of a migration; nobody takes it back meanwhile."""
        effect.still_mine()
        with self._alone(effect) as session:
            row = self._applied(session, name, sha256)
            tables = _tables(session, prefix_of(row.name, row.sha256))
            for table, _ in tables:
                session.execute(SQL("DROP TABLE {}").format(Identifier(SCHEMA, table)))
            effect.still_mine()
        return BeforeForgotten(
            migration=name, tables=_full(tables), size_bytes=sum(size for _, size in tables)
        )

    @contextmanager
    def _alone(self, effect: Effect) -> Iterator[Session]:
        """Give a transaction that holds the lock of the ledger."""
        with self.server.session(application=session_name(effect.key)) as session:
            end_leftovers(session, effect.key, self.server.where)
            with session.transaction():
                session.execute(query("side_tables", "patience"))
                got = session.execute(query("ledger", "try_lock")).fetchone()
                if not got or not got[0]:
                    raise held(session, self.server.where)
                yield session

    def _applied(self, session: Session, name: str, sha256: str) -> LedgerRow:
        row = ledger.in_force(session, name)
        if row is None:
            raise Refused(
                f"{name} is not applied to {self.server.where}; nothing was dropped",
                hint="drillbook do migration.kept lists what is kept, by migration.",
            )
        if row.status is not Status.APPLIED:
            raise Refused(
                f"{name} is {row.status} in {self.server.where} by {row.run}, and its way back "
                "may still need the copies; nothing was dropped",
                hint=f"End that run first: drillbook resume {row.run}",
            )
        if _other(row, sha256):
            raise Refused(
                f"{name} is applied to {self.server.where} with other contents (sha256 "
                f"{row.sha256[:12]}, this one {sha256[:12]}); nothing was dropped",
                hint="Give the file that was applied, or only its name: migration=…",
            )
        return row


def missing(session: Session, tables: Sequence[str]) -> tuple[str, ...]:
    """Return which of these side tables are not there."""
    found = session.execute(query("side_tables", "missing"), {"names": list(tables)})
    return tuple(str(row[0]) for row in found)


def _other(row: LedgerRow, sha256: str) -> bool:
    return bool(sha256 and row.sha256 and row.sha256 != sha256)


def _tables(session: Session, prefix: str = "before") -> list[tuple[str, int]]:
    found = session.execute(query("side_tables", "all")).fetchall()
    return [(str(name), int(size)) for name, size in found if name.startswith(f"{prefix}_")]


def _full(tables: Sequence[tuple[str, int]]) -> tuple[str, ...]:
    return tuple(f"{SCHEMA}.{name}" for name, _ in tables)
