"""The `Restores` port: build beside, prove, swap the names in one transaction, keep the old."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from psycopg import sql

from drillbook.analysis.fingerprint import differences
from drillbook.analysis.rows import changes, content_differences
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed, Refused, Unavailable
from drillbook.ports.backups import DatabaseFacts, Manifest, Restored, SwappedBack
from drillbook.ports.commands import Commands, Stream
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.contents import PostgresContents
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.facts import create_like, dress_like, read_facts
from drillbook.providers.postgres.leftovers import end_leftovers, session_name
from drillbook.providers.postgres.names import Mark, Names, Stage, mark, names_of, read_mark
from drillbook.providers.postgres.programs import LONGEST_SECONDS, run_program
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore
from drillbook.providers.postgres.swapping import Swap

JOBS = 2
OTHER_DATABASES = ("postgres", "template1")


@dataclass(frozen=True, slots=True)
class PostgresRestores:
    """Replaces one database by a backup of it."""

    server: Server
    store: BackupStore
    commands: Commands

    def settle(self, effect: Effect) -> Restored | None:
        """End what a dead attempt left running; return the result when it had swapped."""
        names = self._names(effect)
        with self._beside(effect) as session:
            before = _marks(session, names).get(names.before)
        if before is None or before.stage is not Stage.BEFORE or before.key != effect.key:
            return None
        return self._result(names, before.backup)

    def restore(self, backup: str, effect: Effect) -> Restored:
        """Build the backup beside the database, prove it equal, and swap the two names."""
        effect.still_mine()
        manifest = self.store.get(backup)
        names = self._names(effect)
        with self._beside(effect) as session:
            self._lock(session, names)
            marks = _marks(session, names)
            if marks.get(names.before) is None:
                self._build_unless_proven(session, manifest, effect, names, marks)
                self._swap(session, manifest, effect, names)
        effect.progress(f"counting what {names.before} has that the backup has not", None)
        return self._result(names, backup)

    def swap_back(self, effect: Effect) -> SwappedBack:
        """Give the database before the restore its name again; drop what was not swapped yet."""
        effect.still_mine()
        names = self._names(effect)
        with self._beside(effect) as session:
            self._lock(session, names)
            marks = _marks(session, names)
            before, beside = marks.get(names.before), marks.get(names.beside)
            if before is not None and before.key == effect.key:
                out = mark(Stage.TAKEN_OUT, effect.key, backup=before.backup)
                steps = (
                    (names.serving, names.beside, out),
                    (names.before, names.serving, before.comment),
                )
                Swap(self._maintenance(), session, effect).rename(steps, proven=names.before)
                return SwappedBack(database=names.serving, was_restored=True, kept_as=names.beside)
            if beside is not None and beside.stage is Stage.TAKEN_OUT:
                return SwappedBack(database=names.serving, was_restored=True, kept_as=names.beside)
            _drop(session, names.beside)
        return SwappedBack(database=names.serving, was_restored=False)

    def _names(self, effect: Effect) -> Names:
        parameters = self.server.parameters()
        database = parameters.get("dbname") or parameters.get("user", "")
        return names_of(database, effect.key)

    def _maintenance(self) -> Server:
        serving = self.server.parameters().get("dbname", "")
        tried: list[str] = []
        for database in OTHER_DATABASES:
            if database == serving:
                continue
            try:
                with self.server.other(database).session():
                    return self.server.other(database)
            except (Refused, Unavailable) as error:
                tried.append(str(error))
        raise Refused(
            f"to swap {serving} a session on another database is needed: {'; '.join(tried)}",
            hint="Let the role connect to database postgres of that server.",
        )

    @contextmanager
    def _beside(self, effect: Effect) -> Iterator[Session]:
        """Open the effect's session on another database, after earlier attempts are ended."""
        maintenance = self._maintenance()
        name = session_name(effect.key)
        with maintenance.session(application=name, at_most=LONGEST_SECONDS) as session:
            end_leftovers(session, effect.key, maintenance.where)
            yield session

    def _lock(self, session: Session, names: Names) -> None:
        values = {"database": names.serving}
        row = session.execute(query("restore", "try_lock"), values).fetchone()
        if row and row[0]:
            return
        holders = session.execute(query("restore", "lock_holders"), values).fetchall()
        who = " and ".join(holder.says for holder in describe(session, dict(holders)))
        raise Refused(
            f"{names.serving} is being restored by {who or 'a session that ended just now'}; "
            "nothing was changed",
            hint="Wait until that is done, then look whether another restore is needed.",
        )

    def _build_unless_proven(
        self,
        session: Session,
        manifest: Manifest,
        effect: Effect,
        names: Names,
        marks: dict[str, Mark | None],
    ) -> None:
        there = marks.get(names.beside)
        if there is not None and there.stage is Stage.TAKEN_OUT:
            raise Refused(
                f"this restore was done and taken back; its database is {names.beside}",
                hint="Start a new run to restore again.",
            )
        if there is not None and there.stage is Stage.PROVEN and there.backup == manifest.id:
            return
        self.store.verify_files(manifest.id)
        _drop(session, names.beside)
        try:
            self._build(session, manifest, effect, names)
        except DrillbookError:
            if not session.closed:
                _drop(session, names.beside)
            raise

    def _build(self, session: Session, manifest: Manifest, effect: Effect, names: Names) -> None:
        facts = _facts(session, names.serving)
        effect.progress(f"making {names.beside}", None)
        create_like(session, names.beside, facts)
        _comment(session, names.beside, mark(Stage.BUILDING, effect.key, backup=manifest.id))
        beside = self.server.other(names.beside)
        done = 0

        def tell(stream: Stream, line: str) -> None:
            nonlocal done
            if stream is Stream.ERRORS and "processing data for table" in line:
                done += 1
                table = line.partition("table ")[2].replace('"', "")
                effect.progress(f"restoring {table}", min(1.0, done / max(1, len(manifest.rows))))

        with self.store.opened(manifest.id, effect.key) as folder:
            arguments = (
                "--format=directory", f"--jobs={JOBS}", "--exit-on-error", "--no-password",
                "--verbose", f"--dbname={names.beside}", str(folder / DATA),
            )  # fmt: skip
            run_program(
                self.commands, beside, "pg_restore", arguments, effect_key=effect.key,
                server_major=session.info.server_version // 10000, on_output=tell,
            )  # fmt: skip
        self._prove(beside, manifest, effect)
        dress_like(session, names.beside, facts)
        _comment(session, names.beside, mark(Stage.PROVEN, effect.key, backup=manifest.id))

    def _prove(self, beside: Server, manifest: Manifest, effect: Effect) -> None:
        """Compare rows and schema with the manifest, and give the planner its statistics."""
        effect.progress("comparing rows and schema with the manifest", None)
        wrong = [*content_differences(manifest.contents, PostgresContents(beside).read())]
        with beside.session(at_most=LONGEST_SECONDS) as session:
            wrong += differences(manifest.objects, read_state(session).objects)
            session.execute("ANALYZE")
        if wrong:
            raise Failed(
                f"what was restored from {manifest.id} is not what was backed up: "
                f"{'; '.join(wrong[:20])}; nothing was swapped",
                hint="Do not use this backup; take the one before it.",
            )

    def _swap(self, session: Session, manifest: Manifest, effect: Effect, names: Names) -> None:
        comment = _facts(session, names.serving).comment
        effect.progress(f"swapping {names.beside} and {names.serving}", None)
        before = mark(Stage.BEFORE, effect.key, backup=manifest.id, comment=comment)
        steps = ((names.serving, names.before, before), (names.beside, names.serving, comment))
        Swap(self._maintenance(), session, effect).rename(steps, proven=names.beside)

    def _result(self, names: Names, backup: str) -> Restored:
        manifest = self.store.get(backup)
        before = self.server.other(names.before)
        then = {table: found.rows for table, found in PostgresContents(before).read().items()}
        found = changes(manifest.rows, then)
        with before.session() as session:
            slots = session.execute(
                query("restore", "slots"), {"database": names.before}
            ).fetchone()
        stay = int(slots[0]) if slots else 0
        warnings = (f"{stay} replication slots stay with {names.before}",) if stay else ()
        return Restored(
            backup=backup, database=names.serving, kept_as=names.before, at=datetime.now(UTC),
            tables=len(manifest.rows), rows=sum(manifest.rows.values()),
            written_since=found.more, lost_rows=sum(found.more.values()),
            warnings=warnings,
        )  # fmt: skip


def _facts(session: Session, database: str) -> DatabaseFacts:
    found = read_facts(session, database)
    if found is None:
        raise Refused(
            f"there is no database {database} to restore over",
            hint=f"Make an empty one (createdb {database}), then start again.",
        )
    return found


def _marks(session: Session, names: Names) -> dict[str, Mark | None]:
    """Return which of the databases there are, and what their marks say."""
    rows = session.execute(query("restore", "databases"), {"names": list(names.all)}).fetchall()
    return {str(name): read_mark(comment) for name, comment in rows}


def _comment(session: Session, database: str, text: str) -> None:
    session.execute(
        sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(database), sql.Literal(text))
    )


def _drop(session: Session, database: str) -> None:
    session.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database))
    )
