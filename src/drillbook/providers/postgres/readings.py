"""SQL of a team's own, carried out where it can change nothing."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL

from drillbook.core.errors import Failed, Refused
from drillbook.ports.readings import Cell, Reading
from drillbook.providers.postgres.server import Server, set_locally


@dataclass(frozen=True, slots=True)
class PostgresReadings:
    """The `Readings` port on one database."""

    server: Server

    def read(self, query: str, *, at_most_rows: int, timeout_seconds: float) -> Reading:
        """Carry out one query in a read-only transaction that is always rolled back."""
        begun = time.monotonic()
        with self.server.session(
            application="drillbook checks", at_most=timeout_seconds
        ) as connection:
            connection.execute("BEGIN READ ONLY")
            set_locally(connection, "lock_timeout", "2s")
            try:
                # The extended protocol (binary asks for it) takes one statement only, so that
                # no text can end this transaction and write after it.
                cursor = connection.execute(SQL(query), binary=True)
                rows = cursor.fetchmany(at_most_rows + 1) if cursor.description else []
            except psycopg.errors.ReadOnlySqlTransaction as error:
                raise Refused(
                    f"the query would write ({error.diag.message_primary})",
                    hint="A check may only read.",
                ) from error
            except (psycopg.ProgrammingError, psycopg.DataError) as error:
                reason = error.diag.message_primary or type(error).__name__
                raise Failed(f"the query is wrong: {reason}", hint="Try it in psql.") from error
            columns = tuple(column.name for column in cursor.description or ())
            connection.execute("ROLLBACK")
        return Reading(
            columns=columns,
            rows=tuple(_cells(row) for row in rows[:at_most_rows]),
            seconds=time.monotonic() - begun,
            cut=len(rows) > at_most_rows,
        )


def _cells(row: Sequence[object]) -> tuple[Cell, ...]:
    return tuple(
        cell if cell is None or isinstance(cell, str | int | float) else str(cell) for cell in row
    )
