"""The project's own logs, through the provider: a real server's log, a real login's."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import httpx
import psycopg
import pytest

from drillbook.core.errors import Failed
from drillbook.ports.logs import LogLine
from drillbook.providers.supabase.logs import RowSeen, SupabaseLogs, line_of
from drillbook.range.twins.auth import make_app
from drillbook.range.twins.supabase.project import Project
from twins.contract import Contract, serve


@pytest.fixture(autouse=True)
def keeps_the_contract(management_contract: Contract) -> Iterator[None]:
    """Hold each request of the provider against both documents."""
    yield
    assert not management_contract.violations
    management_contract.violations.clear()


def logs_of(management: httpx.Client, project: Project, *tables: str) -> SupabaseLogs:
    return SupabaseLogs(
        api=f"{management.base_url.scheme}://{management.base_url.netloc.decode()}",
        token=lambda: project.cloud.token("supabase"),
        project=project.ref,
        tables=tables,
    )


def told(logs: SupabaseLogs, start: datetime) -> list[LogLine]:
    fetched = logs.fetch(start, datetime.now(UTC) + timedelta(seconds=1), 10.0)
    assert fetched.start == start
    return list(fetched.lines)


def test_an_error_of_the_database_is_one_line_with_its_detail_and_statement(
    management: httpx.Client, supabase_project: Project
) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    url = (supabase_project.folder / "database.url").read_text()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TEMP TABLE once (id int PRIMARY KEY)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO once VALUES (7), (7) -- canary")

    lines = told(logs_of(management, supabase_project, "postgres_logs"), start)

    mine = [line for line in lines if "canary" in line.stack]
    assert len(mine) == 1
    assert (mine[0].source, mine[0].level, mine[0].status) == ("database", "error", 0)
    assert mine[0].message.startswith("duplicate key value violates unique constraint")
    assert "Key (id)=(7) already exists" in mine[0].stack


def test_failed_logins_are_there_and_are_no_requests_to_the_app(
    management: httpx.Client, supabase_project: Project
) -> None:
    start = datetime.now(UTC) - timedelta(seconds=1)
    body = {"email": "nobody@example.com", "password": "wrong-canary"}
    with serve(make_app(supabase_project.cloud, "production")) as url:
        refused = httpx.post(f"{url}/token?grant_type=password", json=body)

    lines = told(logs_of(management, supabase_project, "auth_logs"), start)

    assert refused.status_code == 400
    failed = [line for line in lines if " 400" in line.message]
    assert failed
    assert all((line.source, line.status, line.level) == ("auth", 0, "warning") for line in failed)
    assert failed[0].message.startswith("POST /token 400")
    assert "wrong-canary" not in str(lines)


def test_days_are_asked_for_in_pieces_of_24_hours(
    management: httpx.Client, supabase_project: Project
) -> None:
    logs = logs_of(management, supabase_project, "postgres_logs", "auth_logs")
    week = datetime.now(UTC) - timedelta(days=7)

    assert told(logs, week)
    assert logs.fetch(week, datetime.now(UTC), 0.0).start > week


def test_a_query_that_is_not_carried_out_is_no_empty_log(
    management: httpx.Client, supabase_project: Project
) -> None:
    with pytest.raises(Failed, match="did not carry out a query of storage_logs"):
        told(logs_of(management, supabase_project, "storage_logs"), datetime.now(UTC))


def test_rows_in_the_platforms_nested_form_are_understood() -> None:
    parsed = {"error_severity": "FATAL", "detail": "Role is full.", "user_name": "app"}
    row = RowSeen(
        id="a",
        timestamp=1795500000000000,
        event_message='too many connections for role "app"',
        metadata=[{"host": "db-x", "parsed": [parsed]}],
    )
    gateway = RowSeen(
        timestamp="2026-11-24T06:00:00.5",
        event_message="GET | 503 | /rest/v1/slots",
        metadata=[
            {
                "request": [{"method": "GET", "path": "/rest/v1/slots", "host": "x.supabase.co"}],
                "response": [{"status_code": 503}],
            }
        ],
    )
    login = RowSeen(
        timestamp=1795500000000000,
        event_message='{"level":"info","msg":"400: Invalid login credentials","path":"/token",'
        '"method":"POST","status":"400","remote_addr":"203.0.113.7","error":"invalid_grant"}',
    )

    database, edge, auth = (
        line_of(table, one)
        for table, one in (("postgres_logs", row), ("edge_logs", gateway), ("auth_logs", login))
    )

    assert (database.level, database.stack) == ("fatal", "Role is full.")
    assert (edge.source, edge.level) == ("gateway", "error")
    assert edge.message.startswith("GET /rest/v1/slots 503")
    assert auth.message == "POST /token 400: invalid_grant"
    assert (auth.address, auth.level, auth.status) == ("203.0.113.7", "warning", 0)
