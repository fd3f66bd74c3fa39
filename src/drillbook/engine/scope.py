"""The values a task can see: inputs, results by name, and the run's own facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import BaseModel, JsonValue, ValidationError

from drillbook.analysis.scope import resolve
from drillbook.core.catalog import AnyAction, Catalog
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.core.plan import Plan, PlannedTask
from drillbook.engine.messages import Start

Json = dict[str, JsonValue]


@dataclass
class Scope:
    """Inputs and run facts from the start; results as tasks end. Rebuilt the same on replay."""

    plan: Plan
    start: Start
    catalog: Catalog
    results: dict[str, Json] = field(default_factory=dict[str, Json])
    _revived: dict[str, object] = field(default_factory=dict[str, object])

    def __post_init__(self) -> None:
        by_name = {task.name: task for task in self.plan.part.all_tasks() if task.name}
        self._types = {
            name: self.catalog[task.does].result
            for name, task in by_name.items()
            if task.does in self.catalog
        }
        for name, result in tuple(self.results.items()):
            self.add(name, result)

    def add(self, name: str, result: Json) -> None:
        """Make a result known under the name the book gives it."""
        self.results[name] = result
        self._revived[name] = revived(self._types.get(name), result)

    def values(self, own: object = None) -> dict[str, object]:
        """Return all names; `own` is the task's own result, known as `result`."""
        run = {"id": self.start.run, "by": self.start.by, "started_at": self.start.at}
        known: dict[str, object] = {"run": run, **self.plan.inputs, **self._revived}
        return known if own is None else known | {"result": own}


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
