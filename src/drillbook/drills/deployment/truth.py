"""What really came of a case: by git's history, the twins' own records and what users met."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles

from drillbook.core.model import Frozen
from drillbook.core.plan import PlannedTask
from drillbook.core.record import EntryKind
from drillbook.drills.deployment.case import Case, Harm, Right, Serves
from drillbook.drills.deployment.ground import Document, Ground, commit_of, moment
from drillbook.engine.journal import Recorded
from drillbook.engine.outcome import RunOutcome, State
from drillbook.range.cloud import BRANCHES
from drillbook.range.traffic.record import Met

SLOW_TIMES = 3.0
SLOW_SECONDS = 0.05
FEWEST = 8
ASKED = ("promote", "rollback")


class Users(Frozen):
    """What users met, by their own record: before, and after all was over."""

    before: int
    before_failed: int
    harmed: int
    after: int
    after_failed: int
    after_slow: int


class Times(Frozen):
    """Seconds from the first harm to users (else from the start of the run), where it happened."""

    from_harm: bool
    noticed: float | None
    decided: float | None
    back: float | None


@dataclass(frozen=True, slots=True)
class Story:
    """One case after its end: what was seen of it, from all sides."""

    case: Case
    ground: Ground
    outcome: RunOutcome
    entries: tuple[Recorded, ...]
    requests: tuple[Met, ...]
    started: datetime
    ended: datetime

    @property
    def right(self) -> Right:
        """What would be right."""
        return self.case.right

    @property
    def released(self) -> str:
        """The commit that the run brought to production, if it did."""
        brought = self.ground.since("production")
        return brought[0] if brought else ""

    def noticed(self) -> tuple[datetime, str, str] | None:
        """Return when the run first objected, at which task and by which action."""
        names = {task.id: task.does for task in self._tasks()}
        for entry in self.entries:
            if entry.kind == EntryKind.TASK_FAILED:
                return entry.at, entry.task, names.get(entry.task, "")
        return None

    def decided(self) -> datetime | None:
        """Return when the run decided to go back, or to go no further."""
        kinds = (EntryKind.WAY_BACK_STARTED, EntryKind.RUN_ENDED)
        return next((entry.at for entry in self.entries if entry.kind in kinds), None)

    def switch(self, *kinds: str) -> Document | None:
        """Return the first switch of production's alias of these kinds that was carried out."""
        found = (each for each in self.ground.new_switches() if each["type"] in kinds)
        return next((each for each in found if each["jobStatus"] == "succeeded"), None)

    def _tasks(self) -> Iterable[PlannedTask]:
        return self.ground.runs.show(self.entries[0].run).plan.part.all_tasks()


def users_of(story: Story) -> Users:
    """Return what users met."""
    normal = _normal(story)
    before = [met for met in story.requests if met.begun < story.started]
    calm = story.ended
    after = [met for met in story.requests if met.begun >= calm]
    return Users(
        before=len(before),
        before_failed=sum(met.ok is False for met in before),
        harmed=len([*_harmed(story, normal)]),
        after=len(after),
        after_failed=sum(met.ok is False for met in after),
        after_slow=sum(_is_slow(met, normal) for met in after),
    )


def times_of(story: Story) -> Times:
    """Return how long it took to notice, to decide, and to be back on the good release."""
    normal = _normal(story)
    harmed = next(_harmed(story, normal), None)
    begin = harmed.begun if harmed is not None else story.started
    noticed, decided = story.noticed(), story.decided()
    back = _back(story, normal)
    return Times(
        from_harm=harmed is not None,
        noticed=_seconds(begin, noticed[0] if noticed else None),
        decided=_seconds(begin, decided),
        back=_seconds(begin, back),
    )


def wrong_actions(story: Story) -> tuple[str, ...]:
    """Return everything the run did to the world that was not right, or did not do and had to."""
    return tuple(
        wrong
        for found in (_merges(story), _switches(story), _ends(story), _left(story))
        for wrong in found
    )


def _merges(story: Story) -> Iterator[str]:
    proposed = story.ground.proposal.commit
    for environment, branch in BRANCHES.items():
        came = story.ground.since(environment)
        wanted = environment in story.right.merged
        if came and not wanted:
            yield f"{len(came)} commits came onto {branch}, and none was to come"
        if wanted and len(came) != 1:
            yield f"{len(came)} merges came onto {branch}, and one was to come"
        if wanted and not story.ground.holds(environment, proposed):
            yield f"{branch} lacks the change that was proposed"


def _switches(story: Story) -> Iterator[str]:
    asked = [each for each in story.ground.new_switches() if each["type"] in ASKED]
    kinds = tuple(str(each["type"]) for each in asked)
    if kinds != story.right.switches:
        yield f"the hosting was asked for {list(kinds)}, and right was {[*story.right.switches]}"
    for each in asked:
        to = commit_of(story.ground.deployment(str(each["toDeploymentId"])))
        if to != story.ground.good:
            yield f"a {each['type']} went to {to[:7]}, and {story.ground.good[:7]} was the good one"


def _ends(story: Story) -> Iterator[str]:
    right, serves = story.right, story.ground.serving_commit()
    if story.outcome.state not in right.ends:
        yield f"the run says {story.outcome.state}: {story.outcome.reason}"
    wanted = story.ground.good if right.serves is Serves.GOOD else story.released
    if serves != wanted:
        yield f"{serves[:7]} serves, and {right.serves} is {wanted[:7] or 'missing'}"
    noticed = story.noticed()
    if right.noticed_by and (noticed is None or noticed[2] not in right.noticed_by):
        by = f"{noticed[1]} ({noticed[2]})" if noticed else "nobody"
        yield f"first to object was {by}, and not one of {', '.join(right.noticed_by)}"
    for name, state in story.ground.migrations.items():
        if (state is State.DONE) is not story.case.healthy:
            yield f"the runbook of its migration {name} ended as {state}"


def _left(story: Story) -> Iterator[str]:
    if story.ground.automatic() is not story.right.automatic:
        yield f"automatic assignment is {'on' if story.ground.automatic() else 'off'}"
    count = len(story.ground.issues())
    if count != story.right.reminders:
        yield f"{count} tasks were left behind, and {story.right.reminders} was right"
    yield from _met(users_of(story), story)


def _met(users: Users, story: Story) -> Iterator[str]:
    """Yield what users met that was not right, and what they did not meet and so cannot prove."""
    if users.after_failed > users.before_failed:
        yield f"afterwards {users.after_failed} of {users.after} requests still failed"
    if users.after_slow > users.after / 2:
        yield f"afterwards {users.after_slow} of {users.after} requests were still slow"
    if not users.after and story.case.traffic != "low":
        yield "nobody came afterwards, so nobody knows whether all is well"
    harms = story.right.harm is not Harm.NONE
    if harms and not users.harmed:
        yield f"nobody met that {story.right.harm}, so the case shows nothing"
    if not harms and users.harmed > users.before_failed:
        yield f"{users.harmed} requests failed meanwhile, and none was to"


def _harmed(story: Story, normal: dict[str, float]) -> Iterator[Met]:
    """Yield the requests that the new release harmed, oldest first; without one, the run itself."""
    if story.right.harm is Harm.NONE:
        since = story.started
    elif (gave := story.switch("assign")) is not None:
        since = moment(int(gave["requestedAt"]))
    else:
        return
    for met in story.requests:
        if met.begun >= since and _is_harmed(met, story.right.harm, normal):
            yield met


def _is_harmed(met: Met, harm: Harm, normal: dict[str, float]) -> bool:
    return met.ok is False or (harm is Harm.SLOW and _is_slow(met, normal))


def _is_slow(met: Met, normal: dict[str, float]) -> bool:
    usual = normal.get(met.what)
    return usual is not None and met.seconds > max(SLOW_TIMES * usual, SLOW_SECONDS)


def _normal(story: Story) -> dict[str, float]:
    """Return how long each kind of request took before the run, nineteen times in twenty."""
    took: dict[str, list[float]] = {}
    for met in story.requests:
        if met.begun < story.started and met.ok:
            took.setdefault(met.what, []).append(met.seconds)
    return {
        what: quantiles(seconds, n=20)[-1]
        for what, seconds in took.items()
        if len(seconds) >= FEWEST
    }


def _back(story: Story, normal: dict[str, float]) -> datetime | None:
    """Return when users first got a good answer after the switch back and none was bad any more."""
    back = story.switch("rollback")
    if back is None:
        return None
    since = moment(int(back["requestedAt"]))
    later = [met for met in story.requests if met.begun >= since and met.over]
    good: Met | None = None
    for met in later:
        if _is_harmed(met, story.right.harm, normal):
            good = None
        elif good is None and met.ok:
            good = met
    return good.ended if good is not None else None


def _seconds(begin: datetime, end: datetime | None) -> float | None:
    return None if end is None else round((end - begin).total_seconds(), 1)
