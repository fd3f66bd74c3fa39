"""The run of an incident: planned with what is so now, started once under an id kept before."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from drillbook.core.errors import NotFound, Refused
from drillbook.core.plan import Plan
from drillbook.engine.messages import Message
from drillbook.engine.outcome import State
from drillbook.engine.runs import Runs, new_run_id, opened
from drillbook.engine.spawn import ensure_worker
from drillbook.engine.store import Store
from drillbook.watch.incidents import Incident, IncidentBook

BY = "lookout"
UNDER_WAY = (State.RUNNING, State.WAITING)
MOST_LOOKED_AT = 20
STILL_OF_USE = timedelta(hours=1)  # what a run found earlier says little of an incident of now
Planner = Callable[[str, str], Plan]  # of a runbook, for an incident
Answers = Callable[[Plan], dict[str, Message]]


@dataclass(frozen=True)
class RunStarter:
    """Starts runs in the store; unattended only where the team chose so and all is answered."""

    store: Store
    incidents: IncidentBook
    plan: Planner
    answers: Answers
    by: str = BY
    unattended: bool = False

    def check(self, runbook: str) -> None:
        """Plan a run that is not started: what is wrong with it is known beforehand."""
        self.answers(self.plan(runbook, ""))

    def planned(self, incident: Incident) -> tuple[str, str]:
        """Return the run to start and its plan; an earlier one that goes on is joined."""
        if run := self._under_way(incident):
            return run, ""
        return new_run_id(), self.plan(incident.runbook, incident.id).model_dump_json()

    def _under_way(self, incident: Incident) -> str:
        """Return the run of an earlier incident of the same kind that still works at its repair."""
        same = (incident.runbook, incident.environment)
        earlier = [
            each.run
            for each in self.incidents.all(limit=MOST_LOOKED_AT)
            if (each.runbook, each.environment) == same and each.started and each.id != incident.id
            if incident.opened_at - each.opened_at < STILL_OF_USE
        ]
        with opened(self.store) as runs:
            return next((run for run in dict.fromkeys(earlier) if _repairs(runs, run)), "")

    def start(self, incident: Incident, plan: str) -> None:
        """Start the run under its id, and see that a worker lives; twice is once."""
        made = Plan.model_validate_json(plan)
        told = incident.model_dump(mode="json", exclude={"run", "started", "problem"})
        answers = self.answers(made)
        with opened(self.store) as runs:
            try:
                runs.start(
                    made, by=self.by, run=incident.run, incident=told, answers=answers,
                    unattended=self.unattended,
                )  # fmt: skip
            except Refused:
                if not self.unattended:
                    raise
                # A run that would have to ask somebody asks: better than no diagnosis at all.
                runs.start(made, by=self.by, run=incident.run, incident=told, answers=answers)
        ensure_worker(self.store)


def _repairs(runs: Runs, run: str) -> bool:
    """Whether a run is under way, and not only with its post-mortem left for somebody."""
    try:
        view = runs.show(run)
    except NotFound:
        return False
    afterwards = {task.id for step in view.plan.part.post_mortem for task in step.tasks}
    waits_after = any(waiting.task in afterwards for waiting in view.waits)
    return view.summary.state in UNDER_WAY and not waits_after
