"""Inputs of a runbook: values as people give them, made into what their declaration says."""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from math import isfinite

from pydantic import ValidationError

from drillbook.core.errors import SettingsInvalid
from drillbook.core.files import File
from drillbook.core.plan import InputType, PlannedInput, PlanPart
from drillbook.core.quantities import parse_duration, parse_size

LARGEST = 2**53 - 1  # what JSON carries without loss
_INTEGER = re.compile(r"[+-]?\d{1,17}")
_TRUE, _FALSE = frozenset({"true", "yes", "on"}), frozenset({"false", "no", "off"})


class _Unfit(ValueError):
    """A value that does not fit its declaration, said in a phrase."""


def typed_inputs(part: PlanPart, given: Mapping[str, object]) -> dict[str, object]:
    """Return every input of a part with its typed value; SettingsInvalid names what is wrong."""
    if unknown := [name for name in given if name not in {each.name for each in part.inputs}]:
        raise unknown_input(unknown[0], part)
    if missing := [each for each in part.inputs if each.required and given.get(each.name) is None]:
        raise _missing(missing, part.runbook)
    return {each.name: typed_input(each, given.get(each.name)) for each in part.inputs}


def typed_input(declared: PlannedInput, value: object) -> object:
    """Return one input's value in its type: a text is parsed, a typed value is checked."""
    if value is None:
        value = declared.default
    if value is None:
        return None
    try:
        return _PARSERS[declared.type](declared, value)
    except ValueError as error:
        raise SettingsInvalid(
            f"input {declared.name}: {error}",
            hint=f"Give it as -i {declared.name}={_EXAMPLES[declared.type]}.",
        ) from error


def unknown_input(name: str, part: PlanPart) -> SettingsInvalid:
    """Return the error for an input that the runbook does not declare."""
    names = [each.name for each in part.inputs]
    near = get_close_matches(name, names, n=1)
    takes = f"It takes {', '.join(names)}." if names else "It takes no inputs."
    return SettingsInvalid(
        f"runbook {part.runbook} has no input {name}",
        hint=f"Did you mean {near[0]}? {takes}" if near else takes,
    )


def _missing(missing: list[PlannedInput], runbook: str) -> SettingsInvalid:
    plural = "s" if len(missing) > 1 else ""
    names = ", ".join(each.name for each in missing)
    how = " ".join(f"-i {each.name}={_EXAMPLES[each.type]}" for each in missing)
    return SettingsInvalid(
        f"runbook {runbook} needs the input{plural} {names}", hint=f"Give {how}."
    )


def _file(declared: PlannedInput, value: object) -> File:
    if isinstance(value, File):
        return value
    try:
        return File.model_validate(value)
    except ValidationError as error:
        raise _Unfit("it is not a file") from error


def _text(declared: PlannedInput, value: object) -> str:
    if not isinstance(value, str):
        raise _Unfit(f"{value!r} is not a text")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise _Unfit("it is not UTF-8 text") from error
    return value


def _integer(declared: PlannedInput, value: object) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _Unfit(f"{value!r} is not a whole number")
    if abs(value) > LARGEST:
        raise _Unfit(f"{value} is too large, at most {LARGEST}")
    return value


def _number(declared: PlannedInput, value: object) -> float:
    if not isinstance(value, int | float | str) or isinstance(value, bool):
        raise _Unfit(f"{value!r} is not a number")
    try:
        number = float(value)
    except (ValueError, OverflowError) as error:
        raise _Unfit(f"{value!r} is not a number") from error
    if not isfinite(number):
        raise _Unfit(f"{value!r} is not a number")
    return number


def _boolean(declared: PlannedInput, value: object) -> bool:
    word = value.strip().casefold() if isinstance(value, str) else value
    if word is True or word in _TRUE:
        return True
    if word is False or word in _FALSE:
        return False
    raise _Unfit(f"{value!r} is neither true nor false")


def _duration(declared: PlannedInput, value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise _Unfit(f"{value!r} is not a duration: write it like 30m or 1h30m")
    return parse_duration(value)


def _size(declared: PlannedInput, value: object) -> int:
    if isinstance(value, str):
        value = parse_size(value)
    return _integer(declared, value)


def _choice(declared: PlannedInput, value: object) -> str:
    allowed = ", ".join(declared.choices)
    if value not in declared.choices:
        near = get_close_matches(str(value), declared.choices, n=1)
        tail = f"; did you mean {near[0]}?" if near else ""
        raise _Unfit(f"{value!r} is none of {allowed}{tail}")
    return str(value)


_PARSERS: dict[InputType, Callable[[PlannedInput, object], object]] = {
    InputType.FILE: _file,
    InputType.TEXT: _text,
    InputType.INTEGER: _integer,
    InputType.NUMBER: _number,
    InputType.BOOLEAN: _boolean,
    InputType.DURATION: _duration,
    InputType.SIZE: _size,
    InputType.CHOICE: _choice,
}
_EXAMPLES = {
    InputType.FILE: "FILE",
    InputType.TEXT: "TEXT",
    InputType.INTEGER: "5",
    InputType.NUMBER: "0.5",
    InputType.BOOLEAN: "true",
    InputType.DURATION: "30m",
    InputType.SIZE: "1GiB",
    InputType.CHOICE: "CHOICE",
}
