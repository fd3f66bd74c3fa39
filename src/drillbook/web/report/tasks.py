"""The tasks of the plan, each with what the record holds of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from drillbook.analysis.scope import as_json, resolve
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Risk
from drillbook.core.plan import Argument, Kind, PlannedStep, PlannedTask, PlanPart
from drillbook.core.policy import Consent
from drillbook.engine.runs import RunView
from drillbook.web.report.history import History
from drillbook.web.report.report import (
    Back,
    Expectation,
    Place,
    Section,
    Shown,
    TaskReport,
    TaskState,
)
from drillbook.web.report.wording import LONGEST_VALUE, cut, one_line, shown

OPEN = {TaskState.RUNNING, TaskState.WAITING, TaskState.LEFT_OPEN, TaskState.UNKNOWN}


@dataclass(frozen=True)
class Known:
    """What the report knows when it comes to the tasks."""

    view: RunView
    histories: Mapping[str, History]
    writes: tuple[str, ...]
    kept: tuple[str, ...]
    stuck: tuple[str, ...]
    is_settled: bool  # the run came to an end of its own: every expectation was looked at

    def values(self) -> dict[str, JsonValue]:
        """Return the names a task could see: inputs, the run's own facts, results."""
        start = self.view.start
        run: JsonValue = {"id": start.run, "by": start.by, "started_at": start.at.isoformat()}
        results = {
            task.name: self.histories[task.id].result
            for task in self.view.plan.part.all_tasks()
            if task.name and task.id in self.histories
        }
        return {"run": run, **self.view.plan.inputs, **results}


def sections_of(known: Known) -> Iterator[Section]:
    """Yield gate, steps, way back and what comes after, as the plan has them."""
    part = known.view.plan.part
    values = known.values()
    gate = PlannedStep(id="0", title="Before the start", tasks=part.gate)
    rows = [(Place.GATE, gate)]
    rows += [(Place.STEP, step) for step in part.steps]
    rows += [(Place.ROLLBACK, step) for step in part.rollback]
    rows += [(Place.AFTERWARDS, step) for step in part.post_mortem]
    for place, step in rows:
        tasks = tuple(_reports(step.tasks, 0, known, values))
        if known.view.start.undo_of:  # its forward path was another run's
            tasks = tuple(task for task in tasks if task.state is not TaskState.NOT_REACHED
                          or task.undo or task.back)  # fmt: skip
        if tasks:
            title = step.title if place is Place.GATE else f"{step.id}. {step.title}"
            yield Section(
                place=place, title=one_line(title), description=cut(step.description), tasks=tasks
            )


def _reports(
    tasks: tuple[PlannedTask, ...], depth: int, known: Known, values: dict[str, JsonValue]
) -> Iterator[TaskReport]:
    for task in tasks:
        below = list(_reports(task.options, depth + 1, known, values))
        if task.part is not None:
            below += _reports(_tasks_of(task.part), depth + 1, known, values)
        report = _report(task, depth, known, values)
        if task.kind is Kind.RUNBOOK and task.id not in known.histories:
            report = report.model_copy(update={"state": _joined(below)})
        yield report
        yield from below


def _tasks_of(part: PlanPart) -> tuple[PlannedTask, ...]:
    steps = (*part.steps, *part.rollback, *part.post_mortem)
    return (*part.gate, *(task for step in steps for task in step.tasks))


def _joined(below: list[TaskReport]) -> TaskState:
    """Return where a runbook inside the runbook stands: as its worst task."""
    found = {task.state for task in below}
    for worst in (TaskState.FAILED, TaskState.UNKNOWN, TaskState.WAITING, TaskState.RUNNING):
        if worst in found:
            return worst
    reached = found - {TaskState.NOT_REACHED}
    if reached and TaskState.NOT_REACHED in found:
        return TaskState.LEFT_OPEN
    return TaskState.DONE if TaskState.DONE in found else (reached or {TaskState.NOT_REACHED}).pop()


def _report(
    task: PlannedTask, depth: int, known: Known, values: dict[str, JsonValue]
) -> TaskReport:
    past = known.histories.get(task.id, History())
    return TaskReport(
        id=task.id, text=cut(task.text), depth=depth, kind=task.kind.value, does=task.does,
        on=one_line(task.on), risk=task.risk.value, line=task.line, state=past.state,
        back=_back(task, past, known), why=past.why,
        needs="" if task.needs.consent is Consent.AUTO else cut(task.needs.says()),
        when=cut(task.when), seen=past.seen if past.state is TaskState.SKIPPED else (),
        expect=_expectation(task, past, known), way_back=_promise(task),
        given=_given(task, past, values), result=shown(past.result or {}),
        attempts=tuple(past.attempts), retries=past.retries, undo=tuple(past.undo),
        consents=tuple(past.consents), answers=tuple(past.answers), ignored=tuple(past.ignored),
        evidence=tuple(dict.fromkeys(past.evidence)), spans=tuple(past.spans),
    )  # fmt: skip


def _back(task: PlannedTask, past: History, known: Known) -> Back | None:
    if task.id in known.stuck:
        return Back.STUCK
    if task.id in known.kept:
        return Back.KEPT
    if task.id not in known.writes or not known.is_settled:
        return past.back
    has_undo = task.way_back is None or task.way_back.possible
    if not past.undo and (has_undo or past.state is not TaskState.DONE):
        return Back.NOTHING  # it only added something, or it never happened
    return Back.TAKEN_BACK  # by its undo, or by the rollback step


def _expectation(task: PlannedTask, past: History, known: Known) -> Expectation | None:
    if not task.expect:
        return None
    held = past.held
    is_write = task.risk is not Risk.READ
    if held is None and is_write and known.is_settled and past.state is TaskState.DONE:
        held = True  # the engine looks after each write, and records what did not hold
    return Expectation(text=cut(task.expect), held=held, seen=past.seen)


def _promise(task: PlannedTask) -> str:
    if task.way_back is None or task.risk is Risk.READ:
        return ""
    price = f" (price: {task.way_back.price})" if task.way_back.price else ""
    if task.way_back.possible:
        return cut(f"{task.way_back.says}{price}")
    return cut(f"none, because {task.way_back.says}{price}")


def _given(task: PlannedTask, past: History, values: dict[str, JsonValue]) -> Shown:
    if past.arguments is not None:
        return shown(past.arguments)
    return shown({name: _known(argument, values) for name, argument in task.arguments.items()})


def _known(argument: Argument, values: dict[str, JsonValue]) -> JsonValue:
    try:
        return as_json(resolve(argument, values))
    except DrillbookError:  # the value never came to be; what the book says is still so
        pieces = (f"${{{part.path}}}" if part.path else part.text for part in argument.parts)
        return cut("".join(pieces), LONGEST_VALUE)
