"""Sequences: no transaction holds them, so they are compared by being at least as far."""

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg.rows import class_row
from psycopg.sql import SQL

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Sequence:
    """One sequence; the name comes quoted from the catalog itself."""

    name: str
    increment: int
    cycles: bool


@dataclass(frozen=True, slots=True)
class Fed:
    """A column that takes its values from a sequence."""

    sequence: str
    increment: int
    table: str
    column: str


def read_sequences(session: Session) -> dict[str, int]:
    """Return the last value each sequence gave; one that gave none is a step before its start."""
    found: dict[str, int] = {}
    sequences = _sequences(session)
    for start in range(0, len(sequences), AT_ONCE):
        parts = [
            f"SELECT {index}, CASE WHEN is_called THEN last_value"  # noqa: S608 - see _sql
            f" ELSE last_value::numeric - {one.increment} END FROM {one.name}"
            for index, one in enumerate(sequences[start : start + AT_ONCE], start)
        ]
        for index, value in session.execute(_sql(" UNION ALL ".join(parts))).fetchall():
            found[sequences[index].name] = int(value)
    return found


def behind(session: Session, expected: Mapping[str, int]) -> tuple[str, ...]:
    """Return a sentence for each sequence that is not as far as expected."""
    now = read_sequences(session)
    steps = {one.name: one.increment for one in _sequences(session) if not one.cycles}
    return tuple(
        f"sequence {name} is at {now[name]}, and was at {value}"
        for name, value in sorted(expected.items())
        if name in now and name in steps and (now[name] - value) * steps[name] < 0
    )


def behind_their_data(session: Session) -> tuple[tuple[str, str], ...]:
    """Return each sequence whose next value a column may have already, with a sentence."""
    now = read_sequences(session)
    with session.cursor(row_factory=class_row(Fed)) as cursor:
        fed = cursor.execute(query("proof", "owned_sequences")).fetchall()
    said: list[tuple[str, str]] = []
    for one in fed:
        furthest = "max" if one.increment > 0 else "min"
        statement = f"SELECT {furthest}({one.column})::numeric FROM {one.table}"  # noqa: S608 - as above
        row = session.execute(_sql(statement)).fetchone()
        if row is None or row[0] is None or one.sequence not in now:
            continue
        if (now[one.sequence] - int(row[0])) * one.increment < 0:
            says = (
                f"sequence {one.sequence} is at {now[one.sequence]}, "
                f"and {one.table}.{one.column} has {row[0]} already"
            )
            said.append((one.sequence, says))
    return tuple(sorted(said))


def _sequences(session: Session) -> list[Sequence]:
    with session.cursor(row_factory=class_row(Sequence)) as cursor:
        return cursor.execute(query("proof", "sequences")).fetchall()


def _sql(text: str) -> SQL:
    # Made of numbers and of names that the catalog itself has quoted, never of what people type.
    return SQL(text)
