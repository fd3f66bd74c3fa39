"""What reaches out of the transaction, so that no rollback takes it back."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from psycopg.rows import class_row

from drillbook.providers.postgres.behaviour.shapes import Function
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

_REACHES = re.compile(
    r"\b(dblink\w*|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_rotate_logfile"
    r"|lo_export|lo_import|pg_advisory_lock\w*|pg_try_advisory_lock\w*|setval|pg_sleep\w*"
    r"|pg_read_(?:binary_)?file|pg_switch_wal|pg_create_restore_point|pg_promote"
    # What net.http_… of pg_net asks for waits for the commit that never comes.
    r"|(?<!net\.)http_(?:get|post|put|patch|delete|head)(?=\s*\()"
    r"|copy\s[^;]*?\b(?:program|to\s+'|from\s+'))",
    re.IGNORECASE,
)
_COMMENTS = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def reach_of(body: str) -> str:
    """Return the word of a body that reaches outside; empty when none does."""
    found = _REACHES.search(_COMMENTS.sub(" ", body))
    return " ".join(found[1].split()).lower() if found else ""


@dataclass(frozen=True, slots=True)
class TriggerBody:
    """A trigger, and the body of its function."""

    relation: int
    name: str
    body: str


def reaching_triggers(
    session: Session, functions: Mapping[int, str], all_: Iterable[Function]
) -> Mapping[int, str]:
    """Return by table why its writes are not tried: what its triggers reach for."""
    names = {one.short: word for one in all_ if (word := functions.get(one.oid))}
    found: dict[int, str] = {}
    with session.cursor(row_factory=class_row(TriggerBody)) as cursor:
        for trigger in cursor.execute(query("behaviour", "trigger_bodies")):
            calls = (f"{n}()" for n in names if re.search(rf"\b{re.escape(n)}\s*\(", trigger.body))
            word = reach_of(trigger.body) or next(calls, "")
            if word:
                found[trigger.relation] = (
                    f"its trigger {trigger.name} calls {word}, which no rollback takes back"
                )
    return found


def reaching(functions: Iterable[Function]) -> Mapping[int, str]:
    """Return by number the functions that reach outside, also through others they call."""
    all_ = tuple(functions)
    found = {one.oid: word for one in all_ if (word := reach_of(one.body))}
    grown = True
    while grown:
        names = {one.short for one in all_ if one.oid in found}
        more = {
            one.oid: f"{name}()"
            for one in all_
            if one.oid not in found
            for name in names
            if name != one.short and re.search(rf"\b{re.escape(name)}\s*\(", one.body)
        }
        found |= more
        grown = bool(more)
    return found
