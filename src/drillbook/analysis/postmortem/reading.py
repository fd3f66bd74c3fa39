"""What the record of a run says of an incident: each answer as a fact with its place."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from drillbook.analysis.postmortem.citing import Fact, fact, when
from drillbook.core.model import Risk
from drillbook.core.plan import Plan, PlannedTask
from drillbook.core.record import EntryKind, RecordEntry

CULPRIT, HIT, WATCH, MEASURE = (
    "errors.culprit",
    "errors.hit",
    "errors.watch",
    "postmortem.measure",
)
NORMAL = "NORMAL"


@dataclass(frozen=True, slots=True)
class Done:
    """A task that ended, and the entry that says so."""

    task: PlannedTask
    entry: RecordEntry

    def result(self, *path: str | int) -> Fact | None:
        """Return a value of its result."""
        return fact(self.entry, "result", *path)


@dataclass(frozen=True, slots=True)
class Trail:
    """The entries of one run, with the tasks they are of."""

    plan: Plan
    entries: Sequence[RecordEntry]

    def of(self, *kinds: EntryKind) -> Iterator[RecordEntry]:
        """Yield the entries of these kinds, in order."""
        return (entry for entry in self.entries if entry.kind in kinds)

    def first(self, kind: EntryKind) -> RecordEntry | None:
        """Return the first entry of a kind."""
        return next(self.of(kind), None)

    def ends(self, *kinds: EntryKind) -> Iterator[Done]:
        """Yield the ends of tasks, in order."""
        for entry in self.of(*kinds):
            task = self.plan.task(entry.task)
            if task is not None:
                yield Done(task, entry)

    def done(self, does: str) -> list[Done]:
        """Return all the times an action of this name succeeded."""
        return [each for each in self.ends(EntryKind.TASK_DONE) if each.task.does == does]

    def last(self, does: str) -> Done | None:
        """Return the last time an action of this name succeeded."""
        found = self.done(does)
        return found[-1] if found else None

    def writes(self) -> list[Done]:
        """Return what was changed, in order, whether it helped or not."""
        ended = (EntryKind.TASK_DONE, EntryKind.TASK_FAILED, EntryKind.TASK_UNKNOWN)
        return [each for each in self.ends(*ended) if each.task.risk is not Risk.READ]

    def watched(self) -> list[Done]:
        """Return each look at whether users' requests are as before, also those that failed."""
        ended = (EntryKind.TASK_DONE, EntryKind.TASK_FAILED)
        return [each for each in self.ends(*ended) if each.task.does == WATCH]

    def normal(self) -> Done | None:
        """Return the look that found users' requests as they were before."""
        seen = (each for each in self.watched() if each.entry.kind == EntryKind.TASK_DONE)
        return next((each for each in seen if _is_normal(each)), None)

    def taken_back(self) -> set[str]:
        """Return the ids of tasks whose effect was undone."""
        return {entry.task for entry in self.of(EntryKind.UNDO_DONE)}

    def helped(self) -> list[Done]:
        """Return what was done and stayed, before the look that found all as before."""
        normal = self.normal()
        if normal is None:
            return []
        back = self.taken_back()
        return [
            each
            for each in self.writes()
            if each.entry.kind == EntryKind.TASK_DONE
            and each.entry.index < normal.entry.index
            and each.task.id not in back
        ]


def _is_normal(each: Done) -> bool:
    verdict = each.result("verdict")
    return verdict is not None and verdict.value == NORMAL


@dataclass(frozen=True, slots=True)
class Times:
    """The moments of an incident, each None where the record does not tell it."""

    began: Fact | None
    earliest: Fact | None
    latest: Fact | None
    felt: Fact | None
    noticed: Fact | None
    started: Fact | None
    diagnosed: Fact | None
    mitigated: Fact | None
    verified: Fact | None


def times_of(trail: Trail) -> Times:
    """Return the moments of the incident this run was about."""
    planned, started = trail.first(EntryKind.RUN_PLANNED), trail.first(EntryKind.RUN_STARTED)
    culprit, normal, helped = trail.last(CULPRIT), trail.normal(), trail.helped()
    return Times(
        began=culprit.result("since") if culprit else None,
        earliest=culprit.result("earliest") if culprit else None,
        latest=culprit.result("latest") if culprit else None,
        felt=fact(planned, "incident", "began_at") if planned else None,
        noticed=fact(planned, "incident", "opened_at") if planned else None,
        started=when(started) if started else None,
        diagnosed=when(culprit.entry) if culprit and _is_found(culprit) else None,
        mitigated=when(helped[-1].entry) if helped else None,
        verified=when(normal.entry) if normal else None,
    )


def _is_found(culprit: Done) -> bool:
    found = culprit.result("found")
    return found is not None and found.value is True
