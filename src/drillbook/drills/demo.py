"""The demo: a migration that succeeds, one that a rehearsal stops, and the first taken back."""

from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from drillbook.actions import CATALOG
from drillbook.compiler.plans import compile_plan
from drillbook.core.errors import Failed
from drillbook.core.files import read_file
from drillbook.core.model import Frozen
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.drills.demo_proof import Proof, few, proof_of
from drillbook.drills.demo_stage import Stage, set_up
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs, opened
from drillbook.stack.books import find_books
from drillbook.stack.settings import load_settings

RUNBOOK = "Database Migration"
PRODUCTION = "production"
WATCHING = "5s"
GOOD, BAD = "0002_reviews", "0004_one_phone_one_user"
NEW_TABLE = "public.reviews"
STOPS, NEVER_BEGINS = "migration.rehearse", "migration.apply"


class Face(Protocol):
    """How the demo speaks to whoever watches."""

    def say(self, words: str) -> None:
        """Show a line."""
        ...

    def title(self, words: str) -> None:
        """Begin a part."""
        ...

    def plan(self, plan: Plan, *, whole: bool) -> None:
        """Show a plan before it runs."""
        ...

    def follow(self, runs: Runs, run: str) -> None:
        """Show a run live until it has ended."""
        ...

    def report(self, runs: Runs, run: str, folder: Path) -> tuple[Path, Path]:
        """Write the run's report; return the Markdown and the page."""
        ...


class DemoRun(Frozen):
    """One run of the demo: how it ended, what the demo saw for itself, where its report lies."""

    run: str
    migration: str
    state: State
    markdown: Path
    page: Path
    seen: tuple[str, ...] = ()


class DemoResult(Frozen):
    """What the demo showed; all of it was checked against the databases."""

    folder: Path
    runs: tuple[DemoRun, ...]
    entries: int
    seconds: float
    kept: bool


@dataclass(frozen=True, slots=True)
class Play:
    """A demo under way: where it plays and who watches."""

    stage: Stage
    runs: Runs
    face: Face
    by: str

    def plan(self, migration: str) -> Plan:
        """Compile the library's runbook for one of the range's migrations."""
        book = find_books(folder=self.stage.folder).find(RUNBOOK)
        inputs = {
            "migration": str(self.stage.migrations / f"{migration}.sql"),
            "down": str(self.stage.migrations / f"{migration}.down.sql"),
            "checks": str(self.stage.checks),
            "watching": WATCHING,
        }
        return compile_plan(
            book.file.book, book.runbook.title, text=book.file.text,
            stack=self.stage.stack.facts(), catalog=lambda: CATALOG,
            files=lambda name: read_file(Path(name)), inputs=inputs,
        )  # fmt: skip

    def run(self, migration: str, *, whole: bool) -> DemoRun:
        """Plan a migration and run it to its end, shown live; write its report."""
        plan = self.plan(migration)
        self.face.plan(plan, whole=whole)
        return self.shown(self.runs.start(plan, by=self.by, unattended=True), migration)

    def undo(self, done: DemoRun) -> DemoRun:
        """Take a run back, shown live; write the report of that."""
        return self.shown(self.runs.undo(done.run, by=self.by), done.migration)

    def shown(self, run: str, migration: str) -> DemoRun:
        """Show a run to its end, and write its report."""
        self.face.follow(self.runs, run)
        markdown, page = self.face.report(self.runs, run, self.stage.reports)
        return DemoRun(
            run=run, migration=migration, state=self.runs.state(run), markdown=markdown, page=page
        )

    def told(self, run: DemoRun, *seen: str) -> DemoRun:
        """Say what was proven of a run."""
        for line in seen:
            self.face.say(f"  proven: {line}")
        return run.model_copy(update={"seen": seen})

    def proof(self) -> Proof:
        """Read production."""
        return proof_of(self.stage.stack, PRODUCTION)


def run_demo(folder: Path, face: Face, *, keep: bool = False, scale: float = 1.0) -> DemoResult:
    """Play the demo in a folder of its own; Failed when anything is not as it is claimed."""
    began = monotonic()
    face.title("The practice stack: production and staging, on this machine")
    with set_up(folder, face.say, keep=keep, scale=scale) as stage, opened(stage.store) as runs:
        play = Play(stage, runs, face, load_settings().user)
        before = play.proof()
        done = migration_succeeds(play)
        told = (done, migration_is_stopped(play), migration_is_taken_back(play, done, before))
        sealed = runs.journal.verify()
    face.title("The record")
    face.say(f"{sealed.size} entries, their seals and {sealed.evidence_files} files verified")
    return DemoResult(
        folder=stage.folder, runs=told, entries=sealed.size, seconds=monotonic() - began, kept=keep
    )


def migration_succeeds(play: Play) -> DemoRun:
    """Add a table to production, and see for oneself that it is there and nothing else changed."""
    play.face.title(f"1. A migration that succeeds: {GOOD}.sql")
    before = play.proof()
    run = play.run(GOOD, whole=True)
    after = play.proof()
    staging = proof_of(play.stage.stack, "staging")
    _claim(run.state is State.DONE, f"run {run.run} ended as {run.state}")
    _claim(NEW_TABLE not in before.tables, f"{NEW_TABLE} was there before the migration")
    _claim(NEW_TABLE in after.tables, f"{NEW_TABLE} is not on production after the migration")
    _claim(after.objects == staging.objects, "production's schema is not the one tested on staging")
    old = {name: table for name, table in after.tables.items() if name != NEW_TABLE}
    _claim(old == before.tables, "rows that the migration does not touch were changed")
    _claim(after.healthy and after.can_book, "after the migration nobody can book")
    return play.told(
        run,
        f"{NEW_TABLE} is there, and production's {len(after.objects)} objects are staging's",
        f"all {before.rows:,} rows from before are unchanged, byte for byte",
        "the app is well, and a slot can be booked",
    )  # fmt: skip


def migration_is_stopped(play: Play) -> DemoRun:
    """See a copy of production break a migration that staging would take, and production whole."""
    play.face.title(f"2. One that staging would take and production would not: {BAD}.sql")
    before = play.proof()
    run = play.run(BAD, whole=False)
    after = play.proof()
    _claim(run.state is State.TAKEN_BACK, f"run {run.run} ended as {run.state}")
    plan = play.runs.show(run.run).plan
    entries = list(play.runs.entries(run.run))
    names = {task.id: task.does for task in plan.part.all_tasks()}
    failed = {names[each.task] for each in entries if each.kind == EntryKind.TASK_FAILED}
    begun = {names.get(each.task) for each in entries if each.kind == EntryKind.TASK_ACTING}
    _claim(failed == {STOPS}, f"what failed was {', '.join(sorted(failed)) or 'nothing'}")
    _claim(NEVER_BEGINS not in begun, "the migration was begun on production")
    _claim_same(after, before)
    return play.told(
        run,
        "a copy of production showed the failure; on production the migration never began",
        f"all {after.rows:,} rows in {len(after.tables)} tables are unchanged, byte for byte",
        "the app is well, and a slot can be booked",
    )  # fmt: skip


def migration_is_taken_back(play: Play, done: DemoRun, before: Proof) -> DemoRun:
    """Take the migration that succeeded back, and see that production is as before it."""
    play.face.title(f"3. The first one taken back: drillbook undo {done.run}")
    run = play.undo(done)
    after = play.proof()
    _claim(run.state is State.TAKEN_BACK, f"run {run.run} ended as {run.state}")
    _claim_same(after, before)
    return play.told(
        run,
        f"production's {len(after.objects)} objects and its fingerprint are those from before",
        f"all {after.rows:,} rows in {len(after.tables)} tables are unchanged, byte for byte",
        "the app is well, and a slot can be booked",
    )  # fmt: skip


def _claim_same(after: Proof, before: Proof) -> None:
    different = after.differs_from(before)
    _claim(not different, f"production is not as before: {few(different)}")
    _claim(after.healthy and after.can_book, "afterwards nobody can book")


def _claim(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Failed(
            f"the demo did not show what it claims: {otherwise}",
            hint="This is a defect of Drillbook; the demo's folder holds reports and record.",
        )
