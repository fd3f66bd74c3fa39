"""The proof data of a database: all that another one must have to be proven equal to it."""

from dataclasses import dataclass

from drillbook.ports.backups import DatabaseFacts, TableContents
from drillbook.providers.postgres.catalog import read_objects
from drillbook.providers.postgres.facts import own_facts
from drillbook.providers.postgres.proof.checksums import (
    LONGEST_SECONDS,
    WORKERS,
    OnRead,
    exported,
    reading,
)
from drillbook.providers.postgres.proof.sequences import read_sequences
from drillbook.providers.postgres.proof.tables import Table
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session


@dataclass(frozen=True, slots=True)
class Frame:
    """What is read of a snapshot at once, before its rows are: the tables are held meanwhile."""

    snapshot: str
    tables: tuple[Table, ...]
    objects: dict[str, str]
    sequences: dict[str, int]
    roles: tuple[str, ...]
    extensions: dict[str, str]
    database: DatabaseFacts

    @property
    def unlogged(self) -> tuple[str, ...]:
        """Tables that a physical copy brings back empty."""
        return tuple(table.name for table in self.tables if table.unlogged)


@dataclass(frozen=True, slots=True)
class ProofData:
    """A frame with the contents of its tables."""

    frame: Frame
    contents: dict[str, TableContents]

    @property
    def objects(self) -> dict[str, str]:
        """The digest of every object of the schema."""
        return self.frame.objects

    @property
    def sequences(self) -> dict[str, int]:
        """The last value each sequence gave."""
        return self.frame.sequences


def read_frame(session: Session, where: str) -> Frame:
    """Read everything but the rows; call it inside a transaction that stays open for them."""
    snapshot, tables = exported(session, where)
    database = own_facts(session)
    extensions = session.execute(query("proof", "extensions")).fetchall()
    roles = {str(row[0]) for row in session.execute(query("proof", "roles"))}
    named = {grant.grantee for grant in database.grants or ()} | {database.owner}
    return Frame(
        snapshot=snapshot,
        tables=tables,
        sequences=read_sequences(session),
        database=database,
        roles=tuple(sorted((roles | named) - {""})),
        extensions={str(name): str(version) for name, version in extensions},
        objects=read_objects(session),
    )  # fmt: skip


def proof_data(
    server: Server,
    *,
    application: str = "drillbook",
    workers: int = WORKERS,
    on_read: OnRead | None = None,
) -> ProofData:
    """Read catalog, contents and sequences of one database, all of one moment."""
    with server.session(application=application, at_most=LONGEST_SECONDS) as session:
        session.execute("SET idle_in_transaction_session_timeout = 0")
        session.execute(query("backup", "begin"))
        frame = read_frame(session, server.where)
        with reading(
            server, frame.snapshot, frame.tables,
            application=application, workers=workers, on_read=on_read,
        ) as begun:  # fmt: skip
            return ProofData(frame, begun.contents())
