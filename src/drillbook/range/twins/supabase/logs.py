"""Logs by SQL: the lines of the services, of 24 hours at most, in tables of a moment."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.project import Project

LONGEST = timedelta(hours=24)
LATELY = timedelta(minutes=1)
MOST_ROWS = 1000
LARGEST_BYTES = 32 * 2**20
QUERY_SECONDS = 5.0
STEPS_A_LOOK = 10_000
DEFAULT = "SELECT id, timestamp, event_message, metadata FROM edge_logs LIMIT 100"
COLUMNS = {
    "edge_logs": ("method", "path", "status", "remote_addr"),
    "auth_logs": ("level", "method", "path", "status", "msg", "remote_addr", "duration"),
    # The app is hosted elsewhere; its own log stands where functions of the platform write.
    "function_logs": ("level", "method", "path", "status", "milliseconds", "message"),
    "postgres_logs": ("error_severity", "pid"),
}
ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION}
_POSTGRES = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+) (\S+) \[(\d+)\] (\w+):  (.*)")
# What stands in lines of its own in the file, and with its error in the platform's rows.
MORE = {"DETAIL": "detail", "HINT": "hint", "CONTEXT": "context", "STATEMENT": "query"}
Line = tuple[datetime, str, dict[str, Any]]


def query(asked: Asked) -> Answer:
    """Run SQL over the logs of a time."""
    since, until = _window(asked)
    statement = asked.query.get("sql") or DEFAULT
    with closing(sqlite3.connect(":memory:")) as store:
        store.row_factory = sqlite3.Row
        for name, columns in COLUMNS.items():
            # Only the tables that are asked for are read.
            if re.search(rf"\b{name}\b", statement):
                _fill(store, name, columns, _lines(asked.project, name, since, until))
        store.set_authorizer(lambda action, *_: 0 if action in ALLOWED else sqlite3.SQLITE_DENY)
        ends = time.monotonic() + QUERY_SECONDS
        store.set_progress_handler(lambda: time.monotonic() > ends, STEPS_A_LOOK)
        try:
            rows = store.execute(statement).fetchmany(MOST_ROWS)
        except (sqlite3.Error, sqlite3.Warning) as error:
            return 200, {"result": [], "error": str(error)}
    return 200, {"result": [_shown(dict(row)) for row in rows]}


def _window(asked: Asked) -> tuple[datetime, datetime]:
    now = datetime.now(UTC)
    until = _moment(asked, "iso_timestamp_end", now)
    since = _moment(asked, "iso_timestamp_start", until - LATELY)
    if since >= until or until - since > LONGEST:
        raise ApiError(400, "iso_timestamp_start, iso_timestamp_end: expected at most 24 hours")
    return since, until


def _moment(asked: Asked, name: str, default: datetime) -> datetime:
    written = asked.query.get(name)
    if written is None:
        return default
    try:
        found = datetime.fromisoformat(written)
    except ValueError:
        raise ApiError(400, f"{name}: expected a time") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _fill(
    store: sqlite3.Connection, name: str, columns: tuple[str, ...], lines: Iterator[Line]
) -> None:
    store.execute(
        f"CREATE TABLE {name} (id, timestamp, event_message, metadata, {', '.join(columns)})"
    )
    marks = ", ".join("?" * (4 + len(columns)))
    store.executemany(
        f"INSERT INTO {name} VALUES ({marks})",  # noqa: S608 - our own names
        (
            (
                f"{name}-{number}",
                int(at.timestamp() * 1_000_000),
                message,
                json.dumps(values),
                *(values.get(column) for column in columns),
            )
            for number, (at, message, values) in enumerate(lines)
        ),
    )


def _lines(project: Project, name: str, since: datetime, until: datetime) -> Iterator[Line]:
    match name:
        case "postgres_logs":
            lines = _of_postgres(_tail(project.folder / "postgres" / "server.log"))
        case "function_logs":
            lines = _of_json(_tail(project.folder / "app.log"), "timestamp", "message")
        case _:
            lines = _of_json(_tail(project.auth_log), "time", "msg")
    for line in lines:
        if since <= line[0] <= until:
            yield line


def _of_json(lines: Iterator[str], time: str, message: str) -> Iterator[Line]:
    for line in lines:
        try:
            values = json.loads(line)
            at = datetime.fromisoformat(values[time])
        except (ValueError, KeyError, TypeError):
            continue
        request = f"{values.get('method')} | {values.get('status')} | {values.get('path')}"
        yield at, f"{request} | {values.get(message)}", values


def _of_postgres(lines: Iterator[str]) -> Iterator[Line]:
    last: Line | None = None
    for line in lines:
        found = _POSTGRES.match(line)
        if found is not None:
            pid, word = int(found[3]), found[4]
            if word in MORE and last is not None and last[2]["pid"] == pid:
                last[2][MORE[word]] = found[5]
                continue
            if last is not None:
                yield last
            at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
            last = at, found[5], {"error_severity": word, "pid": pid}
        elif last is not None and line.startswith("\t"):
            values = last[2]
            key = next(reversed(values))
            if key in MORE.values():
                values[key] += f"\n{line.strip()}"
            else:
                last = last[0], f"{last[1]}\n{line.strip()}", values
    if last is not None:
        yield last


def _tail(file: Path) -> Iterator[str]:
    try:
        with file.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - LARGEST_BYTES))
            yield from (line.decode(errors="replace") for line in log)
    except FileNotFoundError:
        return


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    if isinstance(row.get("metadata"), str):
        row["metadata"] = [json.loads(row["metadata"])]
    return row


TABLE: Table = (("GET", "/analytics/endpoints/logs.all", query),)
