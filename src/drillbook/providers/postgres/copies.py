"""A copy of production in a server that is thrown away: its files, or a dump restored."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.rows import dict_row

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.core.postgres_tools import server_of_major
from drillbook.core.quantities import show_size
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.facts import create_like, dress_like, own_facts
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.physical.basebackup import run_basebackup
from drillbook.providers.postgres.programs import LONGEST_SECONDS, run_program
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore

JOBS = 2
PHYSICAL, LOGICAL, BACKUP = "physical", "logical", "backup"
# The copy must cost what production costs: whole pages in the WAL, no work beside ours.
SETTINGS = {"full_page_writes": "on", "autovacuum": "off"}
HERE = {"tablespace": "pg_default"}
ATTRIBUTES = ("SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "BYPASSRLS")


class SourceFacts(Frozen):
    """What must be known of a database to copy it."""

    major: int
    database: str
    role: str
    size_bytes: int
    may_replicate: bool
    superuser: str | None


@dataclass(frozen=True, slots=True)
class Started:
    """A database that was copied, on a server of its own; `warnings` say what it can reach."""

    server: Server
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """A database that is like production's and that nobody needs; entered as superuser."""

    server: Server
    kind: str
    source: str
    seconds: float
    size_bytes: int
    role: str  # as which production's migrations are applied
    rows: dict[str, int]  # of production, by table
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Copies:
    """Makes copies of one database; `replication` is a login that may copy its files."""

    server: Server
    room: ScratchRoom
    commands: Commands
    replication: Server | None = None
    store: Callable[[], BackupStore] | None = None

    @contextmanager
    def taken(
        self, effect: Effect, *, physical: bool | None = None, backup: str = ""
    ) -> Iterator[Copy]:
        """
        Make a copy for as long as the block lasts; by its files where the login may.

        `physical` chooses the way; `backup` names a backup to build it from instead ("latest").
        """
        name = session_name(effect.key)
        with self.server.session(application=name) as session:
            end_leftovers(session, effect.key, self.server.where)
            facts = _facts(session)
            found = session.execute(query("copies", "settings")).fetchall()
            rows = dict(session.execute(query("copies", "rows")).fetchall())
        server_of_major(facts.major)  # without its programs nothing needs to be copied
        self.room.clear()
        settings = SETTINGS | {str(key): str(value) for key, value in found}
        began = monotonic()

        def made(started: Started, kind: str, source: str) -> Copy:
            seconds = round(monotonic() - began, 3)
            says = f"copied {show_size(facts.size_bytes)} in {seconds:.1f} s"
            effect.progress(f"{says} ({kind}, from {source})", None)
            return Copy(
                started.server, kind, source, seconds, facts.size_bytes, facts.role, rows,
                warnings=started.warnings,
            )  # fmt: skip

        if backup:
            with self._from_backup(backup, effect, facts, settings) as (started, source):
                yield made(started, BACKUP, source)
            return
        if physical is not False and (physical or self._may_copy_files(facts)):
            data = self._files(effect, facts, must=bool(physical))
            with data as folder:
                if folder is not None:
                    with self._started(folder, effect, facts, settings) as started:
                        yield made(started, PHYSICAL, self.server.name)
                    return
        with self._dumped(effect, facts, settings) as started:
            yield made(started, LOGICAL, self.server.name)

    def _may_copy_files(self, facts: SourceFacts) -> bool:
        return facts.superuser is not None and (facts.may_replicate or self.replication is not None)

    @contextmanager
    def _files(self, effect: Effect, facts: SourceFacts, *, must: bool) -> Iterator[Path | None]:
        """Copy the server's files; None where the server does not let us, unless we must."""
        with self.room.place(effect) as place:
            folder: Path | None = place / "copied"
            try:
                run_basebackup(
                    self.commands, self.server, effect, place / "copied",
                    server_major=facts.major, replication=self.replication, durable=False,
                )  # fmt: skip
            except Refused as error:
                if must:
                    raise
                effect.progress(f"{error}; it is dumped and restored instead", None)
                folder = None
            yield folder

    @contextmanager
    def _started(
        self, data: Path, effect: Effect, facts: SourceFacts, settings: dict[str, str]
    ) -> Iterator[Started]:
        superuser = facts.superuser or "postgres"
        with self.room.from_data(
            effect, data, facts.major, superuser=superuser, settings=settings
        ) as scratch:
            yield Started(scratch.server.other(facts.database), scratch.warnings)

    @contextmanager
    def _dumped(
        self, effect: Effect, facts: SourceFacts, settings: dict[str, str]
    ) -> Iterator[Started]:
        with self.room.place(effect) as place:
            dump = place / "dump"
            effect.progress(f"dumping {show_size(facts.size_bytes)} of {self.server.where}", None)
            arguments = (
                "--format=directory", f"--jobs={JOBS}", "--compress=0", "--no-sync",
                "--no-subscriptions", "--no-password", f"--file={dump}",
            )  # fmt: skip
            run_program(
                self.commands, self.server, "pg_dump", arguments,
                effect_key=effect.key, server_major=facts.major,
            )  # fmt: skip
            with self._restored(dump, effect, facts, settings) as started:
                yield started

    @contextmanager
    def _from_backup(
        self, backup: str, effect: Effect, facts: SourceFacts, settings: dict[str, str]
    ) -> Iterator[tuple[Started, str]]:
        if self.store is None:
            raise Refused(
                f"{self.server.name} has no backups to make a copy from",
                hint="Add a backups section to the stack file.",
            )
        store = self.store()
        logical = [one for one in store.all() if one.kind == "logical"]
        if backup == "latest" and not logical:
            raise NotFound(
                f"there is no logical backup in {store.where}",
                hint="Take one: drillbook do backup.create on=…",
            )
        manifest = logical[0] if backup == "latest" else store.get(backup)
        if manifest.kind != "logical":
            raise Refused(
                f"backup {manifest.id} is {manifest.kind}; a copy is built from logical ones",
                hint="Name a logical backup, or leave from_backup out to copy production's files.",
            )
        with (
            store.opened(manifest.id, effect.key) as folder,
            self._restored(folder / DATA, effect, facts, settings) as started,
        ):
            yield started, f"backup {manifest.id}"

    @contextmanager
    def _restored(
        self, dump: Path, effect: Effect, facts: SourceFacts, settings: dict[str, str]
    ) -> Iterator[Started]:
        """Restore a dump into a fresh server that has production's roles."""
        quick = {"maintenance_work_mem": "256MB", "synchronous_commit": "off"}
        start = settings | {"wal_level": "minimal", "max_wal_senders": "0"}
        with self.room.server(effect, facts.major, settings=start) as scratch:
            with self.server.session() as source, scratch.server.session() as session:
                _copy_roles(source, session)
                like = own_facts(source)
                create_like(session, facts.database, like.model_copy(update=HERE))
                dress_like(session, facts.database, like)
            effect.progress(f"restoring {show_size(facts.size_bytes)}", None)
            copy = scratch.server.other(facts.database)
            options = " ".join(f"-c {name}={value}" for name, value in quick.items())
            hasty = Server(lambda: make_conninfo(**copy.parameters(), options=options), copy.name)
            try:
                run_program(
                    self.commands, hasty, "pg_restore",
                    ("--exit-on-error", f"--jobs={JOBS}", "--no-password",
                     f"--dbname={facts.database}", str(dump)),
                    effect_key=effect.key, server_major=facts.major,
                )  # fmt: skip
            except Failed as error:
                raise Failed(
                    f"a copy of {self.server.where} cannot be built here: {error}",
                    hint="What it needs (an extension, a library) is missing on this machine.",
                ) from error
            with copy.session(at_most=LONGEST_SECONDS) as session:
                session.execute("ANALYZE")
            yield Started(copy, scratch.warnings)


def _facts(session: Session) -> SourceFacts:
    with session.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute(query("copies", "facts")).fetchone()
    return SourceFacts.model_validate(row)


def _copy_roles(source: Session, session: Session) -> None:
    """Make production's roles, without passwords; grants and policies name them."""
    rows = source.execute(query("copies", "roles")).fetchall()
    there = {row[0] for row in session.execute(query("copies", "roles"))}
    for name, *flags in rows:
        words = [
            word if flag else f"NO{word}" for word, flag in zip(ATTRIBUTES, flags, strict=True)
        ]
        if name not in there:
            # The words are the server's own, from the list above.
            statement = sql.SQL("CREATE ROLE {} " + " ".join(words))
            session.execute(statement.format(sql.Identifier(name)))
    for role, member, admin in source.execute(query("copies", "memberships")).fetchall():
        option = sql.SQL(" WITH ADMIN OPTION") if admin else sql.SQL("")
        session.execute(
            sql.SQL("GRANT {} TO {}").format(sql.Identifier(role), sql.Identifier(member)) + option
        )
