"""What helps a database: sessions that are ended, a limit that is raised, a server started anew."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from drillbook.actions import database as actions
from drillbook.actions.database import ending_many, raising, restarting
from drillbook.core.effect import Effect
from drillbook.core.errors import NotFound, OutcomeUnknown, Refused
from drillbook.core.incident import SessionToEnd
from drillbook.core.model import Risk
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres.role_limits import PostgresRoleLimits
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.sessions import PostgresSessions
from drillbook.providers.postgres.uptime import PostgresUptime
from drillbook.providers.supabase import Supabase
from drillbook.range.cloud import Cloud
from drillbook.range.environment import DATABASE, Environment
from drillbook.range.twins.supabase import make_app
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.supabase.projects import set_status, status_of
from drillbook.range.twins.weather import (
    FAIR,
    Forecast,
    Mode,
    Weather,
    Weathered,
    set_weather,
    weather_file,
)
from twins.contract import load, serve

EFFECT = Effect(key="run:5.1", run="run")
MINUTE = timedelta(minutes=1)
NAMING = "SELECT pg_backend_pid(), backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()"
Session = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def server(database_url: str) -> Server:
    return Server(lambda: database_url, "production")


@pytest.fixture
def clients(database_url: str) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        yield [stack.enter_context(psycopg.connect(database_url)) for _ in range(4)]


def named(session: Session) -> SessionToEnd:
    found = session.execute(NAMING).fetchone()
    session.rollback()
    assert found is not None
    return SessionToEnd.model_validate({"pid": found[0], "session_started": found[1]})


def lives(session: Session) -> bool:
    try:
        session.execute("SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def test_the_sessions_that_are_named_are_ended_together_and_no_others(
    server: Server, clients: list[Session]
) -> None:
    sessions, meant = PostgresSessions(server), tuple(map(named, clients[:2]))
    other = named(clients[2])
    # A number that was given out again: somebody else has it by now.
    earlier = other.model_copy(update={"session_started": other.session_started - MINUTE})
    asked = (*meant, earlier)
    assert ending_many.look_all_ended(sessions, EFFECT, sessions=asked) is None

    done = actions.end_sessions.do(sessions, EFFECT, sessions=asked)

    assert (done.named, done.ended, done.gone) == (3, 2, 1)
    assert "2 session terminated" in done.says
    assert [lives(one) for one in clients] == [False, False, True, True]
    again = ending_many.look_all_ended(sessions, EFFECT, sessions=asked)
    assert again is not None
    assert (again.ended, again.gone) == (0, 3)
    assert actions.end_sessions.risk is Risk.DESTROY


def test_nothing_is_ended_where_one_of_the_named_is_drillbooks_own(
    server: Server, clients: list[Session], database_url: str
) -> None:
    sessions = PostgresSessions(server)
    with psycopg.connect(database_url, application_name="drillbook run-7") as ours:
        asked = (named(clients[0]), named(ours))

        with pytest.raises(Refused, match="a session of Drillbook itself"):
            actions.end_sessions.do(sessions, EFFECT, sessions=asked)

    assert lives(clients[0])
    with pytest.raises(Refused, match="no session is named"):
        actions.end_sessions.do(sessions, EFFECT, sessions=())
    with pytest.raises(Refused, match="1 sessions are named, more than 0"):
        actions.end_sessions.do(sessions, EFFECT, sessions=asked[:1], at_most=0)


STATE = "SELECT state_change, xact_start FROM pg_stat_activity WHERE pid = %s"


def as_seen(session: Session, looking: Session, *, waited_for: bool = False) -> SessionToEnd:
    found = looking.execute(STATE, (session.info.backend_pid,)).fetchone()
    mine = looking.execute(
        "SELECT backend_start FROM pg_stat_activity WHERE pid = %s", (session.info.backend_pid,)
    ).fetchone()
    looking.rollback()
    assert found is not None
    assert mine is not None
    return SessionToEnd.model_validate(
        {
            "pid": session.info.backend_pid, "session_started": mine[0],
            "unchanged_since": found[0], "transaction_started": found[1], "waited_for": waited_for,
        }
    )  # fmt: skip


def test_a_session_that_has_worked_since_it_was_seen_is_spared(
    server: Server, clients: list[Session], database_url: str
) -> None:
    sessions, (idle, busy, looking, _) = PostgresSessions(server), clients
    asked = (as_seen(idle, looking), as_seen(busy, looking))
    busy.execute("SELECT 1")
    busy.rollback()  # idle again, as it was seen: but it is one that is used

    done = actions.end_sessions.do(sessions, EFFECT, sessions=asked)

    assert (done.named, done.ended, done.spared, done.gone) == (2, 1, 1, 0)
    assert "1 spared, for it is not as it was seen" in done.says
    assert [lives(idle), lives(busy)] == [False, True]


def test_a_lock_that_others_still_wait_for_is_freed_though_its_holder_has_worked(
    server: Server, clients: list[Session]
) -> None:
    sessions, (holder, waiter, looking, other) = PostgresSessions(server), clients
    for each in (holder, other):
        each.execute("CREATE TEMP TABLE mine (id int)")
    holder.execute("SELECT pg_advisory_xact_lock(7)")
    asked = tuple(as_seen(each, looking, waited_for=True) for each in (holder, other))
    for each in (holder, other):
        each.execute("SELECT 1")
    with ThreadPoolExecutor(1) as beside:
        waits = beside.submit(waiter.execute, "SELECT pg_advisory_xact_lock(7)")
        waiting = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
        for _ in range(500):
            if looking.execute(waiting, (waiter.info.backend_pid,)).fetchone() is not None:
                break
            looking.rollback()
            time.sleep(0.01)  # Postgres tells nobody when a session begins to wait

        done = actions.end_sessions.do(sessions, EFFECT, sessions=asked)

        waits.result(timeout=10)
    assert (done.ended, done.spared) == (1, 1)  # nobody waits for the other one
    assert [lives(holder), lives(other)] == [False, True]


@pytest.fixture
def role(database_url: str) -> Iterator[str]:
    name = sql.Identifier("fixes_app")
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CONNECTION LIMIT 5").format(name))
        yield "fixes_app"
        connection.execute(sql.SQL("DROP ROLE {}").format(name))


def test_a_logins_limit_is_raised_once_and_set_back_as_it_was(server: Server, role: str) -> None:
    limits = PostgresRoleLimits(server)
    before = raising.remember_limit(limits, EFFECT, role=role)
    room = limits.room(role)
    assert raising.look_raised(limits, EFFECT, role=role) is None

    done = actions.raise_connections.do(limits, EFFECT, role=role)

    assert before.limit == room.limit == 5
    assert done.limit == limits.room(role).limit == int(room.server_limit * 0.9)
    assert raising.look_raised(limits, EFFECT, role=role) == done
    assert raising.undo_raise(before, limits, EFFECT, role=role).limit == 5
    assert raising.undo_raise(before, limits, EFFECT, role=role).limit == 5  # twice is once

    # What this task set is known from before it, whatever the server's own limit is by now.
    limits.set_limit(role, 3)
    earlier = raising.LimitBefore(role=role, limit=5, to=3)
    assert raising.undo_raise(earlier, limits, EFFECT, role=role).limit == 5

    limits.set_limit(role, 7)  # somebody else
    with pytest.raises(Refused, match="7 connections by now, which this task has not set"):
        raising.undo_raise(before, limits, EFFECT, role=role)
    with pytest.raises(Refused, match="are not between 1 and"):
        actions.raise_connections.do(limits, EFFECT, role=role, to=room.server_limit)
    with pytest.raises(Refused, match="may have 7 connections already, more than 6"):
        actions.raise_connections.do(limits, EFFECT, role=role, to=6)
    limits.set_limit(role, -1)
    with pytest.raises(Refused, match="what is full is the server"):
        actions.raise_connections.do(limits, EFFECT, role=role)
    with pytest.raises(NotFound, match="no role 'nobody'"):
        actions.raise_connections.do(limits, EFFECT, role="nobody")


@dataclass
class Ill:
    """A project on a server of its own, its API with a weather, and what the action takes."""

    project: Project
    server: PostgresServer
    ports: tuple[Supabase, Supabase, PostgresUptime]

    @property
    def weather(self) -> Path:
        return self.project.cloud.weather


@pytest.fixture(scope="module")
def ill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ill]:
    project = Project(Cloud(tmp_path_factory.mktemp("restart")), "production")
    environment = Environment("production", project.folder)
    server = environment.server
    project.folder.mkdir(parents=True)
    server.start(tied=True)
    try:
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        (project.folder / "database.url").write_text(server.url(DATABASE))
        contract = load("supabase", "supabase-management-v1.openapi.json")
        app = Weathered(
            contract.checked(make_app(project.cloud)),
            Forecast(weather_file(project.cloud.weather, "supabase")),
        )
        with serve(app) as url:
            token = project.cloud.token("supabase")
            platform = Supabase(api=url, token=lambda: token, project=project.ref)
            uptime = PostgresUptime(Server(lambda: server.url(DATABASE), "production"))
            yield Ill(project, server, (platform, platform, uptime))
        assert not contract.violations
    finally:
        environment.server.stop()


def test_a_server_that_is_down_is_started_by_its_platform_once(ill: Ill) -> None:
    ill.server.kill()
    since = datetime.now(UTC)
    assert restarting.look_restarted(*ill.ports, EFFECT, since=since) is None

    done = actions.restart.do(*ill.ports, EFFECT, since=since)

    assert done.asked
    assert done.started > since
    assert status_of(ill.project) == done.status == "ACTIVE_HEALTHY"
    found = restarting.look_restarted(*ill.ports, EFFECT, since=since)
    assert found is not None
    assert found.started - done.started < timedelta(seconds=1)
    assert not found.asked
    with psycopg.connect(ill.server.url(DATABASE)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_lets_us_in_again_is_left_alone_where_it_was_thought_away(ill: Ill) -> None:
    before, since = ill.server.identity(), datetime.now(UTC)
    assert restarting.look_restarted(*ill.ports, EFFECT, since=since, if_away=True) is None

    done = actions.restart.do(*ill.ports, EFFECT, since=since, if_away=True)

    assert not done.asked
    assert done.started < since
    assert "lets us in by now, so it was not restarted" in done.says
    assert ill.server.identity() == before


def test_a_restart_whose_answer_was_lost_is_found_and_not_asked_for_again(ill: Ill) -> None:
    before = ill.server.identity()
    since = datetime.now(UTC)
    losing = Weather(mode=Mode.LOSING, methods=("POST",), path="restart", first=1)
    set_weather(ill.weather, "supabase", losing)
    try:
        done = actions.restart.do(*ill.ports, EFFECT, since=since)
    except OutcomeUnknown:
        pytest.fail("it was carried out, and a look shows it")
    finally:
        set_weather(ill.weather, "supabase", FAIR)

    assert done.started > since
    assert ill.server.identity() not in {before, None}


def test_a_project_that_is_being_restored_is_not_restarted(ill: Ill) -> None:
    before, now = ill.server.identity(), datetime.now(UTC)
    set_status(ill.project, "RESTORING")
    try:
        with pytest.raises(Refused, match="the project is RESTORING"):
            actions.restart.do(*ill.ports, EFFECT, since=now)
        with pytest.raises(Refused, match="no moment of the past"):
            actions.restart.do(*ill.ports, EFFECT, since=now + timedelta(hours=1))
    finally:
        set_status(ill.project, "ACTIVE_HEALTHY")

    assert ill.server.identity() == before
