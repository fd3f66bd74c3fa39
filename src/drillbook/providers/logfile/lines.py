"""Understand one line of a log: JSON, or the combined format of web servers."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime

from drillbook.ports.logs import LogLine

_COMBINED = re.compile(
    r'\S+ \S+ \S+ \[(?P<at>[^\]]+)\] "(?:[A-Z]+ (?P<path>\S+)[^"]*|[^"]*)" (?P<status>\d{3}) '
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
        return LogLine(at=at, status=int(match["status"]), path=path) if at else None
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
    )


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
