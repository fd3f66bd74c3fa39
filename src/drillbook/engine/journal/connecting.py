"""Connections to the journal's Postgres: how they are made, and its errors as ours."""

from typing import Any

import psycopg
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from drillbook.core.errors import Damaged, DrillbookError, Refused, SettingsInvalid, Unavailable
from drillbook.engine.journal.store import ConnectionLost

Connection = psycopg.Connection[tuple[Any, ...]]  # Any: each query reads rows of its own

DEADLINES: dict[str, str | int | None] = {
    "connect_timeout": 5,
    "tcp_user_timeout": 20_000,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "application_name": "drillbook journal",
}
UNREACHABLE = ("08", "28", "3D", "57")  # classes of SQLSTATE; a failed connect has none
WRONG_LOGIN = ("password", "authentication", "does not exist", "pg_hba", "not permitted")


class Server:
    """One database, named without its password."""

    def __init__(self, url: str) -> None:
        try:
            parts = {**DEADLINES, **conninfo_to_dict(url)}
        except psycopg.ProgrammingError:
            # Not chained: the cause quotes the URL, and with it the password.
            raise SettingsInvalid(
                "the URL of the Postgres store cannot be read",
                hint="DRILLBOOK_STORE is postgresql://USER:PASSWORD@HOST:PORT/DATABASE; special "
                "characters in the password are percent-encoded.",
            ) from None
        self._conninfo = make_conninfo("", **parts)
        self._password = str(parts.get("password") or "")
        host, port = parts.get("host") or "localhost", parts.get("port") or 5432
        self.name = f"{parts.get('dbname') or 'the database'} at {host}:{port}"

    def connect(self) -> Connection:
        """Open a connection that commits only where it is told to."""
        connection = psycopg.connect(self._conninfo, autocommit=True, prepare_threshold=None)
        connection.execute("SET synchronous_commit = on; SET statement_timeout = '30s'")
        return connection

    def report(self, error: psycopg.Error) -> DrillbookError:
        """Say in one sentence what the server or the way to it met."""
        said = self._said(error)
        if isinstance(error, errors.UniqueViolation):
            return Damaged(
                f"the journal in {self.name} holds entries that its signed head does not count",
                hint="Run `drillbook journal verify`.",
            )
        if isinstance(error, errors.InsufficientPrivilege):
            return Refused(
                f"the login may not use the journal in {self.name}: {said}",
                hint="Let it create the schema drillbook once, or own the schema and its tables.",
            )
        if isinstance(error, errors.ReadOnlySqlTransaction):
            return Unavailable(
                f"{self.name} only reads now: {said}",
                hint="It may be a standby, or out of space; name the primary in DRILLBOOK_STORE.",
            )
        is_canceled = isinstance(error, errors.QueryCanceled)
        if not is_canceled and (error.sqlstate or "08")[:2] in UNREACHABLE:
            return self._unreachable(said)
        return Unavailable(
            f"the journal in {self.name} cannot be used: {said}",
            hint="Nothing of this append was recorded; set right what the server says, try again.",
        )

    def _unreachable(self, said: str) -> DrillbookError:
        if any(word in said for word in WRONG_LOGIN):
            return SettingsInvalid(
                f"{self.name} refuses the login: {said}",
                hint="Check user, password and database name in DRILLBOOK_STORE.",
            )
        return ConnectionLost(
            f"{self.name} does not answer: {said}",
            hint="Check that the server runs and can be reached; then try again.",
        )

    def _said(self, error: psycopg.Error) -> str:
        said = error.diag.message_primary or str(error).strip().splitlines()[0]
        said = said.rpartition("FATAL:")[2].strip()
        return said.replace(self._password, "***") if self._password else said
