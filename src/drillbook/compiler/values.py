"""Values of a directive made into arguments of an action, checked against its parameters."""

from functools import lru_cache
from math import isfinite
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, JsonValue, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from drillbook.analysis.scope import as_json, resolve
from drillbook.compiler.context import Context
from drillbook.compiler.diagnostics import did_you_mean
from drillbook.compiler.directive import Pair, Value, ValueKind
from drillbook.compiler.document import Span
from drillbook.core.errors import DrillbookError, Failed
from drillbook.core.files import File
from drillbook.core.plan import Argument, Part

LARGEST = 2**53 - 1  # what JSON carries without loss
_SAYS = {
    "int_parsing": "is not a whole number",
    "int_type": "is not a whole number",
    "int_from_float": "is not a whole number",
    "int_parsing_size": "is too large",
    "float_parsing": "is not a number",
    "float_type": "is not a number",
    "decimal_parsing": "is not a number",
    "bool_parsing": "is neither true nor false",
    "bool_type": "is neither true nor false",
    "datetime_parsing": "is not a moment: write 2026-11-24T03:00:00Z",
    "datetime_from_date_parsing": "is not a moment: write 2026-11-24T03:00:00Z",
    "tuple_type": "is not a list: write [a, b]",
    "list_type": "is not a list: write [a, b]",
    "string_type": "is not a text",
    "time_delta_parsing": "is not a duration: write 30m or 1h30m",
}
Adapter = TypeAdapter[Any]  # Any: a parameter may have any type


@lru_cache(maxsize=1024)
def adapter_of(params: type[BaseModel], key: str) -> Adapter:
    """Return what validates one parameter of an action."""
    field = params.model_fields[key]
    annotation: Any = field.annotation  # Any: a type made at run time
    for each in field.metadata:
        annotation = Annotated[annotation, each]
    return TypeAdapter(annotation)


def takes_file(annotation: object) -> bool:
    """Whether a parameter is a file: a path given for it is read when the plan is made."""
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return any(takes_file(each) for each in get_args(annotation))
    return annotation is File


def argument_of(
    ctx: Context, pair: Pair, params: type[BaseModel], span: Span, *, guarded: bool = False
) -> Argument | None:
    """Return the argument, or None after noting what is wrong; a `when` guards missing values."""
    value = pair.value
    here = place(span, value.at)
    adapter = adapter_of(params, pair.key)
    paths = [piece for piece in value.pieces if piece.path]
    for piece in paths:
        ctx.check_path(piece.path, place(span, piece.at))
    if paths:
        argument = Argument(parts=tuple(Part(text=p.text, path=p.path) for p in value.pieces))
        trouble = _trouble_of_known(ctx, argument, adapter, guarded=guarded)
    elif takes_file(params.model_fields[pair.key].annotation) and value.text != "none":
        argument, trouble = _file_argument(ctx, value)
    else:
        argument, trouble = _literal(params, pair.key, value.kind, value.text, value.items)
    if trouble:
        ctx.notes.error(here, "DB204", f"{pair.key}: {trouble[0]}", trouble[1])
        return None
    return argument


def place(span: Span, at: int) -> Span:
    """Return the place of an offset in a directive; its span starts at the backtick."""
    return Span(span.line, span.column + 1 + at)


def _file_argument(ctx: Context, value: Value) -> tuple[Argument, tuple[str, str] | None]:
    if ctx.files is None or value.kind is ValueKind.LIST:
        return Argument(literal=value.text), None
    try:
        return Argument(literal=as_json(ctx.files(value.text))), None
    except DrillbookError as error:
        return Argument(), (str(error), error.hint)


@lru_cache(maxsize=4096)
def _literal(
    params: type[BaseModel], key: str, kind: ValueKind, text: str, items: tuple[str, ...]
) -> tuple[Argument, tuple[str, str] | None]:
    adapter = adapter_of(params, key)
    if kind is ValueKind.WORD and text == "none" and _takes_none(adapter):
        return Argument(literal=None), None
    try:
        typed = adapter.validate_python(list(items) if kind is ValueKind.LIST else text)
        literal: JsonValue = adapter.dump_python(typed, mode="json")
    except ValidationError as error:
        return Argument(), human(error)
    if not _fits_json(literal):
        return Argument(), (f"{text} is too large", f"At most {LARGEST}.")
    return Argument(literal=literal), None


def _takes_none(adapter: Adapter) -> bool:
    try:
        adapter.validate_python(None)
    except ValidationError:
        return False  # then `none` is a text like any other, or a wrong value
    return True


def _fits_json(value: JsonValue) -> bool:
    if isinstance(value, list):
        return all(_fits_json(each) for each in value)
    if isinstance(value, dict):
        return all(_fits_json(each) for each in value.values())
    if isinstance(value, int):
        return abs(value) <= LARGEST
    return not isinstance(value, float) or isfinite(value)


def _trouble_of_known(
    ctx: Context, argument: Argument, adapter: Adapter, *, guarded: bool
) -> tuple[str, str] | None:
    """Return what is wrong with a value that is known before the run, such as an input."""
    if ctx.known is None or not _is_known(ctx, argument):
        return None
    try:
        value = resolve(argument, ctx.known)
        if value is not None or not guarded:
            adapter.validate_python(value)
    except ValidationError as error:
        path = argument.paths[0]
        if resolve(argument, ctx.known) is None:
            return f"${{{path}}} has no value", f"Give it one, or add `when: {path} != null`."
        return human(error)
    except Failed as error:
        return str(error), error.hint
    return None


def _is_known(ctx: Context, argument: Argument) -> bool:
    roots = {path.partition(".")[0].partition("[")[0] for path in argument.paths}
    return ctx.known is not None and roots <= ctx.known.keys()


def known_values(
    ctx: Context, arguments: dict[str, Argument], params: type[BaseModel]
) -> dict[str, object]:
    """Return the typed values known when the plan is made, defaults included, for the way back."""
    values: dict[str, object] = {
        name: field.default
        for name, field in params.model_fields.items()
        if not field.is_required()
    }
    for key, argument in arguments.items():
        values.pop(key, None)
        if ctx.known is None or not _is_known(ctx, argument):
            continue
        try:
            values[key] = adapter_of(params, key).validate_python(resolve(argument, ctx.known))
        except (ValidationError, Failed):
            continue  # noted where the argument was read
    return values


def human(error: ValidationError) -> tuple[str, str]:
    """Return what a validation says, as one phrase and a hint."""
    details = [each for each in error.errors() if each["type"] != "none_required"]
    first = details[0] if details else error.errors()[0]
    return _phrase(first)


def _phrase(detail: ErrorDetails) -> tuple[str, str]:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    shown = repr(given) if len(repr(given)) <= 60 else f"{repr(given)[:57]}…"  # noqa: PLR2004 - fits a line
    if kind == "value_error":
        return str(context.get("error", detail["msg"])), ""
    if kind in ("literal_error", "enum"):
        expected = str(context.get("expected", "")).replace("'", "").replace(" or ", ", ")
        near = did_you_mean(str(given), expected.split(", "))
        return f"{shown} is none of {expected}", near
    if kind in _SAYS:
        return f"{shown} {_SAYS[kind]}", ""
    says = detail["msg"].replace("Input should be", "must be").replace("Input should", "must")
    return f"{shown} {says[:1].lower()}{says[1:]}", ""
