"""The `DatabaseVitals` port: two looks a second apart, and what lies between them."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import dict_row
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_result,
    stop_after_delay,
    wait_random_exponential,
)

from drillbook.core.errors import DrillbookError
from drillbook.core.secret import scrub_foreign
from drillbook.ports.database import Blocker
from drillbook.ports.vitals import (
    Entrance,
    Holder,
    RoleUse,
    Statement,
    TableUse,
    Vitals,
    Waiting,
)
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.sentences import short
from drillbook.providers.postgres.server import Server, Session, set_locally

ENTER_SECONDS = 5.0
LOOK_SECONDS = 10.0
# A full server keeps a few places for its operators, and others of ours may sit on them just now.
FULL_SECONDS, PAUSE_SECONDS = 5.0, 0.5
BETWEEN_SECONDS = 1.0
LOCK_TIMEOUT = "2s"
SLOW_SECONDS = 0.5
MOST_STATEMENTS = 10
MOST_SESSIONS = 100
MOST_TABLES = 20
BUSY_ROWS_PER_SECOND = 1000.0
Row = dict[str, Any]  # Any: columns of several types
BY_STATE = {
    "53300": Entrance.FULL,
    "28P01": Entrance.PASSWORD,
    "28000": Entrance.PASSWORD,
    "57P03": Entrance.STARTING,
    "57P01": Entrance.STARTING,
    "57P02": Entrance.STARTING,
}
# What libpq says before a server has said anything, and what a server says at the door.
BY_WORDS = (
    ("remaining connection slots", Entrance.FULL),
    ("too many clients", Entrance.FULL),
    ("too many connections", Entrance.FULL),
    ("password authentication failed", Entrance.PASSWORD),
    ("starting up", Entrance.STARTING),
    ("shutting down", Entrance.STARTING),
    ("in recovery mode", Entrance.STARTING),
    ("connection refused", Entrance.REFUSED),
    ("no such file or directory", Entrance.REFUSED),
    ("timeout", Entrance.NO_ANSWER),
    ("timed out", Entrance.NO_ANSWER),
)


@dataclass(frozen=True, slots=True)
class PostgresVitals:
    """Looks at one database in one session."""

    server: Server

    def vitals(self) -> Vitals:
        """Enter, look, and measure for a second; one that cannot be entered is an answer, too."""
        trying = Retrying(
            retry=retry_if_result(_is_full),
            stop=stop_after_delay(FULL_SECONDS),
            wait=wait_random_exponential(PAUSE_SECONDS, max=PAUSE_SECONDS),
            retry_error_callback=_last,
        )
        return trying(self._vitals)

    def _vitals(self) -> Vitals:
        begun = time.monotonic()
        server = replace(self.server, connect_seconds=ENTER_SECONDS)
        entered = False
        try:
            with server.session(application="drillbook vitals", at_most=LOOK_SECONDS) as session:
                entered = True
                seconds = time.monotonic() - begun
                set_locally(session, "lock_timeout", LOCK_TIMEOUT, local=False)
                return _looked(session, seconds)
        except DrillbookError as error:
            # Let in and then without an answer is not the same as not let in.
            return Vitals(
                entrance=Entrance.FAILED if entered else _entrance(error),
                problem=scrub_foreign(str(error)),
                seconds=round(time.monotonic() - begun, 3),
            )


def _is_full(vitals: Vitals) -> bool:
    return vitals.entrance is Entrance.FULL


def _last(state: RetryCallState) -> Vitals:
    if state.outcome is None:
        raise TypeError("the database was never looked at")
    found: Vitals = state.outcome.result()
    return found


def _entrance(error: DrillbookError) -> Entrance:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None) if isinstance(cause, psycopg.Error) else None
    if state in BY_STATE:
        return BY_STATE[state]
    words = f"{cause or ''} {error}".lower()
    return next((found for told, found in BY_WORDS if told in words), Entrance.FAILED)


def _looked(session: Session, entered: float) -> Vitals:
    server = _rows(session, "server")[0]
    ahead = (server["now"] - datetime.now(UTC)).total_seconds()
    before = _rows(session, "tables")
    sessions = _rows(session, "sessions")
    waits = {row["pid"]: row for row in _rows(session, "waits")}
    roles = tuple(RoleUse(**row) for row in _rows(session, "roles"))
    unindexed = {row["relid"]: tuple(row["columns"]) for row in _rows(session, "unindexed")}
    time.sleep(BETWEEN_SECONDS)  # a rate needs two looks
    after = _rows(session, "tables")
    return Vitals(
        entrance=Entrance.OPEN,
        seconds=round(entered, 3),
        started_at=server["started_at"],
        clock_ahead_seconds=round(ahead, 2),
        read_only=server["read_only"],
        used=server["used"],
        limit=server["limit"],
        roles=roles,
        holders=_holders(sessions),
        blockers=_blockers(sessions),
        waiting=tuple(_waiting(row, waits) for row in sessions if row["blocked_by"]),
        running=_running(sessions),
        tables=_tables(before, after, unindexed),
    )


def _rows(session: Session, name: str) -> list[Row]:
    with session.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("vitals", name), {}).fetchall()


def _blocker(row: Row, waiting: int = 0) -> Blocker:
    return Blocker(
        pid=row["pid"],
        application=row["application"],
        user=row["user"],
        state=row["state"],
        transaction_seconds=row["transaction_seconds"],
        query=short(row["query"]),
        waiting=waiting,
        session_started=row["session_started"],
        transaction_started=row["transaction_started"],
        state_since=row["state_since"],
    )


def _blockers(sessions: Sequence[Row]) -> tuple[Blocker, ...]:
    """Return who is waited for and waits for nobody: those at the head of the queues."""
    waited = Counter(pid for row in sessions for pid in row["blocked_by"])
    behind: dict[int, set[int]] = {row["pid"]: set(row["blocked_by"]) for row in sessions}
    heads = [row for row in sessions if waited[row["pid"]] and not row["blocked_by"]]
    counts = {row["pid"]: _queue(row["pid"], behind) for row in heads}
    found = [_blocker(row, counts[row["pid"]]) for row in heads]
    return tuple(sorted(found, key=lambda one: (-one.waiting, -one.transaction_seconds)))


def _queue(head: int, behind: Mapping[int, set[int]]) -> int:
    """Count who waits for a session, at first or second hand."""
    found: set[int] = set()
    grown = {head}
    while grown:
        grown = {pid for pid, before in behind.items() if before & grown} - found - {head}
        found |= grown
    return len(found)


def _waiting(row: Row, waits: Mapping[int, Row]) -> Waiting:
    wait = waits.get(row["pid"], {})
    return Waiting(
        pid=row["pid"],
        role=row["user"],
        application=row["application"],
        seconds=round(float(wait.get("seconds") or row["query_seconds"]), 3),
        relation=str(wait.get("relation") or ""),
        mode=str(wait.get("mode") or ""),
        query=short(row["query"]),
        blocked_by=tuple(row["blocked_by"]),
    )


def _holders(sessions: Iterable[Row]) -> tuple[Holder, ...]:
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sessions:
        groups[row["user"], row["application"]].append(row)
    found = [_holder(role, application, rows) for (role, application), rows in groups.items()]
    return tuple(sorted(found, key=lambda one: -one.count))


def _holder(role: str, application: str, rows: list[Row]) -> Holder:
    idle = [row for row in rows if row["state"] == "idle"]
    return Holder(
        role=role,
        application=application,
        count=len(rows),
        idle=len(idle),
        longest_idle_seconds=round(max((row["state_seconds"] for row in idle), default=0.0), 1),
        waiting_for_locks=sum(bool(row["blocked_by"]) for row in rows),
        sessions=tuple(_blocker(row) for row in rows[:MOST_SESSIONS]),
    )


def _running(sessions: Iterable[Row]) -> tuple[Statement, ...]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sessions:
        if row["state"] == "active" and row["query_seconds"] >= SLOW_SECONDS:
            groups[short(row["query"])].append(row)
    found = []
    for said, rows in groups.items():
        oldest = max(rows, key=lambda row: float(row["query_seconds"]))
        waits = " ".join(filter(None, (oldest["wait_type"], oldest["wait_event"])))
        found.append(
            Statement(
                query=said,
                sessions=len(rows),
                longest_seconds=round(oldest["query_seconds"], 2),
                role=oldest["user"],
                application=oldest["application"],
                waits_for=waits,
            )
        )
    return tuple(sorted(found, key=lambda one: -one.longest_seconds)[:MOST_STATEMENTS])


def _tables(
    before: Sequence[Row], after: Sequence[Row], unindexed: Mapping[int, tuple[str, ...]]
) -> tuple[TableUse, ...]:
    known = {row["relid"]: row for row in before}
    found = [
        _table(known[row["relid"]], row, unindexed.get(row["relid"], ()))
        for row in after
        if row["relid"] in known
    ]
    busy = [one for one in found if one.rows_per_second >= BUSY_ROWS_PER_SECOND or one.unindexed]
    return tuple(sorted(busy, key=lambda one: -one.rows_per_second)[:MOST_TABLES])


def _table(before: Row, after: Row, unindexed: tuple[str, ...]) -> TableUse:
    seconds = max(after["at"] - before["at"], 0.001)
    scans, read = after["scans"] - before["scans"], after["read"] - before["read"]
    return TableUse(
        table=after["table"],
        rows=after["rows"],
        size_bytes=after["size_bytes"],
        scans_per_second=round(scans / seconds, 2),
        rows_per_second=round(read / seconds, 1),
        before_per_second=round(before["read"] / max(before["counted_seconds"], 1.0), 1),
        read_per_scan=round(read / scans, 1) if scans else 0.0,
        unindexed=unindexed,
        inserted=after["inserted"],
    )
