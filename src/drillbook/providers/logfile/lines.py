"""Understand one line of a log: JSON, or the combined format of web servers."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from drillbook.ports.logs import LogLine

_COMBINED = re.compile(
    r"\S+ \S+ \S+ \[(?P<at>[^\]]+)\] "
    r'"(?:(?P<method>[A-Z]+) (?P<path>\S+)[^"]*|[^"]*)" (?P<status>\d{3}) '
)
_PLAIN = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,6})?(?:Z|[+-]\d\d:?\d\d)?)"
    r"\s+\[?(?P<level>TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|CRITICAL|FATAL|PANIC)\b\]?:?\s*"
    r"(?P<message>.*)",
    re.IGNORECASE,
)
_TIME_KEYS = ("timestamp", "time", "ts", "at", "@timestamp", "date", "timestampInMs")
_STATUS_KEYS = ("status", "status_code", "statusCode", "responseStatusCode", "http_status")
_LEVEL_KEYS = ("level", "severity", "levelname", "lvl")
_PATH_KEYS = ("path", "url", "requestPath", "uri", "request_path")
_MESSAGE_KEYS = ("message", "msg", "error", "event")
_METHOD_KEYS = ("method", "http_method", "requestMethod", "request_method", "verb")
_RELEASE_KEYS = ("release", "version", "app_version", "service.version")
_COMMIT_KEYS = ("commit", "commit_sha", "git_commit", "gitCommit", "deployment", "deploymentId")
# How long a request took, and what one of the key's units is in milliseconds.
_DURATION_KEYS = {
    "milliseconds": 1.0,
    "duration_ms": 1.0,
    "durationMs": 1.0,
    "latency_ms": 1.0,
    "elapsed_ms": 1.0,
    "response_time_ms": 1.0,
    "responseTime": 1.0,
    "duration": 1.0,  # pino and its kind; text may name its own unit
    "latency": 1.0,
    "seconds": 1000.0,
    "duration_seconds": 1000.0,
    "request_time": 1000.0,  # nginx
}
_UNITS = {"": None, "us": 0.001, "µs": 0.001, "ms": 1.0, "s": 1000.0}
_DURATION = re.compile(r"(?P<number>\d{1,15}(?:\.\d{1,20})?(?:e-\d{1,2})?)\s*(?P<unit>us|µs|ms|s|)")
_LONGEST_MILLISECONDS = 86_400_000.0
_LONGEST_NAME = 100
_MILLISECONDS_FROM = 1e11
_LATEST = 4e9
LONGEST_MESSAGE = 500


def read_line(text: str) -> LogLine | None:
    """Return what a line says, or None when its form or its time is not understood."""
    text = text.strip()
    if text.startswith("{"):
        return _from_json(text)
    if match := _COMBINED.match(text):
        at = _combined_time(match["at"])
        path = (match["path"] or "").partition("?")[0]
        method = match["method"] or ""
        status = int(match["status"])
        return LogLine(at=at, status=status, path=path, method=method) if at else None
    if match := _PLAIN.match(text):
        at = _time(match["at"].replace(",", "."))
        message = match["message"][:LONGEST_MESSAGE]
        return LogLine(at=at, level=match["level"].lower(), message=message) if at else None
    return None


def _from_json(text: str) -> LogLine | None:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    at = _time(_first(values, _TIME_KEYS))
    if at is None:
        return None
    status = _first(values, _STATUS_KEYS)
    return LogLine(
        at=at,
        status=_status(status),
        level=str(_first(values, _LEVEL_KEYS) or "").lower(),
        path=str(_first(values, _PATH_KEYS) or "").partition("?")[0],
        message=str(_first(values, _MESSAGE_KEYS) or "")[:LONGEST_MESSAGE],
        method=_name(_first(values, _METHOD_KEYS)).upper(),
        milliseconds=_milliseconds(values),
        release=_name(_first(values, _RELEASE_KEYS)),
        commit=_name(_first(values, _COMMIT_KEYS)),
    )


def _name(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()[:_LONGEST_NAME]


def _milliseconds(values: Mapping[str, object]) -> float | None:
    """Return how long the request took; a number that can be no such time is none."""
    for key, in_milliseconds in _DURATION_KEYS.items():
        found = _DURATION.fullmatch(_name(values.get(key)))
        if found:
            unit = _UNITS[found["unit"]] or in_milliseconds
            length = float(found["number"]) * unit
            return length if length <= _LONGEST_MILLISECONDS else None
    return None


def _first(values: Mapping[str, object], keys: tuple[str, ...]) -> object:
    return next((values[key] for key in keys if values.get(key) is not None), None)


def _status(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, int) or (isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value)):
        number = int(value)
        return number if 100 <= number <= 599 else 0  # noqa: PLR2004 - HTTP's statuses
    return 0


def _time(value: object) -> datetime | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_number(float(value))
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    # The file is on this machine, so a time without zone is this machine's.
    return at.astimezone() if at.tzinfo is None else at


def _from_number(value: float) -> datetime | None:
    seconds = value / 1000 if value > _MILLISECONDS_FROM else value
    if not math.isfinite(seconds) or not 0 < seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _combined_time(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")
    except ValueError:
        return None
