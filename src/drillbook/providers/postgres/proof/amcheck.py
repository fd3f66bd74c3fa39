"""Every index has every row of its table: `pg_amcheck --heapallindexed` on a whole database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.programs import LONGEST_SECONDS, run_program
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.sentences import first_line
from drillbook.providers.postgres.server import Server, Session

JOBS = 2
NAMED_AT_MOST = 5
_FOUND = re.compile(r"^(?:heap table|btree index) \"(.+)\"(?:, block.*)?:$")


def check_indexes(
    commands: Commands, server: Server, effect: Effect, server_major: int, *, catalogs: bool
) -> tuple[str, ...]:
    """
    Return a sentence for each table or index that is not whole.

    `catalogs` looks at the server's own tables as well, which a dump does not bring.

    Refused says why it could not be looked: the program, the extension or the right is missing.
    """
    with _extension(server):
        options = (
            "--heapallindexed", f"--jobs={JOBS}", "--no-password",
            *(() if catalogs else ("--exclude-schema=pg_catalog",)),
            f"--database={server.parameters()['dbname']}",
        )  # fmt: skip
        found: list[str] = []
        try:
            run_program(
                commands, server, "pg_amcheck", options, effect_key=effect.key,
                server_major=server_major, on_output=lambda _, line: found.append(line),
            )  # fmt: skip
        except NotFound as error:
            raise Refused(f"indexes cannot be checked: {error}", hint=error.hint) from error
        except Failed:
            said = _said(found)
            if not said:
                raise
            return said
    return ()


def _said(lines: list[str]) -> tuple[str, ...]:
    said: list[str] = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if match := _FOUND.match(line.strip()):
            said.append(f"{match[1]}: {after.strip()}")
    if len(said) > NAMED_AT_MOST:
        return (*said[:NAMED_AT_MOST], f"and {len(said) - NAMED_AT_MOST} more findings")
    return tuple(said)


@contextmanager
def _extension(server: Server) -> Iterator[None]:
    """Have amcheck in the database while the block runs; it is no part of what was restored."""
    with server.session(at_most=LONGEST_SECONDS) as session:
        row = session.execute(query("proof", "amcheck")).fetchone()
        is_there, is_known = (bool(row[0]), bool(row[1])) if row else (False, False)
        if not is_there:
            if not is_known:
                raise Refused(
                    f"indexes cannot be checked: {server.where} has no extension amcheck",
                    hint="Install Postgres's contrib modules on that server.",
                )
            try:
                _silence(session)
                session.execute("CREATE EXTENSION amcheck SCHEMA pg_catalog")
            except psycopg.Error as error:
                raise Refused(
                    f"indexes cannot be checked: {first_line(error)}",
                    hint="A superuser can: CREATE EXTENSION amcheck, and grant its functions.",
                ) from error
    try:
        yield
    finally:
        if not is_there:
            with server.session(at_most=LONGEST_SECONDS) as session:
                _silence(session)
                session.execute("DROP EXTENSION IF EXISTS amcheck")


def _silence(session: Session) -> None:
    # The database's own event triggers would write rows that the backup did not have, or object.
    session.execute("SET session_replication_role = replica")
