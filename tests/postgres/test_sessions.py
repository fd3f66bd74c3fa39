"""The session that is named is ended, and no other."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from drillbook.actions import database as actions
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Risk
from drillbook.core.quantities import parse_duration
from drillbook.ports.database import Blocker
from drillbook.ports.sessions import HowEnded
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.sessions import PostgresSessions
from postgres.conftest import Run

EFFECT = Effect(key="r-1/2.1", run="r-1")
Session = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def sessions(server: Server) -> PostgresSessions:
    return PostgresSessions(server)


@pytest.fixture
def holder(database_url: str, run: Run) -> Iterator[Session]:
    run("CREATE TABLE notes (id int)")
    with psycopg.connect(database_url, application_name="reporting") as connection:
        connection.execute("SELECT * FROM notes")
        yield connection
        connection.close()


def blocker(database: PostgresDatabase) -> Blocker:
    found = actions.blockers.do(database, table="notes").oldest
    assert found is not None
    return found


def named(found: Blocker) -> dict[str, object]:
    """What `database.blockers` gave, as a book hands it on."""
    return {
        "pid": found.pid,
        "session_started": found.session_started,
        "transaction_started": found.transaction_started,
    }


def test_an_idle_transaction_is_ended_and_a_second_time_is_gone(
    database: PostgresDatabase, sessions: PostgresSessions, holder: Session
) -> None:
    found = blocker(database)
    assert actions.look_ended(sessions, EFFECT, **named(found)) is None

    ended = actions.end_session.do(sessions, EFFECT, **named(found))

    assert ended.how is HowEnded.TERMINATED
    with pytest.raises(psycopg.OperationalError):
        holder.execute("SELECT 1")
    looked = actions.look_ended(sessions, EFFECT, **named(found))
    assert looked is not None
    assert looked.how is HowEnded.GONE
    assert actions.end_session.do(sessions, EFFECT, **named(found)).how is HowEnded.GONE


def test_a_running_statement_is_cancelled_and_its_session_lives_on(
    database: PostgresDatabase, sessions: PostgresSessions, holder: Session, run: Run
) -> None:
    said: list[str] = []

    def work() -> None:
        try:
            holder.execute("SELECT pg_sleep(30)")
        except psycopg.errors.QueryCanceled:
            said.append("cancelled")

    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 20
    while (found := blocker(database)).state != "active":
        assert time.monotonic() < until
    ended = actions.end_session.do(sessions, EFFECT, **named(found))
    thread.join()

    assert (ended.how, said) == (HowEnded.CANCELLED, ["cancelled"])
    holder.rollback()
    assert holder.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_does_not_heed_is_terminated_after_the_grace(
    database: PostgresDatabase, sessions: PostgresSessions, holder: Session, run: Run
) -> None:
    holder.execute(
        "CREATE FUNCTION stubborn() RETURNS void LANGUAGE plpgsql AS 'BEGIN LOOP BEGIN PERFORM"
        " pg_sleep(9); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END'"
    )

    def work() -> None:
        with pytest.raises(psycopg.OperationalError):
            holder.execute("SELECT stubborn()")

    thread = threading.Thread(target=work)
    thread.start()
    until = time.monotonic() + 20
    while (found := blocker(database)).state != "active":
        assert time.monotonic() < until
    ended = actions.end_session.do(sessions, EFFECT, **named(found), grace=parse_duration("100ms"))
    thread.join()

    assert ended.how is HowEnded.TERMINATED


def test_a_number_that_was_given_out_again_or_a_later_transaction_is_never_hit(
    database: PostgresDatabase, sessions: PostgresSessions, holder: Session
) -> None:
    found = blocker(database)
    holder.rollback()
    holder.execute("SELECT * FROM notes")
    assert found.session_started is not None
    recycled = named(found) | {"session_started": found.session_started - timedelta(hours=1)}

    for name in (named(found), recycled):
        assert actions.end_session.do(sessions, EFFECT, **name).how is HowEnded.GONE

    assert holder.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"pid": 0}, "0 is no session's process number"),
        ({"pid": -4}, "-4 is no session's process number"),
        ({"session_started": datetime(2026, 11, 24, 9)}, "without its zone"),  # noqa: DTZ001 - meant
        ({"grace": timedelta(hours=1)}, "a grace of 3600 s"),
    ],
)
def test_what_names_no_session_is_refused(
    sessions: PostgresSessions, values: dict[str, object], says: str
) -> None:
    name: dict[str, object] = {"pid": 7, "session_started": datetime(2026, 11, 24, 9, tzinfo=UTC)}

    with pytest.raises(Refused, match=says):
        actions.end_session.do(sessions, EFFECT, **(name | values))


def test_sessions_of_the_server_and_of_drillbook_are_refused(
    sessions: PostgresSessions, server: Server, run: Run
) -> None:
    writer = run("SELECT pid, backend_start FROM pg_stat_activity"
                 " WHERE backend_type = 'checkpointer'")[0]  # fmt: skip
    with pytest.raises(Refused, match="the server's own checkpointer"):
        actions.end_session.do(sessions, EFFECT, pid=writer[0], session_started=writer[1])
    with server.session(application="drillbook r-7:3.1") as ours:
        me = ours.execute("SELECT pid, backend_start FROM pg_stat_activity"
                          " WHERE pid = pg_backend_pid()").fetchone()  # fmt: skip
        assert me is not None
        with pytest.raises(Refused, match=r"Drillbook itself \(drillbook r-7:3.1\)"):
            actions.end_session.do(sessions, EFFECT, pid=me[0], session_started=me[1])


def test_who_may_not_end_it_is_told_so(
    database: PostgresDatabase, holder: Session, run: Run, database_url: str
) -> None:
    role = "role_" + database_url.rpartition("/")[2]
    run(f"CREATE ROLE {role} LOGIN PASSWORD 'x'")
    try:
        found = blocker(database)
        parts = psycopg.conninfo.conninfo_to_dict(database_url) | {"user": role, "password": "x"}
        url = psycopg.conninfo.make_conninfo(**parts)
        weak = PostgresSessions(Server(lambda: url, "production"))
        for asked in (actions.end_session.do, actions.look_ended):
            with pytest.raises(Refused, match="does not show pid"):
                asked(weak, EFFECT, **named(found))
        run(f"GRANT pg_read_all_stats TO {role}")
        with pytest.raises(Refused, match="does not allow it"):
            actions.end_session.do(weak, EFFECT, **named(found))
        assert holder.execute("SELECT 1").fetchone() == (1,)
    finally:
        run(f"DROP ROLE {role}")


def test_ending_a_session_asks_as_much_as_the_policy_can_ask() -> None:
    assert actions.end_session.risk is Risk.DESTROY
    assert "lost to its client" in actions.end_session.final_because
