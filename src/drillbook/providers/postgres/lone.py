"""Statements that Postgres refuses inside a transaction: found done, repaired or done again."""

from collections.abc import Iterator

from psycopg import sql

from drillbook.analysis.units import Lone, Settling, Unit
from drillbook.core.errors import OutcomeUnknown, Refused
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session


def is_done(session: Session, unit: Unit, lone: Lone) -> bool:
    """
    Tell whether a statement that was cut off was carried out, and clear away its half state.

    Errors: OutcomeUnknown for statements whose effect nothing shows.
    """
    match lone.settling:
        case Settling.REPEAT:
            return False
        case Settling.INDEX_REBUILT:
            clear_leftovers(session, lone)
            return False
        case Settling.INDEX_BUILT:
            return clear_broken_index(session, lone)
        case Settling.INDEX_GONE:
            return all(_find(session, lone, index) is None for index in lone.indexes)
        case Settling.DETACHED:
            return _is_detached(session, lone)
        case Settling.UNKNOWN:
            statement = unit.statements[0]
            raise OutcomeUnknown(
                f"line {statement.line} ({statement.says}) was under way when its attempt died, "
                "and whether it was carried out cannot be seen",
                hint="Look at the database; then finish or take back the migration by hand.",
            )


def make_ready(session: Session, lone: Lone) -> tuple[str, ...]:
    """
    Clear away what a failed statement of this kind left, whoever ran it; return what was found.

    Errors: Refused when somebody is at it at this moment.
    """
    return tuple(_made_ready(session, lone))


def _made_ready(session: Session, lone: Lone) -> Iterator[str]:
    if lone.settling is Settling.INDEX_BUILT:
        found = _find(session, lone, lone.indexes[0])
        if found is not None and not found[2]:
            schema, name, _ = found
            _drop(session, schema, name)
            yield f"the index {schema}.{name} was invalid, left by a failed build; dropped"
    elif lone.settling is Settling.INDEX_REBUILT:
        yield from clear_leftovers(session, lone)


def clear_leftovers(session: Session, lone: Lone) -> tuple[str, ...]:
    """Drop the invalid twins that a failed REINDEX CONCURRENTLY left; return what was dropped."""
    schema, name = lone.indexes[0] if lone.indexes else lone.table
    values = {"name": _quoted(session, schema, name)}
    rows = session.execute(query("applying", "rebuild_leftovers"), values).fetchall()
    for left_schema, left_name in rows:
        _drop(session, str(left_schema), str(left_name))
    return tuple(
        f"the index {left_schema}.{left_name} was left by a failed REINDEX CONCURRENTLY; dropped"
        for left_schema, left_name in rows
    )


def clear_failed(session: Session, lone: Lone) -> None:
    """Clear away what a statement that is known to have failed left."""
    if lone.settling is Settling.INDEX_BUILT:
        clear_broken_index(session, lone)
    elif lone.settling is Settling.INDEX_REBUILT:
        clear_leftovers(session, lone)


def clear_broken_index(session: Session, lone: Lone) -> bool:
    """Return whether the index is there and valid; drop it when it is there and broken."""
    found = _find(session, lone, lone.indexes[0])
    if found is None:
        return False
    schema, name, valid = found
    if not valid:
        _drop(session, schema, name)
    return valid


def _drop(session: Session, schema: str, name: str) -> None:
    """Drop a broken index, unless somebody is building it at this moment."""
    index = sql.Identifier(schema, name)
    values = {"name": index.as_string(session)}
    rows = session.execute(query("applying", "building"), values).fetchall()
    if builders := describe(session, {row[0]: 0 for row in rows}):
        raise Refused(
            f"the index {schema}.{name} is being built by {builders[0].says}; nothing was changed",
            hint="Wait until that is done, then start again.",
        )
    session.execute(sql.SQL("DROP INDEX CONCURRENTLY IF EXISTS {}").format(index))


def finish_begun(session: Session, lone: Lone) -> bool:
    """Finish what was begun before and only has to be finished; tell whether that was so."""
    if lone.settling is not Settling.DETACHED:
        return False
    child, parent = (_quoted(session, *named) for named in (lone.indexes[0], lone.table))
    row = session.execute(
        query("applying", "detaching"), {"child": child, "parent": parent}
    ).fetchone()
    if row is None or not row[0]:
        return False
    session.execute(f"ALTER TABLE {parent} DETACH PARTITION {child} FINALIZE".encode())
    return True


def _is_detached(session: Session, lone: Lone) -> bool:
    """Tell whether a partition is detached; finish what was begun."""
    if finish_begun(session, lone):
        return True
    child, parent = (_quoted(session, *named) for named in (lone.indexes[0], lone.table))
    values = {"child": child, "parent": parent}
    return session.execute(query("applying", "detaching"), values).fetchone() is None


def _find(session: Session, lone: Lone, index: tuple[str, str]) -> tuple[str, str, bool] | None:
    table = _quoted(session, *lone.table) if lone.table[1] else ""
    values = {"index": index[1], "schema": index[0], "table": table}
    row = session.execute(query("applying", "index"), values).fetchone()
    return (str(row[0]), str(row[1]), bool(row[2])) if row else None


def _quoted(session: Session, *parts: str) -> str:
    named = [part for part in parts if part]
    return sql.Identifier(*named).as_string(session) if named else ""
