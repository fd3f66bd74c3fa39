"""What an app says of itself in a health answer: the places where it says that it is down."""

import json
from collections.abc import Iterator

from pydantic import JsonValue

_DOWN = {
    "down", "error", "errors", "fail", "failed", "failing", "failure", "unhealthy", "critical",
    "fatal", "unavailable", "offline", "degraded", "disconnected", "unreachable", "not ok",
    "not_ok", "out_of_service", "dead", "stopped",
}  # fmt: skip
_TRUTHS = {"ok", "healthy", "ready", "alive", "up", "success", "connected", "available"}
_NOT_A_STATE = ("level", "message", "description", "name", "mode")
DEEPEST = 8


def parsed(text: str) -> JsonValue:
    """Return the JSON in a text, or None when it is not JSON."""
    try:
        found: JsonValue = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found


def down_places(value: JsonValue, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield `components.db.status is DOWN` for each place that says so."""
    if depth > DEEPEST:
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from down_places(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from down_places(inner, f"{path}[{number}]", depth + 1)
    elif _says_down(path.rpartition(".")[2].lower(), value):
        shown = json.dumps(value) if isinstance(value, bool) else value
        yield f"{path or 'the body'} is {shown}"


def _says_down(key: str, value: JsonValue) -> bool:
    if isinstance(value, bool):
        return not value and key in _TRUTHS
    if not isinstance(value, str) or any(word in key for word in _NOT_A_STATE):
        return False
    return value.strip().lower() in _DOWN
