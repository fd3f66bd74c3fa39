"""Faults of Postgres: nobody gets in, nobody gets on, slow, down, full."""

import os
import resource
import sys
from pathlib import Path
from signal import SIGKILL, SIGTERM

from psycopg import sql

from drillbook.core.errors import Failed
from drillbook.core.process_identity import (
    ProcessIdentity,
    children_of,
    identify,
    is_running,
    running_with,
    send_signal,
    wait_until_gone,
)
from drillbook.local.spawn import spawn
from drillbook.range.faults import holding
from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers, nothing_to_know

LOOK_SECONDS = 0.02
HOLD_SECONDS = 30.0
STOP_SECONDS = 5.0
IMPORTED = "import from the old system"
# What a scan of all bookings for each slot needs to be felt.
MANY_BOOKINGS = 60_000
SLOT_INDEX = "bookings_slot_idx"
# A WAL segment must still be writable: a server that cannot write its log stops for good.
SEGMENT_BYTES = 16 * 1024 * 1024
AUDIT_ROW_BYTES = 900
FILLER = "filler"
_FILL_BOOKINGS = """
INSERT INTO bookings (slot_id, staff_id, customer_id, during, status, note)
SELECT s.id, s.staff_id, u.id,
       tstzrange(lower(s.during) - interval '20 years', upper(s.during) - interval '20 years'),
       'cancelled', %s
  FROM generate_series(1, %s), (SELECT * FROM slots ORDER BY id LIMIT 1) AS s,
       (SELECT id FROM users ORDER BY id DESC LIMIT 1) AS u
"""
_FILL_AUDIT = """
INSERT INTO audit_log (actor, table_name, row_id, action, after)
SELECT %s, 'bookings', n::text, 'update', jsonb_build_object('note', repeat(md5(n::text), 25))
  FROM generate_series(1, %s) AS n
"""


def _hold(ground: Ground, what: str) -> None:
    folder = ground.environment.folder
    held = Path(f"{folder / what}.held")
    held.unlink(missing_ok=True)
    words = [sys.executable, "-m", holding.MODULE, "serve", str(folder), what]
    log = ground.cloud.folder / "faults" / f"holding-{what}.errors"
    env = {"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8"}
    started = identify(spawn(words, log, tied=False, env=env).pid)
    for _ in range(int(HOLD_SECONDS / LOOK_SECONDS)):
        if held.exists():
            return
        if started is None or wait_until_gone(started, LOOK_SECONDS):
            break
    raise Failed(f"the holder of {what} held nothing", hint=f"See {log}.")


def _let_go(ground: Ground, what: str) -> None:
    for process in _holders(ground, what):
        for number in (SIGTERM, SIGKILL):
            send_signal(process, number)
            if wait_until_gone(process, STOP_SECONDS):
                break
    Path(f"{ground.environment.folder / what}.held").unlink(missing_ok=True)


def let_go(ground: Ground) -> None:
    """End whoever holds something."""
    for what in (holding.CONNECTIONS, holding.LOCK):
        _let_go(ground, what)


def _holders(ground: Ground, what: str) -> tuple[ProcessIdentity, ...]:
    return running_with(holding.MODULE, "serve", str(ground.environment.folder), what)


def _holding(name: str, what: str, says: str) -> Fault:
    return Fault(
        name=name,
        says=says,
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=lambda ground, _: _hold(ground, what),
        mend=lambda ground, _: _let_go(ground, what),
        holds=lambda ground: bool(_holders(ground, what)),
    )


def _look_at_index(ground: Ground) -> Saved:
    with ground.connect() as connection:
        found = connection.execute("SELECT pg_get_indexdef(%s::regclass)", (SLOT_INDEX,)).fetchone()
    return {"index": found[0] if found else ""}


def _slow_down(ground: Ground, _: Saved) -> None:
    with ground.changing() as connection:
        connection.execute(sql.SQL("DROP INDEX IF EXISTS {}").format(sql.Identifier(SLOT_INDEX)))
        found = connection.execute("SELECT count(*) FROM bookings").fetchone()
        lacking = MANY_BOOKINGS - (found[0] if found else 0)
        connection.execute("SET session_replication_role = replica")  # no audit of old rows
        connection.execute(_FILL_BOOKINGS, (IMPORTED, max(0, lacking)))
        connection.execute("ANALYZE bookings")


def _speed_up(ground: Ground, saved: Saved) -> None:
    with ground.changing() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM bookings WHERE note = %s", (IMPORTED,))
        if not _has_index(ground):
            connection.execute(saved["index"].encode())
        connection.execute("VACUUM ANALYZE bookings")


def _has_index(ground: Ground) -> bool:
    with ground.connect() as connection:
        found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (SLOT_INDEX,)).fetchone()
    return found == (True,)


def _fill_disk(ground: Ground, _: Saved) -> None:
    server = ground.environment.server
    with ground.changing() as connection:
        query = "SELECT pg_relation_size('audit_log')"
        while (size_bytes := _one(connection.execute(query).fetchone())) < SEGMENT_BYTES:
            lacking = (SEGMENT_BYTES - size_bytes) // AUDIT_ROW_BYTES + 1
            connection.execute(_FILL_AUDIT, (FILLER, lacking))
        found = connection.execute("SELECT pg_relation_filepath('audit_log')").fetchone()
    # The kernel refuses every write behind this byte of any file, as a full disk does.
    data = server.data / str(found[0] if found else "")
    _limit_files(ground, max(SEGMENT_BYTES, data.stat().st_size))


def _limit_files(ground: Ground, size_bytes: int) -> None:
    running = ground.environment.server.identity()
    if running is None:
        return
    for process in (running, *children_of(running.pid)):
        if is_running(process):
            resource.prlimit(
                process.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY)
            )


def _free_disk(ground: Ground, _: Saved) -> None:
    _limit_files(ground, resource.RLIM_INFINITY)
    with ground.changing() as connection:
        connection.execute("DELETE FROM audit_log WHERE actor = %s", (FILLER,))
        connection.execute("VACUUM audit_log")


def _is_full(ground: Ground) -> bool:
    running = ground.environment.server.identity()
    if running is None:
        return False
    limit, _ = resource.prlimit(running.pid, resource.RLIMIT_FSIZE)
    return limit != resource.RLIM_INFINITY


def _one(row: tuple[int, ...] | None) -> int:
    return row[0] if row else 0


def _kill(ground: Ground, _: Saved) -> None:
    ground.environment.server.kill()


def _start(ground: Ground, _: Saved) -> None:
    ground.environment.server.start(tied=ground.tied)


FAULTS = (
    _holding(
        "database-out-of-connections",
        holding.CONNECTIONS,
        "a report worker holds every connection that Postgres gives to the app's login",
    ),
    _holding(
        "database-locked",
        holding.LOCK,
        "a forgotten transaction holds an exclusive lock on the table of bookings",
    ),
    Fault(
        name="database-slow",
        says="an index is gone, and an import has made the table of bookings big",
        suffers=Suffers.USERS,
        look=_look_at_index,
        act=_slow_down,
        mend=_speed_up,
        holds=lambda ground: not _has_index(ground),
    ),
    Fault(
        name="database-down",
        says="Postgres was killed",
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=_kill,
        mend=_start,
        holds=lambda ground: ground.environment.server.identity() is None,
    ),
    Fault(
        name="database-out-of-disk",
        says="the kernel refuses Postgres every write that makes the audit log longer",
        suffers=Suffers.USERS,
        look=nothing_to_know,
        act=_fill_disk,
        mend=_free_disk,
        holds=_is_full,
    ),
)
