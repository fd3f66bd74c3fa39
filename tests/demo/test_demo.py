"""The demo, really played: what it claims is so, and what it is built to notice it notices."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from drillbook.core.errors import Failed, Refused
from drillbook.core.plan import Plan
from drillbook.core.process_identity import running_with
from drillbook.drills.demo import DemoResult, Play, migration_is_stopped, run_demo
from drillbook.drills.demo_proof import proof_of
from drillbook.drills.demo_stage import MARK, set_up
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs, opened
from drillbook.range import practice
from drillbook.stack.stack import load_stack
from drillbook.web.report import write_report

SCALE = 0.1


@dataclass
class Watcher:
    """Watches a demo; may put its hand into production while a run ends."""

    sabotage: str = ""
    heard: list[str] = field(default_factory=list)

    def title(self, words: str) -> None:
        self.heard.append(f"title: {words}")

    def say(self, words: str) -> None:
        self.heard.append(words)

    def plan(self, plan: Plan, *, whole: bool) -> None:
        self.heard.append(f"plan {plan.hash} whole={whole}")

    def follow(self, runs: Runs, run: str) -> None:
        self.heard.append(f"run {run}")
        seen = -1
        while runs.outcome(run) is None:
            runs.journal.wait(run, after=seen, timeout_seconds=0.5)
            seen = max((entry.index for entry in runs.entries(run)), default=-1)
        if self.sabotage:
            execute(runs.store.home.parent / "range", self.sabotage)

    def report(self, runs: Runs, run: str, folder: Path) -> tuple[Path, Path]:
        return write_report(runs, run, folder)


def execute(ground: Path, statement: str) -> None:
    url = (ground / "production" / "database.url").read_text(encoding="utf-8").strip()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


@dataclass
class Played:
    result: DemoResult
    watcher: Watcher


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    """A demo played to its end, its range kept."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    watcher = Watcher()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("drillbook.drills.demo.WATCHING", "1s")
            result = run_demo(folder, watcher, keep=True, scale=SCALE)
        yield Played(result, watcher)
    finally:
        practice.down(folder / "range", remove=True)


def test_the_demo_shows_one_success_one_stopped_and_one_way_back(
    played: Played,
) -> None:
    states = [run.state for run in played.result.runs]

    assert states == [State.DONE, State.TAKEN_BACK, State.TAKEN_BACK]
    assert played.result.entries > 50
    for run in played.result.runs:
        assert len(run.seen) == 3
        assert f"# Run {run.run}: Database Migration" in run.markdown.read_text(encoding="utf-8")
        assert run.page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_each_plan_is_shown_before_its_run(played: Played) -> None:
    shown = [said.split()[0] for said in played.watcher.heard if said[:4] in ("plan", "run ")]

    assert shown == ["plan", "run", "plan", "run", "run"]


def test_the_reports_name_what_a_copy_showed_and_what_was_undone(played: Played) -> None:
    stopped, undone = (run.page.read_text(encoding="utf-8") for run in played.result.runs[1:])

    assert "could not create unique index" in stopped
    assert "rehearsed.verdict is fails" in stopped
    assert "Taken back whole" in undone
    assert "0002_reviews" in undone


QUIETLY = "SET session_replication_role = replica; "  # no triggers: only this changes


@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("CREATE INDEX odd ON users (email)", "DROP INDEX odd"),
        (
            "ALTER TABLE slots ALTER staff_id DROP NOT NULL",
            "ALTER TABLE slots ALTER staff_id SET NOT NULL",
        ),
        (
            "ALTER TABLE bookings DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY",
        ),
        (
            QUIETLY + "UPDATE businesses SET name = name || '.' WHERE id = 1",
            QUIETLY + "UPDATE businesses SET name = left(name, -1) WHERE id = 1",
        ),
    ],
)
def test_the_proof_sees_a_single_change_and_its_undoing(
    played: Played, change: str, back: str
) -> None:
    ground = played.result.folder / "range"
    stack = load_stack(ground / "stack.toml")
    before = proof_of(stack, "production")

    execute(ground, change)
    changed = proof_of(stack, "production")
    execute(ground, back)
    after = proof_of(stack, "production")

    assert changed.differs_from(before) != ()
    assert after.differs_from(before) == ()
    assert before.healthy
    assert before.can_book


def test_the_proof_sees_that_nobody_can_book(played: Played) -> None:
    ground = played.result.folder / "range"
    deposits = (ground / "migrations" / "0005_deposits.sql").read_text(encoding="utf-8")

    execute(ground, deposits)
    broken = proof_of(load_stack(ground / "stack.toml"), "production")
    execute(ground, (ground / "migrations" / "0005_deposits.down.sql").read_text(encoding="utf-8"))

    assert (broken.healthy, broken.can_book) == (True, False)


def test_a_hand_in_production_is_noticed_and_nothing_is_left_running(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    before = dict(os.environ)
    watcher = Watcher("UPDATE businesses SET name = 'somebody was here' WHERE id = 1")

    with pytest.raises(Failed, match=r"not as before: the rows of public\.businesses are not"):
        play_the_failure(folder, watcher)

    assert list((folder / "reports").glob("*.html"))
    assert not any(part.running for part in practice.status(folder / "range").parts)
    assert not any("drillbook" in line and str(folder) in line for line in command_lines())
    assert dict(os.environ) == before


def play_the_failure(folder: Path, watcher: Watcher) -> None:
    with (
        set_up(folder, watcher.say, keep=False, scale=SCALE) as stage,
        opened(stage.store) as runs,
    ):
        assert running_with(*worker_words())
        migration_is_stopped(Play(stage, runs, watcher, "ana"))


def worker_words() -> tuple[str, ...]:
    return ("-m", "drillbook", "worker", "--until-idle")


def command_lines() -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
        except OSError:
            continue
    return found


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")

    with pytest.raises(Refused, match="holds other files and no demo"):
        run_demo(tmp_path, Watcher())

    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert not (tmp_path / MARK).exists()
