"""The values a task can name: looked up by path, shown, and put into arguments."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import Enum
from math import isfinite
from typing import Any

from pydantic import BaseModel, JsonValue

from drillbook.analysis.expression_tokens import Key, show_path
from drillbook.core.errors import Failed
from drillbook.core.plan import Argument
from drillbook.core.quantities import show_duration

Scope = Mapping[str, object]
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*|\[\d{1,6}\])*")
_KEY = re.compile(r"[A-Za-z_]\w*|\d+")
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_MOST_SHOWN = 12


def parse_path(text: str) -> tuple[Key, ...] | None:
    """Return the keys of `backup.files[0].name`, or None when it is not a path."""
    if not _PATH.fullmatch(text):
        return None
    return tuple(int(key) if key.isdecimal() else key for key in _KEY.findall(text))


def lookup(path: str | tuple[Key, ...], scope: Scope) -> object:
    """Return the value at a path; Failed says what is there instead."""
    keys = parse_path(path) if isinstance(path, str) else path
    if not keys:
        raise Failed(f"`{path}` is not the path of a value", hint="Write it like backup.id.")
    here: object = scope
    for at, key in enumerate(keys):
        here = _step(here, key, keys[:at])
    return here


def _step(here: object, key: Key, before: tuple[Key, ...]) -> object:
    place = f"`{show_path(before)}`"
    if isinstance(here, Sequence) and not isinstance(here, str | bytes):
        if not isinstance(key, int):
            raise Failed(f"{place} is a list, and `{key}` is no number", hint="Write [0].")
        if key >= len(here):
            raise Failed(f"{place} has {len(here)} items, and [{key}] is not among them")
        return here[key]
    names = _names(here)
    if names is None:
        raise Failed(f"{place} is {shown(here)} and has no `{key}`")
    if key not in names:
        raise Failed(_missing(key, place if before else "", names), hint=_nearest(key, names))
    return here[key] if isinstance(here, Mapping) else getattr(here, str(key))


def _names(value: object) -> list[str] | None:
    """Return the names inside a value, or None when it holds none."""
    if isinstance(value, BaseModel):
        return [*type(value).model_fields, *type(value).model_computed_fields]
    return [str(name) for name in value] if isinstance(value, Mapping) else None


def _missing(key: Key, place: str, names: list[str]) -> str:
    listed = ", ".join(names[:_MOST_SHOWN]) or "nothing"
    if not place:
        return f"no value is named `{key}` here; there are: {listed}"
    return f"{place} has no `{key}`; it holds: {listed}"


def _nearest(key: Key, names: list[str]) -> str:
    near = get_close_matches(str(key), names, n=1)
    return f"Did you mean {near[0]}?" if near else ""


def shown(value: object) -> str:
    """Return a value in one short phrase for a sentence."""
    plain = as_json(value)
    if isinstance(plain, list):
        return f"a list of {len(plain)}"
    if isinstance(plain, dict):
        return f"a record of {', '.join(list(plain)[:_MOST_SHOWN]) or 'nothing'}"
    if isinstance(plain, str):
        text = plain if isinstance(value, timedelta | datetime) else f'"{plain}"'
        return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004 - fits a line
    if plain is None:
        return "nothing"
    return str(plain).lower() if isinstance(plain, bool) else str(plain)


def native(value: object) -> Any:  # Any: what the expression library takes is not typed
    """Return a value in the types the expression library knows; Failed when it cannot be said."""
    if value is None or isinstance(value, bool | float | bytes | timedelta):
        return value
    if isinstance(value, Enum):
        return native(value.value)
    if isinstance(value, int):
        if not _SMALLEST <= value <= _LARGEST:
            raise Failed(f"{value} is too large for an expression")
        return value
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    return _native_many(value)


def _native_many(value: object) -> Any:  # Any: as above
    if isinstance(value, BaseModel):
        return {name: native(getattr(value, name)) for name in _names(value) or ()}
    if isinstance(value, Mapping):
        return {str(key): native(inner) for key, inner in value.items()}
    if isinstance(value, Sequence | set | frozenset):
        return [native(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else str(value)


def as_json(value: object) -> JsonValue:
    """Return a value as JSON for the record: durations as `1h30m`, moments in ISO 8601."""
    if isinstance(value, BaseModel):
        return as_json(value.model_dump(mode="json"))
    plain = native(value)
    if isinstance(plain, dict):
        return {key: as_json(inner) for key, inner in plain.items()}
    if isinstance(plain, list):
        return [as_json(inner) for inner in plain]
    return _one_as_json(plain)


def _one_as_json(plain: Any) -> JsonValue:  # Any: as above
    if isinstance(plain, timedelta):
        return show_duration(plain)
    if isinstance(plain, datetime):
        return plain.isoformat()
    if isinstance(plain, bytes):
        return plain.decode("utf-8", "replace")
    if isinstance(plain, float) and not isfinite(plain):
        return str(plain)
    found: JsonValue = plain
    return found


def resolve(argument: Argument, scope: Scope) -> object:
    """Return the value of an argument: a literal, a typed value, or text with values in it."""
    if not argument.parts:
        return argument.literal
    if len(argument.parts) == 1 and argument.parts[0].path:
        return lookup(argument.parts[0].path, scope)
    return "".join(
        _as_text(part.path, lookup(part.path, scope)) if part.path else part.text
        for part in argument.parts
    )


def _as_text(path: str, value: object) -> str:
    plain = as_json(value)
    if isinstance(plain, dict | list) or plain is None:
        raise Failed(
            f"`${{{path}}}` is {shown(value)} and cannot stand inside a text",
            hint="Name one of its values, or pass it alone, without quotes.",
        )
    if isinstance(plain, bool):
        return "true" if plain else "false"
    return str(plain)
