"""
The logs of a Supabase project by SQL: the database's, the login service's, the gateway's.

One answer spans at most 24 hours and holds at most 1,000 rows: longer times are asked for in
pieces, the newest first. Failed logins are here, and nowhere in the database.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ValidationError

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import Failed
from drillbook.ports.logs import Fetched, LogLine
from drillbook.providers.supabase.answers import strange
from drillbook.remote.api import JsonApi

RIGHT = "analytics: read"
LONGEST = timedelta(hours=24)
MOST_ROWS = 1000
LONGEST_MESSAGE = 500
LONGEST_STACK = 8000
SERVER_ERROR, USER_ERROR = 500, 400
MICROSECOND = timedelta(microseconds=1)
SOURCES = {"postgres_logs": "database", "auth_logs": "auth", "edge_logs": "gateway"}
# Every login at the server is written down there: thousands of lines that tell nothing.
NOISE = {"postgres_logs": ("connection %", "disconnection%", "checkpoint %")}
LEVELS = {"log": "info", "notice": "info", "detail": "info", "hint": "info", "statement": "info"}
KNOWN = (
    "error_severity", "level", "status", "status_code", "method", "path", "remote_addr", "error",
    "error_code", "msg", "detail", "query", "user_name", "actor_id", "request_id",
)  # fmt: skip


class RowSeen(BaseModel):
    """One line; its values may stand in lists of lists."""

    id: str = ""
    timestamp: int | str
    event_message: str | None = None
    metadata: Any = None  # Any: JSON of the service that wrote it


class AnswerSeen(BaseModel):
    """What a query gave; `error` is a text, or an object with a message."""

    result: tuple[RowSeen, ...] | None = None
    error: Any = None  # Any: as above


@dataclass(frozen=True)
class SupabaseLogs:
    """The lines of some of a project's logs; fulfils ShortLivedLogs."""

    api: str
    token: Callable[[], str]
    project: str
    tables: tuple[str, ...]
    keeps: timedelta = timedelta(days=1)

    def fetch(self, start: datetime, end: datetime, seconds: float) -> Fetched:
        """Ask for the lines of a time, the newest first, for no longer than so many seconds."""
        until = time.monotonic() + seconds
        lines, reached = list[LogLine](), start
        for table in self.tables:
            # In a context of its own: the time that is left is set for these calls only.
            found, since = copy_context().run(self._of_table, table, start, end, until)
            lines += found
            reached = max(reached, since)
        return Fetched(tuple(lines), reached)

    def _of_table(
        self, table: str, start: datetime, end: datetime, until: float
    ) -> tuple[list[LogLine], datetime]:
        lines: dict[str, LogLine] = {}
        before = end
        while before > start:
            if (left := until - time.monotonic()) <= 0:
                return list(lines.values()), before
            deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=left)))
            since = max(start, before - LONGEST)
            rows = self._rows(table, since, before)
            fresh = [row for row in rows if row.id not in lines]
            lines |= {row.id: line_of(table, row) for row in fresh}
            if len(rows) < MOST_ROWS:
                before = since
                continue
            oldest = min(_moment(row.timestamp) for row in rows)
            before = oldest + MICROSECOND if fresh and oldest + MICROSECOND < before else oldest
        return list(lines.values()), start

    def _rows(self, table: str, start: datetime, end: datetime) -> tuple[RowSeen, ...]:
        path = f"/v1/projects/{self.project}/analytics/endpoints/logs.all"
        quiet = " and ".join(f"event_message not like '{one}'" for one in NOISE.get(table, ()))
        sql = (
            f"select id, timestamp, event_message, metadata from {table}"  # noqa: S608 - our own names
            f"{f' where {quiet}' if quiet else ''} order by timestamp desc limit {MOST_ROWS}"
        )
        window = {"iso_timestamp_start": _iso(start), "iso_timestamp_end": _iso(end)}
        body = self._json.get(path, {"sql": sql, **window}, right=RIGHT)
        try:
            seen = AnswerSeen.model_validate(body)
        except ValidationError as error:
            raise strange(path, error) from error
        if seen.error:
            raise Failed(f"Supabase did not carry out a query of {table}: {_words(seen.error)}")
        return seen.result or ()

    @cached_property
    def _json(self) -> JsonApi:
        return JsonApi("Supabase", self.api, self.token)


def line_of(table: str, row: RowSeen) -> LogLine:
    """
    Return a row as a line.

    Requests to a service are none to the app: their status stands in the message.
    """
    text = row.event_message or ""
    values = dict(_values(row.metadata)) | dict(_values(_json(text)))
    line = LogLine(
        at=_moment(row.timestamp),
        address=_word(values.get("remote_addr")),
        user=_word(values.get("actor_id")),
        path=_word(values.get("path")).partition("?")[0],
        method=_word(values.get("method")).upper(),
        source=SOURCES.get(table, table),
        raw=text[:LONGEST_STACK] if not values else "",
    )
    if table == "postgres_logs":
        severity = _word(values.get("error_severity")).lower()
        message, _, rest = text.partition("\n")
        more = [rest, _word(values.get("detail")), _word(values.get("query"))]
        return replace(
            line,
            level=LEVELS.get(severity, severity),
            message=message[:LONGEST_MESSAGE],
            stack="\n".join(one for one in more if one)[:LONGEST_STACK],
        )
    status = _status(values.get("status", values.get("status_code")))
    said = _word(values.get("error")) or _word(values.get("msg")) or text
    asked = " ".join(one for one in (line.method, line.path, str(status or "")) if one)
    return replace(
        line,
        level=_level(status, _word(values.get("level"))),
        message=f"{asked}: {said}"[:LONGEST_MESSAGE] if asked else said[:LONGEST_MESSAGE],
    )


def _values(metadata: object) -> Iterator[tuple[str, object]]:
    """Give the values known to us, however deep they stand; the outermost come last, and win."""
    if isinstance(metadata, list):
        for one in metadata:
            yield from _values(one)
    elif isinstance(metadata, Mapping):
        for one in metadata.values():
            if isinstance(one, list | Mapping):
                yield from _values(one)
        for key in KNOWN:
            if metadata.get(key) not in (None, ""):
                yield key, metadata[key]


def _json(text: str) -> object:
    if not text.startswith("{"):
        return None
    try:
        return json.loads(text)
    except ValueError:
        return None


def _level(status: int, said: str) -> str:
    if status >= SERVER_ERROR:
        return "error"
    if status >= USER_ERROR:
        return "warning"
    return said.lower()


def _status(value: object) -> int:
    text = str(value)
    return int(text) if text.isdecimal() and len(text) == len("200") else 0


def _word(value: object) -> str:
    return "" if value is None or isinstance(value, list | Mapping | bool) else str(value)


def _moment(value: int | str) -> datetime:
    """Return a time: microseconds of the epoch, or a text."""
    if isinstance(value, int) or value.isdecimal():
        return datetime.fromtimestamp(int(value) / 1_000_000, UTC)
    found = datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _words(error: object) -> str:
    if isinstance(error, Mapping):
        return str(error.get("message") or error.get("code") or "no reason given")[:300]
    return str(error)[:300]
