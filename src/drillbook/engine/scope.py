"""The values a task can see: inputs of its runbook, results by name, the run's own facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, JsonValue, ValidationError

from drillbook.analysis.expressions import references
from drillbook.analysis.inputs import typed_inputs
from drillbook.analysis.scope import resolve
from drillbook.core.catalog import AnyAction, Catalog
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.plan import Plan, PlannedTask
from drillbook.engine.messages import Start

Json = dict[str, JsonValue]


@dataclass
class Scope:
    """
    What is known so far; rebuilt the same when a run is replayed.

    A runbook called by another is closed: it sees its own inputs and results. Results are kept
    under `PLACE/NAME`, where the place is the id of the calling task, and empty at the top.
    """

    plan: Plan
    start: Start
    catalog: Catalog
    going_back: bool = False
    results: dict[str, Json] = field(default_factory=dict[str, Json])
    _inputs: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])
    _known: dict[str, dict[str, object]] = field(default_factory=dict[str, dict[str, object]])

    def __post_init__(self) -> None:
        self._inputs[""] = typed_inputs(self.plan.part, self.plan.inputs)
        self._run: dict[str, object] = {
            "id": self.start.run,
            "by": self.start.by,
            "started_at": self.start.at,
        }
        self._types = {
            _key(task): self.catalog[task.does].result
            for task in self.plan.part.all_tasks()
            if task.name and task.does in self.catalog
        }

    def enter(self, task: PlannedTask) -> None:
        """Make the inputs of a called runbook known."""
        if task.part is not None:
            values = self.values(task)
            given = {name: resolve(value, values) for name, value in task.arguments.items()}
            self._inputs[task.id] = typed_inputs(task.part, given)

    def add(self, task: PlannedTask, result: Json) -> None:
        """Make a result known under the name the book gives it."""
        self.restore(_key(task), result)

    def restore(self, key: str, result: Json) -> None:
        """Make a result of an earlier run known under its key."""
        self.results[key] = result
        place, _, name = key.rpartition("/")
        self._known.setdefault(place, {})[name] = revived(self._types.get(key), result)

    def values(self, task: PlannedTask, own: object = None) -> dict[str, object]:
        """Return all names the task sees; `own` is its own result, known as `result`."""
        place = _place(task)
        known: dict[str, object] = {
            "run": self._run,
            **self._inputs.get(place, {}),
            **self._known.get(place, {}),
        }
        if own is None:
            return known
        return known | {"result": own} | ({task.name: own} if task.name else {})

    def missing(self, task: PlannedTask) -> str:
        """Return the first name the task or its `when` needs and nobody has given, or ''."""
        known = self.values(task)
        paths = [path for argument in task.arguments.values() for path in argument.paths]
        paths += references(task.when) if task.when else ()
        return next((path for path in paths if path.partition(".")[0] not in known), "")


def _place(task: PlannedTask) -> str:
    return task.id.rpartition("/")[0]


def _key(task: PlannedTask) -> str:
    place = _place(task)
    return f"{place}/{task.name}" if place else task.name


def revived(kind: type[BaseModel] | None, result: Json) -> object:
    """Return a stored result with its durations and times typed again, as expressions need them."""
    return result if kind is None else kind.model_validate(result).model_dump()


def arguments(task: PlannedTask, action: AnyAction, values: Mapping[str, object]) -> BaseModel:
    """Return the task's values, typed by the action; Refused when they do not fit."""
    given = {name: resolve(argument, values) for name, argument in task.arguments.items()}
    try:
        return action.params.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field_name = ".".join(str(part) for part in first["loc"])
        raise Refused(
            f"task {task.id}: {action.name} cannot take its {field_name}: {first['msg']}",
            hint="The value came from an earlier task; see its result in `runs show`.",
        ) from error


def keywords(params: BaseModel) -> dict[str, object]:
    """Return the typed values as keyword arguments."""
    return {name: getattr(params, name) for name in type(params).model_fields}


def presentable(params: BaseModel) -> Json:
    """Return the values for the journal: a file by its name and hash, never its text."""
    shown: Json = params.model_dump(mode="json")
    for name, value in keywords(params).items():
        if isinstance(value, File):
            shown[name] = {"name": value.name, "sha256": value.sha256}
    return shown
