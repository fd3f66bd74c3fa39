"""The `### Inputs` table of a runbook, made into typed inputs."""

import re

from pydantic import JsonValue

from drillbook.analysis.inputs import typed_input
from drillbook.analysis.scope import as_json
from drillbook.compiler.context import Context
from drillbook.compiler.diagnostics import nearest_or_all
from drillbook.compiler.document import InputRow, Runbook
from drillbook.compiler.names import is_name
from drillbook.core.errors import DrillbookError
from drillbook.core.files import File
from drillbook.core.plan import InputType, PlannedInput

TYPES: dict[InputType, object] = {
    InputType.FILE: File | None,
    InputType.TEXT: str | None,
    InputType.INTEGER: int | None,
    InputType.NUMBER: float | None,
    InputType.BOOLEAN: bool | None,
    InputType.DURATION: object,
    InputType.SIZE: int | None,
    InputType.CHOICE: str | None,
}
_CHOICE = re.compile(r"choice\s*\((.*)\)", re.DOTALL)


def declared_inputs(ctx: Context, runbook: Runbook) -> tuple[PlannedInput, ...]:
    """Return the inputs of a runbook and put their names in scope; mistakes are noted."""
    found: list[PlannedInput] = []
    for row in runbook.inputs:
        declared = _declared(ctx, row)
        if declared is None:
            continue
        trouble = ctx.names.define(declared.name, TYPES[declared.type], row.span.line)
        if trouble is not None:
            ctx.notes.error(row.span, "DB503", trouble.message, trouble.hint)
            continue
        found.append(declared)
    return tuple(found)


def _declared(ctx: Context, row: InputRow) -> PlannedInput | None:
    name = _plain(row.name)
    if not is_name(name):
        message = f"{name!r} cannot name an input"
        ctx.notes.error(row.span, "DB503", message, "Use small letters, digits and _.")
        return None
    written = _plain(row.type)
    choice = _CHOICE.fullmatch(written)
    choices = tuple(_plain(part) for part in choice[1].split(",")) if choice else ()
    kinds = {each.value: each for each in InputType}
    kind = InputType.CHOICE if choice else kinds.get(written.casefold())
    if kind is None or (kind is InputType.CHOICE and not any(choices)):
        known = [*(each for each in kinds if each != "choice"), "choice(a, b)"]
        hint = nearest_or_all(written, known)
        ctx.notes.error(row.span, "DB501", f"{written!r} is no type of an input", hint)
        # The name is kept, so that its uses are not reported as well.
        ctx.names.define(name, object, row.span.line)
        return None
    default = _plain(row.default)
    declared = PlannedInput(
        name=name, type=kind, choices=choices, required=not default, meaning=row.meaning.strip()
    )
    if default in ("", "none"):
        return declared
    try:
        return declared.model_copy(update={"default": _default(ctx, declared, default)})
    except DrillbookError as error:
        message = f"the default of input {name} is wrong: {error}"
        ctx.notes.error(row.span, "DB502", message, "Write none for no value.")
        return declared


def _default(ctx: Context, declared: PlannedInput, text: str) -> JsonValue:
    if declared.type is not InputType.FILE:
        return as_json(typed_input(declared, text))
    return as_json(ctx.files(text)) if ctx.files else text


def _plain(cell: str) -> str:
    return cell.strip().strip("`").strip()
