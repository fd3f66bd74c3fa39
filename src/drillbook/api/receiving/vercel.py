"""Vercel's log drains: batches of entries, signed, several of them for one request."""

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from drillbook.api.receiving.refusing import NotUnderstoodError
from drillbook.core.secret import hide_secrets
from drillbook.ports.logs import LogLine

Entry = Mapping[str, object]
LONGEST_MESSAGE, LONGEST_STACK, LONGEST_RAW, LONGEST_NAME, LONGEST_PATH = 500, 8000, 2000, 200, 500
LOWEST_STATUS, HIGHEST_STATUS, BAD_GATEWAY = 100, 599, 502
SERVER_ERROR, USER_ERROR = 500, 400
NO_ANSWER = -1
AHEAD = timedelta(days=1)
# What the function's own frame writes around the app's lines.
_FRAME = re.compile(
    r"^(?:START RequestId: \S+.*|END RequestId: \S+|REPORT RequestId: .*"
    r"|\[[A-Z]+\] \S+ status=-?\d+)$",
    re.MULTILINE,
)
_TOOK = re.compile(r"\bDuration: (\d{1,9}(?:\.\d{1,6})?) ms")
_PREFIX = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z\t\S+\t(?P<level>[A-Z]+)\t")
_WORDS = {"warn": "warning"}


@dataclass(frozen=True, slots=True)
class Drained:
    """The lines of one batch, and how many entries were not understood."""

    lines: tuple[LogLine, ...]
    not_understood: int


def is_signed(body: bytes, signature: str, secret: str) -> bool:
    """Tell whether the body was signed with the drain's secret."""
    made = hmac.new(secret.encode(), body, "sha1").hexdigest()
    return hmac.compare_digest(made.encode(), signature.strip().lower().encode())


def read_batch(body: bytes, *, source: str) -> Drained:
    """Return the lines of a batch, a JSON array or one JSON object a line."""
    lines, bad, now = list[LogLine](), 0, datetime.now(UTC)
    requests: dict[str, LogLine] = {}
    for entry in _entries(body):
        at = _moment(entry.get("timestamp"), now) if isinstance(entry, dict) else None
        if at is None or not isinstance(entry, dict):
            bad += 1
            continue
        for line in _lines(entry, at, source):
            if line.status:
                before = requests.get(line.request)
                requests[line.request] = line if before is None else _both(before, line)
            else:
                lines.append(line)
    return Drained((*requests.values(), *lines), bad)


def _entries(body: bytes) -> Iterator[object]:
    text = body.decode("utf-8", "replace").strip()
    if text.startswith("["):
        try:
            yield from json.loads(text)
        except (ValueError, RecursionError) as error:
            raise NotUnderstoodError("the body begins like a JSON array and is none") from error
        return
    found = [_parsed(line) for line in text.splitlines() if line.strip()]
    if found and all(one is None for one in found):
        raise NotUnderstoodError("the body is neither a JSON array nor one JSON object a line")
    yield from found


def _parsed(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _lines(entry: Entry, at: datetime, source: str) -> Iterator[LogLine]:
    """Yield the request as the platform saw it, and what was written while it was answered."""
    proxy = entry.get("proxy")
    proxy = proxy if isinstance(proxy, dict) else {}
    message = _text(entry.get("message"))
    request = _name(entry.get("requestId")) or _name(proxy.get("vercelId"))
    status = _status(entry, proxy)
    if status:
        yield _request(entry, proxy, at, request=request, status=status, message=message)
    wrote = _FRAME.sub("", message).strip()
    if wrote and not (status and wrote == f"{proxy.get('method')} {proxy.get('path')}"):
        yield _written(entry, at, wrote, request=request, source=source)


def _request(
    entry: Entry, proxy: Entry, at: datetime, *, request: str, status: int, message: str
) -> LogLine:
    took = _TOOK.search(message)
    begun = _moment(proxy.get("timestamp"), at)
    no_answer = entry.get("statusCode") == NO_ANSWER
    return LogLine(
        at=begun or at,
        status=status,
        level=_level_by(status),
        path=_text(proxy.get("path") or entry.get("path")).partition("?")[0][:LONGEST_PATH],
        message="the function ended without an answer" if no_answer else "",
        method=_name(proxy.get("method")).upper(),
        milliseconds=float(took[1]) if took else None,
        address=_name(proxy.get("clientIp")),
        region=_name(entry.get("executionRegion")) or _name(proxy.get("region")),
        deployment=_name(entry.get("deploymentId")),
        # Who turned it away never gave it an id: then each entry is a request.
        request=request or _name(entry.get("id")),
        source="platform",
    )


def _both(before: LogLine, line: LogLine) -> LogLine:
    """Return one line for a request that two entries tell of."""
    return replace(
        before,
        status=max(before.status, line.status),  # a function that ended without an answer
        level=_level_by(max(before.status, line.status)),
        message=before.message or line.message,
        milliseconds=line.milliseconds if before.milliseconds is None else before.milliseconds,
    )


def _written(entry: Entry, at: datetime, wrote: str, *, request: str, source: str) -> LogLine:
    prefix = _PREFIX.match(wrote)
    level = _name(entry.get("level")).lower() or ("error" if entry.get("type") == "stderr" else "")
    if prefix:
        level = prefix["level"].lower() if level in {"", "info"} else level
        wrote = wrote[prefix.end() :]
    first, _, rest = hide_secrets(wrote).partition("\n")
    return LogLine(
        at=at,
        level=_WORDS.get(level, level),
        path=_text(entry.get("path")).partition("?")[0][:LONGEST_PATH],
        message=first[:LONGEST_MESSAGE],
        deployment=_name(entry.get("deploymentId")),
        region=_name(entry.get("executionRegion")),
        request=request,
        stack=rest[-LONGEST_STACK:],
        source="build" if entry.get("source") == "build" else source,
    )


def _status(entry: Entry, proxy: Entry) -> int:
    """Return what the user got; 0 where the entry tells of no user's request."""
    told, own = proxy.get("statusCode"), entry.get("statusCode")
    if told == NO_ANSWER:
        return 0  # a page was made anew in the background: nobody waited for it
    found = told if isinstance(told, int) else own
    if found == NO_ANSWER:
        return BAD_GATEWAY
    is_status = isinstance(found, int) and LOWEST_STATUS <= found <= HIGHEST_STATUS
    return found if is_status and isinstance(found, int) else 0


def _level_by(status: int) -> str:
    if status >= SERVER_ERROR:
        return "error"
    return "warning" if status >= USER_ERROR else "info"


def _moment(value: object, now: datetime) -> datetime | None:
    if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
        return None
    try:
        at = datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return at if at <= now + AHEAD else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _name(value: object) -> str:
    return str(value)[:LONGEST_NAME] if isinstance(value, str | int) else ""
