"""The run of an incident: planned with what is so now, started once under an id kept before."""

from collections.abc import Callable
from dataclasses import dataclass

from drillbook.core.errors import Refused
from drillbook.core.plan import Plan
from drillbook.engine.messages import Message
from drillbook.engine.outcome import State
from drillbook.engine.runs import new_run_id, opened
from drillbook.engine.spawn import ensure_worker
from drillbook.engine.store import Store
from drillbook.watch.incidents import Incident, IncidentBook

BY = "lookout"
UNDER_WAY = (State.RUNNING, State.WAITING)
Planner = Callable[[Incident], Plan]
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

    def planned(self, incident: Incident) -> tuple[str, str]:
        """Return the run to start and its plan; an earlier one that goes on is joined."""
        if run := self._under_way(incident):
            return run, ""
        return new_run_id(), self.plan(incident).model_dump_json()

    def _under_way(self, incident: Incident) -> str:
        """Return the run of an earlier incident of the same kind that has not ended."""
        same = (incident.runbook, incident.environment)
        earlier = [
            each.run
            for each in self.incidents.all(limit=50)
            if (each.runbook, each.environment) == same and each.started and each.id != incident.id
        ]
        with opened(self.store) as runs:
            known = {summary.run: summary.state for summary in runs.list(limit=50)}
        return next((run for run in earlier if known.get(run) in UNDER_WAY), "")

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
