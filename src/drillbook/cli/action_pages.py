"""What one action is, in words: its values and their types, its result, risk and way back."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import Enum
from inspect import getdoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from drillbook.core.catalog import AnyAction, Catalog
from drillbook.core.errors import NotFound
from drillbook.core.files import File
from drillbook.core.model import Risk
from drillbook.core.quantities import Size, show_duration

WORDS: dict[object, str] = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "true or false",
    datetime: "time",
    timedelta: "duration (30m, 24h)",
    File: "file",
    NoneType: "none",
}


@dataclass(frozen=True, slots=True)
class Value:
    """One value an action takes, or one field of its result."""

    name: str
    type: str
    required: bool = True
    default: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """One action in full."""

    name: str
    says: str
    more: str
    risk: str
    way_back: str
    can_be_undone: bool
    acts_on: str
    values: tuple[Value, ...]
    result: tuple[Value, ...]
    example: str

    def as_json(self) -> dict[str, object]:
        """Return the page for programs."""
        return asdict(self)

    def value_lines(self) -> list[str]:
        """Return the values as lines of a page."""
        width = max((len(value.name) for value in self.values), default=0)
        return [
            f"  {value.name:<{width}}  {value.type}"
            + ("" if value.required else f", default {value.default}")
            for value in self.values
        ]

    def result_lines(self) -> list[str]:
        """Return the result's fields as lines of a page."""
        width = max((len(value.name) for value in self.result), default=0)
        return [f"  {value.name:<{width}}  {value.type}" for value in self.result]


def pages_of(catalog: Catalog, domain: str = "") -> list[Page]:
    """Return the pages of all actions, or of one domain."""
    names = sorted(name for name in catalog if not domain or name.partition(".")[0] == domain)
    if names:
        return [page_of(catalog[name]) for name in names]
    from drillbook.compiler.diagnostics import nearest_or_all

    domains = dict.fromkeys(name.partition(".")[0] for name in sorted(catalog))
    known = list(catalog) if "." in domain else list(domains)
    hint = nearest_or_all(domain, known) if "." not in domain else _near(domain, known)
    raise NotFound(f"there is no action or domain {domain!r}", hint=hint)


def _near(name: str, known: list[str]) -> str:
    from drillbook.compiler.diagnostics import did_you_mean

    return did_you_mean(name, known).capitalize() or "List them: drillbook actions"


def page_of(action: AnyAction) -> Page:
    """Return the page of one action."""
    more = (getdoc(action.do) or "").partition("\n")[2].strip()
    values = _values(action.params)
    back = action.way_back({}) if action.way_back_for is None else None
    says = back.says if back else "depends on the values; `drillbook plan` says it"
    possible = bool(action.undo) or action.harmless or action.risk is Risk.READ
    if action.risk is not Risk.READ:
        says = f"yes: {says}" if possible else f"none: {says}"
    return Page(
        name=action.name,
        says=action.says,
        more=more,
        risk=action.risk.value,
        way_back=says,
        can_be_undone=possible,
        acts_on="an environment: on=NAME" if action.takes_environment else "nothing outside",
        values=values,
        result=_values(action.result),
        example=_example(action, values),
    )


def _example(action: AnyAction, values: tuple[Value, ...]) -> str:
    on = " on=production" if action.takes_environment else ""
    needed = "".join(f" {value.name}=…" for value in values if value.required)
    return f"`@{action.name}{on}{needed}`"


def _values(model: type[BaseModel]) -> tuple[Value, ...]:
    return tuple(
        Value(
            name=name,
            type=words_of(_annotated(field.annotation, field.metadata)),
            required=field.is_required(),
            default=""
            if field.is_required()
            else _shown(field.get_default(call_default_factory=True)),
        )
        for name, field in model.model_fields.items()
    )


def _annotated(annotation: Any, metadata: list[Any]) -> Any:  # Any: types of any kind
    if annotation is int and any(each in get_args(Size) for each in metadata):
        return Size
    return annotation


def _shown(value: object) -> str:
    if value is None or value is PydanticUndefined:
        return "none"
    if isinstance(value, timedelta):
        return show_duration(value)
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, str) else str(value)


def words_of(annotation: Any) -> str:  # Any: types of any kind
    """Return a type in the words of the language."""
    if annotation == Size or get_origin(annotation) is Annotated:
        return "size (1GiB)" if annotation == Size else words_of(get_args(annotation)[0])
    if annotation in WORDS:
        return WORDS[annotation]
    if get_origin(annotation) is not None:
        return _composed(get_origin(annotation), get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(str(member.value) for member in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return f"{annotation.__name__} ({', '.join(annotation.model_fields)})"
    return getattr(annotation, "__name__", str(annotation))


def _composed(origin: object, inside: tuple[Any, ...]) -> str:  # Any: types of any kind
    if origin is Literal:
        return " or ".join(map(str, inside))
    if origin in (Union, UnionType):
        return " or ".join(words_of(each) for each in inside)
    if origin in (tuple, list):
        return f"list of {words_of(inside[0])}"
    if origin is dict:
        return f"{words_of(inside[0])} to {words_of(inside[1])}"
    return str(origin)
