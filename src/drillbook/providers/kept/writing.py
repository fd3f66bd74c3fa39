"""A line as it is kept: one JSON object, without what it does not say."""

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from drillbook.ports.logs import LogLine

_FIELDS = tuple((field.name, field.default) for field in fields(LogLine) if field.name != "at")
_NAMES = frozenset(name for name, _ in _FIELDS)


def written(line: LogLine) -> str:
    """Return a line's text, with its end."""
    said: dict[str, object] = {"at": line.at.astimezone(UTC).isoformat()}
    for name, default in _FIELDS:
        value = getattr(line, name)
        if value != default:
            said[name] = value
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(text: str) -> LogLine | None:
    """Return a line from its text; None for one that was not written whole."""
    try:
        said = json.loads(text)
        at = datetime.fromisoformat(said.pop("at"))
        return LogLine(at, **_known(said))
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _known(said: Mapping[str, Any]) -> Mapping[str, Any]:
    # A newer Drillbook may have written more.
    return said if said.keys() <= _NAMES else {k: said[k] for k in said.keys() & _NAMES}
