"""What reaches out of the transaction, so that no rollback takes it back."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from psycopg.rows import class_row

from drillbook.providers.postgres.behaviour.shapes import Shape
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

_REACHES = re.compile(
    r"\b(dblink\w*|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile"
    r"|lo_export|lo_import|pg_advisory_lock\w*|pg_try_advisory_lock\w*|setval|pg_sleep\w*"
    r"|pg_read_(?:binary_)?file|pg_file_\w+|pg_switch_wal|pg_create_restore_point|pg_promote"
    r"|pg_logical_emit_message|pg_stat_reset\w*|pg_(?:create|drop)_\w*replication_slot"
    # What net.http_… of pg_net asks for waits for the commit that never comes.
    r"|(?<!net\.)\bhttp(?:_(?:get|post|put|patch|delete|head))?(?=\s*\()"
    r"|copy\s[^;]*?\b(?:program|to\s+'|from\s+'))",
    re.IGNORECASE,
)
_HEAVY = re.compile(
    r"\b(truncate|refresh\s+materialized|reindex|alter\s+table|(?:create|drop)\s+(?:unique\s+)?index"
    r"|lock\s+table|lock(?=\s+[\w.\"]+\s+in\b))\b",
    re.IGNORECASE,
)
_EXECUTES = re.compile(r"\bexecute\b", re.IGNORECASE)
_WRITES = (
    r"\b(?:insert\s+into|update|delete\s+from|merge\s+into)\s+(?:only\s+)?(?:\"?\w+\"?\s*\.\s*)?"
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


NEVER_BACK = "which no rollback takes back"


@dataclass(frozen=True, slots=True)
class Outside:
    """Which functions reach outside, and which tables and views when written to; with why."""

    functions: Mapping[int, str]
    tables: Mapping[int, str]
    names: frozenset[str]

    def reach_of(self, text: str) -> str:
        """Return what a text calls that reaches outside; empty when nothing does."""
        return reach_of(text) or next((f"{name}()" for name in _called(text, self.names)), "")


@dataclass(frozen=True, slots=True)
class TriggerBody:
    """A trigger, and the body of its function."""

    relation: int
    name: str
    body: str


def reach_of(body: str) -> str:
    """Return the word of a body that reaches outside; empty when none does."""
    return _word(_REACHES, body)


def heavy_of(body: str) -> str:
    """Return the word of a body that locks a whole table; empty when none does."""
    return _word(_HEAVY, body)


def find_outside(session: Session, shape: Shape) -> Outside:
    """Find what reaches outside: by itself, through calls, or through the triggers it fires."""
    with session.cursor(row_factory=class_row(TriggerBody)) as cursor:
        triggers = cursor.execute(query("behaviour", "trigger_bodies")).fetchall()
    found = Outside({}, {}, frozenset())
    while True:
        tables = dict(found.tables) | dict(_tables(shape, triggers, found))
        functions = dict(found.functions) | dict(_functions(shape, found))
        names = frozenset(one.short for one in shape.functions if one.oid in functions)
        if (len(tables), len(functions)) == (len(found.tables), len(found.functions)):
            return found
        found = Outside(functions, tables, names)


def _functions(shape: Shape, known: Outside) -> Iterator[tuple[int, str]]:
    for one in shape.functions:
        if one.oid in known.functions:
            continue
        body = _COMMENTS.sub(" ", one.body)
        word = reach_of(body) or next(
            (f"{name}()" for name in _called(body, known.names - {one.short})), ""
        )
        if word:
            yield one.oid, f"it calls {word}, {NEVER_BACK}"
        elif written := _written(body, shape, known):
            yield one.oid, f"it writes to {written}"


def _tables(
    shape: Shape, triggers: Iterable[TriggerBody], known: Outside
) -> Iterator[tuple[int, str]]:
    for trigger in triggers:
        if trigger.relation in known.tables:
            continue
        if word := known.reach_of(trigger.body):
            yield trigger.relation, f"its trigger {trigger.name} calls {word}, {NEVER_BACK}"
        elif written := _written(_COMMENTS.sub(" ", trigger.body), shape, known):
            yield trigger.relation, f"its trigger {trigger.name} writes to {written}"
    for one, other, kind in shape.links:
        pairs = [(one, other)] if kind == "view" else [(one, other), (other, one)]
        for below, above in pairs if kind != "key" else ():
            if below in known.tables and above not in known.tables and below in shape.tables:
                yield above, f"it leads to {shape.tables[below].name}: {known.tables[below]}"


def _written(body: str, shape: Shape, known: Outside) -> str:
    """Return the table whose triggers reach outside that a body writes to, and why they do."""
    dynamic = _EXECUTES.search(body) is not None
    for oid, why in known.tables.items():
        if oid not in shape.tables:
            continue
        table = shape.tables[oid].relation
        name = rf'"?\b{re.escape(table.short)}\b'
        if re.search((r"" if dynamic else _WRITES) + name, body, re.IGNORECASE):
            return f"{table.name}: {why}"
    return ""


def _called(text: str, names: Iterable[str]) -> Iterator[str]:
    return (n for n in sorted(names) if re.search(rf'\b{re.escape(n)}"?\s*\(', text))


def _word(words: re.Pattern[str], body: str) -> str:
    found = words.search(_COMMENTS.sub(" ", body))
    return " ".join(found[1].split()).lower() if found else ""
