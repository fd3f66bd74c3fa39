"""Carry the cases out, each on a range of its own with real users, and judge what came of them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from drillbook.core.errors import Failed
from drillbook.core.model import Frozen
from drillbook.drills.demo_stage import set_up
from drillbook.drills.deployment.case import BEGINNING, Case, Meddling
from drillbook.drills.deployment.ground import WAIT_SECONDS, Ground
from drillbook.drills.deployment.truth import (
    Story,
    Times,
    Users,
    times_of,
    users_of,
    wrong_actions,
)
from drillbook.engine.outcome import RunOutcome, State
from drillbook.engine.runs import Runs, opened
from drillbook.range import practice
from drillbook.range.traffic.shape import Shape

RUNBOOK = "Application Deployment"
# The same for every case: none may tell which one it is.
INPUTS = {"within": "45s", "watching": "90s", "at_least": "30s", "bursts": "10s"}
SCALE = 0.1
RATES = {"steady": 20.0, "spike": 8.0, "low": 2 / 60}
CALM_SECONDS = 5.0
LONGEST_SECONDS = 420.0
WARM_SECONDS = 60.0
Say = Callable[[str], None]


class Face(Protocol):
    """How the drill speaks to whoever watches."""

    def begins(self, case: Case, number: int, of: int) -> None:
        """Show that a case begins."""
        ...

    def says(self, words: str) -> None:
        """Show what happens in a case."""
        ...

    def ends(self, result: "Result") -> None:
        """Show what came of a case."""
        ...

    def report(self, runs: Runs, run: str, folder: Path) -> tuple[Path, Path]:
        """Write the run's report; return the Markdown and the page."""
        ...


class Result(Frozen):
    """What came of one case."""

    case: str
    says: str
    healthy: bool
    run: str
    state: State
    reason: str
    noticed_at: str
    noticed_by: str
    times: Times
    users: Users
    serves: str
    wrong: tuple[str, ...]
    seconds: float
    report: Path


class Drilled(Frozen):
    """What came of all of them."""

    results: tuple[Result, ...]
    seconds: float

    @property
    def wrong(self) -> int:
        """How many wrong actions there were."""
        return sum(len(result.wrong) for result in self.results)


def drill(cases: tuple[Case, ...], folder: Path, face: Face, *, keep: bool, seed: int) -> Drilled:
    """Carry cases out one after the other, in folders of their own below this one."""
    begun = time.monotonic()
    results = []
    for number, case in enumerate(cases, start=1):
        face.begins(case, number, len(cases))
        result = carry_out(case, folder / case.name, face, keep=keep, seed=seed + number)
        results.append(result)
        face.ends(result)
    return Drilled(results=tuple(results), seconds=round(time.monotonic() - begun, 1))


def carry_out(case: Case, folder: Path, face: Face, *, keep: bool, seed: int) -> Result:
    """Carry one case out."""
    begun = time.monotonic()
    with played(case, folder, face.says, keep=keep, seed=seed) as story:
        run, stage = story.entries[0].run, story.ground.stage
        _, page = face.report(story.ground.runs, run, stage.reports)
        return _result(story, run, page, time.monotonic() - begun)


@contextmanager
def played(case: Case, folder: Path, say: Say, *, keep: bool, seed: int) -> Iterator[Story]:
    """Play one case to its end; in the block its range still runs, as the case has left it."""
    with (
        set_up(folder, say, keep=keep, scale=SCALE) as stage,
        opened(stage.store) as runs,
        _ground(Ground(stage, runs, case.change)) as ground,
    ):
        _users_come(case, ground, seed, tied=not keep)
        ground.propose(reviewed=case.reviewed)
        for act in case.before:
            act(ground)
        _await_users(case, ground)
        ground.remember()
        run, outcome, started = _deployed(case, ground, say)
        ended = datetime.now(UTC)
        time.sleep(CALM_SECONDS)  # what users meet now is what they are left with
        yield Story(
            case, ground, outcome, tuple(runs.entries(run)), tuple(ground.requests()),
            started, ended,
        )  # fmt: skip


@contextmanager
def _ground(ground: Ground) -> Iterator[Ground]:
    try:
        yield ground
    finally:
        ground.leave()


def _users_come(case: Case, ground: Ground, seed: int, *, tied: bool) -> None:
    # A spike begins when the new release has come; until then its users are few and even.
    shape = Shape.LOW if case.traffic == "low" else Shape.STEADY
    rate = RATES[case.traffic]
    practice.start_traffic(ground.folder, rate=rate, shape=shape, seed=seed, tied=tied)


def _await_users(case: Case, ground: Ground) -> None:
    """Wait until enough users came that there is something to compare with."""
    ends = time.monotonic() + WARM_SECONDS
    while sum(met.over for met in ground.requests()) < case.wanted_requests:
        if time.monotonic() > ends:
            raise Failed(
                f"fewer than {case.wanted_requests} requests came in {WARM_SECONDS:g} s",
                hint=f"See {ground.folder / 'production'}.",
            )
        time.sleep(WAIT_SECONDS)


def _deployed(case: Case, ground: Ground, say: Say) -> tuple[str, RunOutcome, datetime]:
    """Let the shipped runbook carry the deployment out, and meddle as the case has it."""
    checks = ground.folder / "checks"
    inputs = {
        "change": str(ground.proposal.number),
        "checks": str(checks / "booking.toml"),
        "exercise": str(checks / "booking-writes.toml"),
    }
    left = [*case.during]
    if case.traffic == "spike":
        left.append(Meddling("task.done 3.4", _spike))
    _meddle(left, BEGINNING, ground, say)
    started = datetime.now(UTC)
    run = ground.begin(RUNBOOK, inputs | INPUTS)
    outcome = _followed(ground, run, left, say)
    return run, outcome, started


def _followed(ground: Ground, run: str, left: list[Meddling], say: Say) -> RunOutcome:
    seen, ends = -1, time.monotonic() + LONGEST_SECONDS
    while True:
        outcome = ground.runs.outcome(run)
        for entry in ground.runs.entries(run, after=seen):
            seen = entry.index
            words = f"{entry.kind} {entry.task}".strip()
            say(f"{entry.at:%H:%M:%S} {words} {str(entry.data.get('error') or '')[:160]}".rstrip())
            _meddle(left, words, ground, say)
        if outcome is not None:
            return outcome
        if time.monotonic() > ends:
            ground.runs.kill(run)
            raise Failed(f"run {run} did not end within {LONGEST_SECONDS:g} s")
        ground.runs.journal.wait(run, after=seen, timeout_seconds=WAIT_SECONDS)


def _meddle(left: list[Meddling], at: str, ground: Ground, say: Say) -> None:
    for meddling in [each for each in left if each.at == at]:
        left.remove(meddling)
        say(f"meddling at {at or 'the beginning'}")
        meddling.act(ground)


def _spike(ground: Ground) -> None:
    practice.change_traffic(ground.folder, shape=Shape.SPIKE)


def _result(story: Story, run: str, page: Path, seconds: float) -> Result:
    noticed = story.noticed()
    return Result(
        case=story.case.name,
        says=story.case.says,
        healthy=story.case.healthy,
        run=run,
        state=story.outcome.state,
        reason=story.outcome.reason,
        noticed_at=noticed[1] if noticed else "",
        noticed_by=noticed[2] if noticed else "",
        times=times_of(story),
        users=users_of(story),
        serves=_serves(story),
        wrong=wrong_actions(story),
        seconds=round(seconds, 1),
        report=page,
    )


def _serves(story: Story) -> str:
    serves = story.ground.serving_commit()
    known = {story.ground.good: "good", story.released: "new"}
    return known.get(serves, serves[:7])
