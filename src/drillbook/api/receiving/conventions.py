"""OpenTelemetry's names for things, and which part of a log line each one is."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from drillbook.core.secret import hide_secrets
from drillbook.ports.logs import LogLine

Value = str | bool | int | float | bytes | list["Value"] | dict[str, "Value"] | None
Attributes = Mapping[str, Value]

# Each part with its names, the one believed most first: today's conventions, then those of before.
NAMES: dict[str, tuple[str, ...]] = {
    "status": ("http.response.status_code", "http.status_code"),
    "path": ("url.path", "http.target", "url.full", "http.url", "http.route"),
    "method": ("http.request.method", "http.method"),
    "user": ("user.id", "enduser.id", "user.name", "user.email"),
    "address": ("client.address", "http.client_ip", "source.address", "net.peer.ip"),
    "region": ("cloud.region", "faas.region", "vercel.region"),
    "release": ("service.version", "app.version"),
    "commit": ("vcs.ref.head.revision", "vcs.repository.ref.revision", "git.commit.sha"),
    "deployment": ("deployment.id", "vercel.deployment_id", "deployment.name", "faas.version"),
    "request": ("http.request.header.x-vercel-id", "http.request.id", "faas.invocation_id"),
    "stack": ("exception.stacktrace",),
}
SECONDS = ("http.server.request.duration", "http.server.duration_s")
MILLISECONDS = ("http.server.duration", "http.duration_ms", "duration_ms")
MESSAGES = ("message", "msg", "body", "event", "error")
LONGEST_MESSAGE, LONGEST_STACK, LONGEST_RAW, LONGEST_NAME, LONGEST_PATH = 500, 8000, 2000, 200, 500
LOWEST_STATUS, HIGHEST_STATUS = 100, 599
# Severity numbers by four: 1 to 4 is trace, and so on.
LEVELS = ("trace", "debug", "info", "warning", "error", "fatal")
WORDS = {"warn": "warning", "err": "error", "information": "info", "crit": "critical"}
AHEAD = timedelta(days=1)


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Value]:
    """Return attributes by their names."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: AnyValue) -> Value:
    """Return a value as Python has it."""
    kind = value.WhichOneof("value")
    if kind is None:
        return None
    if kind == "array_value":
        return [value_of(one) for one in value.array_value.values]
    if kind == "kvlist_value":
        return dict(attributes_of(value.kvlist_value.values))
    found: Value = getattr(value, kind)
    return found


def line_from(
    at: datetime, known: Attributes, *, body: Value, level: str, request: str, source: str
) -> LogLine:
    """Return one line from all attributes that hold for it, and what was said."""
    message, raw = _said(body, known)
    stack = _text(_first(known, "stack"))
    if not message:
        words = (_text(known.get("exception.type")), _text(known.get("exception.message")))
        message = ": ".join(word for word in words if word)
    first, _, rest = message.partition("\n")
    path = _path(_text(_first(known, "path")))
    return LogLine(
        at=at,
        # Without a path it is no request of ours: a client's call has a status as well.
        status=_status(_first(known, "status")) if path else 0,
        level=level,
        path=path[:LONGEST_PATH],
        message=hide_secrets(first)[:LONGEST_MESSAGE],
        method=_text(_first(known, "method")).upper()[:LONGEST_NAME],
        milliseconds=_milliseconds(known),
        release=_name(known, "release"),
        commit=_name(known, "commit"),
        user=_name(known, "user"),
        address=_name(known, "address"),
        region=_name(known, "region"),
        deployment=_name(known, "deployment"),
        request=(_name(known, "request") or request)[:LONGEST_NAME],
        stack=hide_secrets(stack or rest)[-LONGEST_STACK:],
        source=source,
        raw=hide_secrets(raw)[:LONGEST_RAW],
    )


def level_of(text: str, number: int) -> str:
    """Return a severity as a word; "" where neither text nor number says one."""
    word = text.strip().lower()
    if word:
        return WORDS.get(word, word)[:LONGEST_NAME]
    return LEVELS[min(number - 1, 23) // 4] if number > 0 else ""


def moment_of(nanoseconds: int, now: datetime) -> datetime | None:
    """Return a time; None for one that is not said, or so far ahead that it is a mistake."""
    if nanoseconds <= 0:
        return None
    try:
        at = datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at <= now + AHEAD else None


def _said(body: Value, known: Attributes) -> tuple[str, str]:
    """Return the message, and the whole body where it is more than that."""
    if isinstance(body, dict):
        message = next((_text(body[name]) for name in MESSAGES if body.get(name)), "")
        return message, json.dumps(body, default=str, ensure_ascii=False)
    if body is None or body == "":
        return _text(known.get("event.name")), ""
    return _text(body), ""


def _first(known: Attributes, part: str) -> Value:
    return next((known[name] for name in NAMES[part] if known.get(name) not in (None, "")), None)


def _name(known: Attributes, part: str) -> str:
    return _text(_first(known, part))[:LONGEST_NAME]


def _text(value: Value) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False)
    return str(value)


def _path(text: str) -> str:
    """Return the path of a path, a target or a whole URL, without its query."""
    if "://" in text:
        text = "/" + text.partition("://")[2].partition("/")[2]
    return text.partition("?")[0].partition("#")[0]


def _status(value: Value) -> int:
    try:
        status = int(_text(value))
    except ValueError:
        return 0
    return status if LOWEST_STATUS <= status <= HIGHEST_STATUS else 0


def _milliseconds(known: Attributes) -> float | None:
    for names, factor in ((SECONDS, 1000.0), (MILLISECONDS, 1.0)):
        for name in names:
            value = known.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
                return round(value * factor, 3)
    return None
