"""The database's settings by the Management API: written to the real server, and reloaded."""

from typing import Any

from psycopg import sql

from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.database import connected, sql_errors

WHOLE = {
    "max_connections", "max_locks_per_transaction", "max_parallel_maintenance_workers",
    "max_parallel_workers", "max_parallel_workers_per_gather", "max_replication_slots",
    "max_wal_senders", "max_worker_processes",
}  # fmt: skip
TEXT = {
    "checkpoint_timeout", "effective_cache_size", "logical_decoding_work_mem",
    "maintenance_work_mem", "max_slot_wal_keep_size", "max_standby_archive_delay",
    "max_standby_streaming_delay", "max_wal_size", "session_replication_role", "shared_buffers",
    "statement_timeout", "track_activity_query_size", "wal_keep_size", "wal_sender_timeout",
    "work_mem",
}  # fmt: skip
SWITCHES = {"hot_standby_feedback", "track_commit_timestamp"}
RESTART = "restart_database"
# What was set for all sessions, not what this session of ours has.
_SET = """
SELECT DISTINCT ON (name) name, setting FROM pg_file_settings
 WHERE error IS NULL AND sourcefile LIKE '%%postgresql.auto.conf' AND name = ANY(%s)
 ORDER BY name, seqno DESC
"""


def show(asked: Asked) -> Answer:
    """Show what was set for the server; nothing of what it has by itself."""
    return 200, _shown(asked)


def change(asked: Asked) -> Answer:
    """Set what is named; what needs a start of the server waits for its next one."""
    wanted = asked.body if isinstance(asked.body, dict) else {}
    for name, value in wanted.items():
        _see(name, value)
    if wanted.get(RESTART):
        raise ApiError(403, "The server of the practice is not the platform's to start anew")
    with sql_errors(), connected(asked.project) as connection:
        for name, value in wanted.items():
            if name != RESTART:
                said = str(value).lower() if isinstance(value, bool) else str(value)
                words = sql.SQL("ALTER SYSTEM SET {} = {}")
                connection.execute(words.format(sql.Identifier(name), sql.Literal(said)))
        connection.execute("SELECT pg_reload_conf()")
    return 200, _shown(asked)


def _shown(asked: Asked) -> dict[str, Any]:
    with connected(asked.project) as connection:
        rows = connection.execute(_SET, (sorted(WHOLE | TEXT | SWITCHES),)).fetchall()
    return {row["name"]: _value(row["name"], row["setting"]) for row in rows}


def _value(name: str, setting: str) -> Any:  # Any: JSON for outside
    if name in WHOLE:
        return int(setting)
    return setting in {"on", "true", "yes", "1"} if name in SWITCHES else setting


def _see(name: str, value: object) -> None:
    kinds: dict[type, set[str]] = {int: WHOLE, str: TEXT, bool: SWITCHES | {RESTART}}
    kind = next((kind for kind, names in kinds.items() if name in names), None)
    if kind is None:
        raise ApiError(400, f"{name}: there is no such setting here")
    if type(value) is not kind:
        raise ApiError(400, f"{name}: expected {kind.__name__}")


TABLE: Table = (
    ("GET", "/config/database/postgres", show),
    ("PUT", "/config/database/postgres", change),
)
