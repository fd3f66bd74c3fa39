"""What stands for what in a book: a cause and where to look, a repair and its task, a signal."""

from collections.abc import Mapping
from dataclasses import dataclass

from drillbook.core.incident import CauseKind, FixKind


@dataclass(frozen=True, slots=True)
class TaskWords:
    """A bullet's text, its action, and its values; `{c}` is the name of the culprit's result."""

    says: str
    does: str
    values: str = ""


_DATABASE = TaskWords(
    "Look at the database: connections, locks, slow statements", "database.vitals"
)
_CHANGES = TaskWords("List what was changed before it began", "app.changes")
_OUTSIDE = TaskWords("Look at the services and platforms below the app", "platform.status")
_WHO = TaskWords("See who is hit, and by whom", "errors.hit")

LOOKS: Mapping[str, TaskWords] = {
    CauseKind.RELEASE: _CHANGES,
    CauseKind.MIGRATION: _CHANGES,
    CauseKind.VALUE: TaskWords("Compare the values with those of the build", "app.values"),
    CauseKind.PASSWORD: TaskWords("Compare the values with those of the build", "app.values"),
    CauseKind.LIMIT: TaskWords("Look at the rate limiter's counts", "ratelimit.state"),
    CauseKind.CACHE: TaskWords("Look at the rate limiter's cache", "ratelimit.state"),
    CauseKind.CONNECTIONS: _DATABASE,
    CauseKind.LOCK: _DATABASE,
    CauseKind.SLOW_QUERY: _DATABASE,
    CauseKind.DATABASE: _DATABASE,
    CauseKind.DISK: _DATABASE,
    CauseKind.AUTH: _OUTSIDE,
    CauseKind.CLOCK: _OUTSIDE,
    CauseKind.DEPENDENCY: _OUTSIDE,
    CauseKind.HOSTING: _OUTSIDE,
    CauseKind.PROCESS: TaskWords("Ask the app from outside how it is", "app.health"),
    CauseKind.TRAFFIC: _WHO,
    CauseKind.SOURCE: _WHO,
}

_REDEPLOY = TaskWords("Build the same commit again with these values", "deployment.redeploy")
FIXES: Mapping[str, tuple[TaskWords, ...]] = {
    FixKind.ROLL_BACK: (
        TaskWords(
            "Let the last good release serve again",
            "deployment.rollback",
            ' to=${{{c}.to}} leaving=${{{c}.leaving}} because="${{run.id}}"',
        ),
    ),
    FixKind.REDEPLOY: (_REDEPLOY,),
    FixKind.TAKE_BACK_MIGRATION: (
        TaskWords(
            "Take back the migration that broke what had worked",
            "migration.take_back",
            " name=${{{c}.migration}} folder=migrations seen=${{{c}.at}}",
        ),
    ),
    FixKind.END_SESSIONS: (
        TaskWords(
            "End the sessions that hold what others wait for",
            "database.end_sessions",
            " sessions=${{{c}.sessions}}",
        ),
    ),
    FixKind.RAISE_CONNECTIONS: (
        TaskWords(
            "Give the app's database login the connections it needs",
            "database.raise_connections",
            " role=${{{c}.role}}",
        ),
    ),
    FixKind.RESTART_DATABASE: (
        TaskWords("Start the database anew", "database.restart", " since=${{{c}.at}} if_away=true"),
    ),
    FixKind.RESTORE_VALUE: (
        TaskWords(
            "Set the value that is missing or wrong", "app.set_value", " name=${{{c}.variable}}"
        ),
        _REDEPLOY,
    ),
    FixKind.CLEAR_LIMIT: (
        TaskWords(
            "Free users whom counts without an end lock out",
            "ratelimit.clear",
            " prefix=${{{c}.prefix}}",
        ),
    ),
    FixKind.BLOCK_SOURCE: (
        TaskWords("Turn away the one source of it", "app.block_source", " address=${{{c}.source}}"),
    ),
    FixKind.SHED: (TaskWords("Turn away what no person sends", "app.shed"),),
    FixKind.SWITCH_OFF: (
        TaskWords(
            "Let the app do without the service that fails",
            "app.switch_off",
            " dependency=${{{c}.dependency}}",
        ),
        _REDEPLOY,
    ),
}

# What users felt, as the culprit says it, and the signal that tells of it.
SIGNALS: Mapping[str, str] = {
    "requests fail": 'errors.raised("5m")',
    "requests are refused": 'refusals.raised("5m")',
    "answers are slow": 'latency.raised("5m")',
    "nobody is answered": 'probes.failing("20s")',
    "only the health check fails": 'probes.failing("20s")',
}
