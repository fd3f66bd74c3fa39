"""Two databases change names in one transaction, while nobody may be connected to them."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

import psycopg
from psycopg import errors, sql

from drillbook.core.effect import Effect
from drillbook.core.errors import OutcomeUnknown, Refused, Unavailable
from drillbook.providers.postgres.database import describe
from drillbook.providers.postgres.names import Stage, read_mark
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.sentences import first_line, is_lost
from drillbook.providers.postgres.server import Server, Session, set_locally

TRIES = 3
PAUSE_SECONDS = 0.05
LOCK_MILLISECONDS = "5000"


class Swap:
    """
    Renames databases of one server; `session` is on another database of it.

    A rename holds the database's lock: who connects meanwhile waits and finds the new one.
    """

    def __init__(self, server: Server, session: Session, effect: Effect) -> None:
        self._server = server
        self._session = session
        self._effect = effect

    def rename(self, steps: tuple[tuple[str, str, str | None], ...], proven: str) -> None:
        """
        Rename and comment databases in one transaction, ending the sessions in them.

        `proven` is the database that must carry this effect's mark when the lock is held.
        """
        old_names = [old for old, _, _ in steps]
        for tried in range(1, TRIES + 1):
            with self._emptied(old_names) as failures:
                try:
                    return self._once(steps, proven)
                except errors.ObjectInUse as error:
                    cause = error
                except psycopg.Error as error:
                    if is_lost(error):
                        raise OutcomeUnknown(
                            f"the connection to {self._server.where} was lost during the swap: "
                            f"{first_line(error)}",
                            hint="Look again when the server answers: the names tell.",
                        ) from error
                    raise
            if failures:
                raise failures[0]
            if tried == TRIES:
                raise self._in_use(old_names, cause) from cause
        raise AssertionError("the last try returns or raises")

    def _once(self, steps: tuple[tuple[str, str, str | None], ...], proven: str) -> None:
        with self._session.transaction():
            set_locally(self._session, "lock_timeout", LOCK_MILLISECONDS)
            for old, new, comment in steps:
                self._execute("ALTER DATABASE {} RENAME TO {}", old, new)
                words = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
                    sql.Identifier(new), sql.Literal(comment)
                )
                if old == proven:
                    self._refuse_foreign(new)
                self._session.execute(words)
            self._effect.still_mine()

    def _refuse_foreign(self, name: str) -> None:
        """Stop when somebody else did this already: a worker that slept must change nothing."""
        row = self._session.execute(query("restore", "databases"), {"names": [name]}).fetchone()
        found = read_mark(row[1] if row else None)
        wanted = (Stage.PROVEN, Stage.BEFORE)
        if found is None or found.key != self._effect.key or found.stage not in wanted:
            raise Refused(
                f"database {name} is not what this restore made; nothing was swapped",
                hint="Look which databases there are, and at the comments on them.",
            )

    def _execute(self, statement: str, *names: str) -> None:
        text = sql.SQL(statement).format(*map(sql.Identifier, names))
        self._session.execute(text)

    @contextmanager
    def _emptied(self, names: list[str]) -> Iterator[list[Exception]]:
        """Keep ending the sessions in these databases until the block ends."""
        ended = Event()
        failures: list[Exception] = []
        thread = Thread(
            target=self._end_sessions, args=(names, ended, failures), daemon=True, name="emptying"
        )
        thread.start()
        try:
            yield failures
        finally:
            ended.set()
            thread.join()

    def _end_sessions(self, names: list[str], ended: Event, failures: list[Exception]) -> None:
        try:
            with self._server.session(application="drillbook emptying") as session:
                while True:
                    rows = session.execute(query("restore", "sessions_of"), {"names": names})
                    pids = [row[0] for row in rows.fetchall()]
                    if pids:
                        session.execute(query("database", "terminate"), {"pids": pids})
                    if ended.wait(PAUSE_SECONDS):
                        return
        except Exception as error:  # noqa: BLE001 - told by the thread that waits for this one
            failures.append(error)

    def _in_use(self, names: list[str], error: psycopg.Error) -> Unavailable:
        rows = self._session.execute(query("restore", "sessions_of"), {"names": names})
        pids = {int(row[0]): 0 for row in rows.fetchall()}
        who = " and ".join(blocker.says for blocker in describe(self._session, pids))
        detail = error.diag.message_detail or ""
        return Unavailable(
            f"{first_line(error)} {detail} {who}".strip() + "; nothing was swapped",
            hint="End those sessions and prepared transactions, then try again.",
        )
