"""The `Restores` port: build beside, prove, swap the names in one transaction, keep the old."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Failed, Refused, UndoImpossible
from drillbook.ports.backups import (
    DatabaseFacts,
    LostRows,
    Manifest,
    Restored,
    SwappedBack,
    Wanted,
)
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.building import lacking, prove, restore_into
from drillbook.providers.postgres.facts import create_like, dress_like, read_facts
from drillbook.providers.postgres.losses import count_since, lost_since, says_lost
from drillbook.providers.postgres.maintenance import (
    beside,
    clock,
    comment_on,
    database_of,
    drop,
    lock,
    maintenance_of,
    marks_of,
)
from drillbook.providers.postgres.material import Material
from drillbook.providers.postgres.names import Mark, Names, Stage, Story, names_of
from drillbook.providers.postgres.programs import LONGEST_SECONDS
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.sources import (
    Points,
    Sources,
    refuse_foreign,
    system_identifier,
)
from drillbook.providers.postgres.storage.store import BackupStore
from drillbook.providers.postgres.swapping import Swap


@dataclass(frozen=True, slots=True)
class PostgresRestores:
    """Builds a database from a backup or a point, in place of one or as a new one."""

    server: Server
    store: BackupStore
    commands: Commands
    points: Points | None = None

    def serving(self) -> str:
        """Return which database serves now; another one under the same name answers otherwise."""
        with maintenance_of(self.server).session() as session:
            row = session.execute(
                query("restore", "serving"), {"database": database_of(self.server)}
            ).fetchone()
        return str(row[0]) if row else ""

    def settle(self, wanted: Wanted, effect: Effect) -> Restored | None:
        """End what a dead attempt left running; return the result when it is there."""
        self._clear(effect)
        names = self._names(wanted, effect)
        with beside(self.server, effect) as session:
            done = _done(names, marks_of(session, names.all), effect)
        return self._result(names, wanted, done) if done is not None else None

    def restore(self, wanted: Wanted, effect: Effect) -> Restored:
        """Build the backup beside the database, prove it equal, and swap the two names."""
        effect.still_mine()
        names = self._names(wanted, effect)
        with beside(self.server, effect) as session:
            lock(session, names.serving)
            marks = marks_of(session, names.all)
            done = _done(names, marks, effect)
            if done is None:
                _refuse_taken(names, marks)
                proven = self._build_unless_proven(session, wanted, effect, names, marks)
                done = self._put_in_place(session, effect, names, proven)
        effect.progress("counting what was written after the point", None)
        return self._result(names, wanted, done)

    def take_back(self, wanted: Wanted, was_serving: str, effect: Effect) -> SwappedBack:
        """Give the database before the restore its name again; drop what was not swapped yet."""
        effect.still_mine()
        self._clear(effect)
        names = self._names(wanted, effect)
        with beside(self.server, effect) as session:
            lock(session, names.serving)
            marks = marks_of(session, names.all)
            done, there = _done(names, marks, effect), marks.get(names.beside)
            if done is not None and names.is_new:
                drop(session, names.serving)
                return SwappedBack(database=names.serving, was_restored=True)
            if done is not None:
                out = replace(done, stage=Stage.TAKEN_OUT, comment=None)
                steps = (
                    (names.serving, names.beside, out.text),
                    (names.before, names.serving, done.comment),
                )
                Swap(maintenance_of(self.server), session, effect).rename(
                    steps, proven=names.before
                )
                return SwappedBack(database=names.serving, was_restored=True, kept_as=names.beside)
            if there is not None and there.stage is Stage.TAKEN_OUT:
                return SwappedBack(database=names.serving, was_restored=True, kept_as=names.beside)
            drop(session, names.beside)
        if not names.is_new and was_serving not in {"", self.serving()}:
            raise UndoImpossible(
                f"the database from before the restore of {names.serving} was dropped",
                hint="Only a backup taken before leads back.",
            )
        return SwappedBack(database=names.serving, was_restored=False)

    def _clear(self, effect: Effect) -> None:
        if self.points is not None:
            self.points.clear(effect)

    def _names(self, wanted: Wanted, effect: Effect) -> Names:
        serving = database_of(self.server)
        if wanted.into == serving:
            raise Refused(
                f"{serving} is the database that serves, not a new one",
                hint="Leave into out: the restore then swaps, and keeps the old database.",
            )
        return names_of(wanted.into or serving, effect.key, is_new=bool(wanted.into))

    def _build_unless_proven(
        self,
        session: Session,
        wanted: Wanted,
        effect: Effect,
        names: Names,
        marks: dict[str, Mark | None],
    ) -> Mark:
        there = marks.get(names.beside)
        if there is not None and there.stage is Stage.TAKEN_OUT:
            raise Refused(
                f"this restore was done and taken back; its database is {names.beside}",
                hint="Start a new run to restore again.",
            )
        if there is not None and there.stage is Stage.PROVEN and there.source == wanted.source:
            return there
        began = there.story.began if there is not None else clock(session)
        manifest = Sources(self.store).manifest(wanted)
        if manifest is not None:
            self._refuse_foreign(session, manifest, wanted)
        drop(session, names.beside)
        try:
            with Sources(self.store, self.points).opened(wanted, effect) as material:
                if manifest is None:  # only now is known from which backup the point is reached
                    self._refuse_foreign(session, self.store.get(material.backup), wanted)
                building = Mark(
                    Stage.BUILDING, effect.key, wanted.source,
                    Story(began=began, point=material.at.timestamp()),
                )  # fmt: skip
                return self._build(session, material, effect, names, building)
        except DrillbookError:
            if not session.closed:
                drop(session, names.beside)
            raise

    def _refuse_foreign(self, session: Session, manifest: Manifest, wanted: Wanted) -> None:
        if not wanted.of_another_system:
            refuse_foreign(
                manifest, system=system_identifier(session), database=database_of(self.server)
            )

    def _build(
        self, session: Session, material: Material, effect: Effect, names: Names, building: Mark
    ) -> Mark:
        facts = _facts(session, database_of(self.server))
        major = session.info.server_version // 10000
        lacks = lacking(session, material, roles=True)
        if lacks:
            raise Refused(
                f"{self.server.name} lacks what {material.source} needs: {', '.join(lacks)}",
                hint="Make the roles and install the extensions, then start again.",
            )
        effect.progress(f"making {names.beside}", None)
        create_like(session, names.beside, facts)
        comment_on(session, names.beside, building.text)
        built = self.server.other(names.beside)
        restore_into(self.commands, built, material, effect, major)
        findings = prove(self.commands, built, material, effect, major)
        if findings.wrong:
            raise Failed(
                f"what was restored from {material.source} is not what was backed up: "
                f"{'; '.join(findings.wrong)}; nothing was swapped",
                hint="Do not use this backup; take the one before it.",
            )
        with built.session(at_most=LONGEST_SECONDS) as counting:
            counted = count_since(counting, material.at)
        story = replace(
            building.story,
            level=findings.level,
            rows={one.table.name: one.rows for one in counted},
            ahead={one.table.name: one.created for one in counted if one.created},
            warnings=list(findings.warnings),
        )
        dress_like(session, names.beside, facts)
        _same_dress(session, names.beside, facts)
        proven = replace(building, stage=Stage.PROVEN, story=story)
        comment_on(session, names.beside, proven.text)
        return proven

    def _put_in_place(self, session: Session, effect: Effect, names: Names, proven: Mark) -> Mark:
        story = replace(proven.story, swapped=clock(session))
        swap = Swap(maintenance_of(self.server), session, effect)
        if names.is_new:
            done = replace(proven, stage=Stage.MADE, story=story)
            effect.progress(f"giving {names.beside} the name {names.serving}", None)
            swap.rename(((names.beside, names.serving, done.text),), proven=names.beside)
            return done
        comment = _facts(session, names.serving).comment
        effect.progress(f"swapping {names.beside} and {names.serving}", None)
        done = replace(proven, stage=Stage.BEFORE, story=story, comment=comment)
        steps = (
            (names.serving, names.before, done.text),
            (names.beside, names.serving, comment),
        )
        swap.rename(steps, proven=names.beside)
        return done

    def _result(self, names: Names, wanted: Wanted, done: Mark) -> Restored:
        story = done.story
        point = datetime.fromtimestamp(story.point, UTC)
        old = database_of(self.server) if names.is_new else names.before
        kept = self.server.other(old)
        lost: tuple[LostRows, ...] = lost_since(kept, story.rows, story.ahead, point)
        with kept.session() as session:
            row = session.execute(query("restore", "slots"), {"database": old}).fetchone()
        stay = int(row[0]) if row and not names.is_new else 0
        slots = (f"{stay} replication slots stay with {old}",) if stay else ()
        return Restored(
            backup=wanted.source, database=names.serving, kept_as=names.before,
            at=datetime.now(UTC), point=point,
            tables=len(story.rows), rows=sum(story.rows.values()),
            written_since={one.table: one.rows for one in lost if one.rows},
            lost_rows=sum(one.rows for one in lost), lost=lost, says=says_lost(lost, point),
            rpo_seconds=round(story.swapped - story.point, 3),
            rto_seconds=round(story.swapped - story.began, 3),
            level=story.level, warnings=(*story.warnings, *slots),
        )  # fmt: skip


def _done(names: Names, marks: dict[str, Mark | None], effect: Effect) -> Mark | None:
    """Return the mark that says that this restore has put its database in place."""
    where, stage = (names.serving, Stage.MADE) if names.is_new else (names.before, Stage.BEFORE)
    found = marks.get(where)
    if found is None or found.stage is not stage or found.key != effect.key:
        return None
    return found


def _refuse_taken(names: Names, marks: dict[str, Mark | None]) -> None:
    if names.is_new and names.serving in marks:
        raise Refused(
            f"there is a database {names.serving} already",
            hint="Name another one, or drop it first.",
        )


def _same_dress(session: Session, database: str, facts: DatabaseFacts) -> None:
    dressed = _facts(session, database)
    if (dressed.owner, dressed.settings, dressed.connection_limit, dressed.grants) != (
        facts.owner, facts.settings, facts.connection_limit, facts.grants
    ):  # fmt: skip
        raise Failed(
            f"{database} did not get the owner, settings, grants and connection limit of "
            f"{facts.name}; nothing was swapped",
            hint="Look which of them this role may not set.",
        )


def _facts(session: Session, database: str) -> DatabaseFacts:
    found = read_facts(session, database)
    if found is None:
        raise Refused(
            f"there is no database {database} to restore over",
            hint=f"Make an empty one (createdb {database}), then start again.",
        )
    return found
