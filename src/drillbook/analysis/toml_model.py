"""From TOML text to a closed value, or to one sentence with the line and what is allowed."""

import re
import tomllib
import types
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from drillbook.analysis.toml_lines import KeyPath, key_lines, line_of
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Frozen

F = TypeVar("F", bound=Frozen)


@dataclass(frozen=True, slots=True)
class TomlRead(Generic[F]):
    """What a TOML text says, and where each key of it stands."""

    value: F
    lines: dict[KeyPath, int]


def read_toml(text: str, model: type[F], *, name: str, error: type[DrillbookError]) -> TomlRead[F]:
    """Read a text into a model; `name` is the file's in sentences, `error` what is raised."""
    text = text.replace("\r\n", "\n")
    raw = _toml(text, name, error)
    lines = key_lines(text)
    found = _validated(raw, model)
    if isinstance(found, list):
        raise _first_mistake(found, model, lines, name, error)
    return TomlRead(found, lines)


def choices(word: str, allowed: Iterable[str]) -> str:
    """Return `Did you mean X? Allowed: X, Y.` for a hint."""
    allowed = list(allowed)
    near = get_close_matches(word, allowed, n=1)
    guess = f"Did you mean {near[0]}? " if near else ""
    return f"{guess}Allowed: {', '.join(allowed) or 'nothing'}."


def _toml(text: str, name: str, error: type[DrillbookError]) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as caught:
        said = str(caught)
    # Raised out here, so that the error carries no context: that one holds the text.
    match = re.search(r"\(at line (\d+), column (\d+)\)", said)
    place = f":{match[1]}:{match[2]}" if match else ""
    reason = re.sub(r" \(at .*\)$", "", said)
    raise error(
        f"{name}{place}: not TOML: {reason}",
        hint='A table is written [like.this], a value key = "text".',
    )


def _validated(raw: dict[str, object], model: type[F]) -> F | list[ErrorDetails]:
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        return error.errors(include_url=False)


def _first_mistake(
    found: list[ErrorDetails],
    model: type[Frozen],
    lines: dict[KeyPath, int],
    name: str,
    error: type[DrillbookError],
) -> DrillbookError:
    placed = [(line_of(lines, _key(one)), *_sentence(one, model)) for one in found]
    line, message, hint = min(placed, key=lambda one: one[0])
    more = len(placed) - 1
    also = f" (and {more} more mistake{'s' if more > 1 else ''} below)" if more else ""
    return error(f"{name}:{line}: {message}{also}", hint=hint)


def _key(error: ErrorDetails) -> KeyPath:
    return tuple(str(part) for part in error["loc"] if part != "[key]")


def _sentence(error: ErrorDetails, model: type[Frozen]) -> tuple[str, str]:
    key = _key(error)
    where = f"in [{'.'.join(key[:-1])}]" if key[:-1] else "at the top level"
    match error["type"]:
        case "extra_forbidden":
            return f"unknown key {key[-1]} {where}", choices(key[-1], _allowed(key[:-1], model))
        case "missing":
            allowed = ", ".join(_allowed(key[:-1], model))
            return f"{key[-1]} is missing {where}", f"Allowed there: {allowed}."
        case "literal_error":
            expected = str(error.get("ctx", {}).get("expected", ""))
            word = str(error["input"])
            return f"{key[-1]} is {word!r} {where}", choices(
                word, re.findall(r"'([^']*)'", expected)
            )
        case "value_error":
            reason = str(error.get("ctx", {}).get("error", error["msg"]))
            return f"{'.'.join(key)} {reason}", ""
        case "string_pattern_mismatch":
            return f"{key[-1]!r} is not a name {where}", "Use letters, digits, _ and -."
        case _:
            # The value is not repeated: it may be a secret in the wrong place.
            return f"{'.'.join(key)}: {error['msg'][:1].lower()}{error['msg'][1:]}", ""


def _allowed(key: KeyPath, model: type[Frozen]) -> list[str]:
    at: Any = model  # Any: a type annotation, walked
    for part in key:
        at = _inside(at, part)
    return list(at.model_fields) if isinstance(at, type) and issubclass(at, Frozen) else []


def _inside(annotation: Any, part: str) -> Any:  # Any: a type annotation, walked
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        field = annotation.model_fields.get(part)
        # Tables of any name, where a section has such beside its own keys.
        others = annotation.__annotations__.get("__pydantic_extra__")
        return _plain(field.annotation) if field else _inside(others, part)
    if get_origin(annotation) is dict:
        return _plain(get_args(annotation)[1])
    if get_origin(annotation) is tuple:
        return _plain(get_args(annotation)[0])
    return None


def _plain(annotation: Any) -> Any:  # Any: a type annotation, walked
    if get_origin(annotation) in (Union, types.UnionType):
        return next(arg for arg in get_args(annotation) if arg is not type(None))
    return annotation
