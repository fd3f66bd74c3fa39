"""Managed backups after kills, failures and days: taken again, gone on with, never half."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from drillbook.core.errors import Failed
from drillbook.local.server import PostgresServer
from drillbook.range.cloud import Cloud
from drillbook.range.twins.supabase.backups import BACKUPS, SCHEDULE, Keeper, is_due
from drillbook.range.twins.supabase.dumping import Dumps
from drillbook.range.twins.supabase.project import Project
from twins.supabase_project import wait_until

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)


@pytest.fixture
def project(
    postgres_server: PostgresServer, database_url: str, tmp_path: Path
) -> Iterator[Project]:
    """A project with one table, on a database of the test's own."""
    made = Project(Cloud(tmp_path), "production")
    made.folder.mkdir(parents=True)
    (made.folder / "postgres").symlink_to(postgres_server.folder)
    (made.folder / "database.url").write_text(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE notes AS SELECT 1 AS id")
    yield made
    made.documents.close()


def names(project: Project) -> tuple[str, str, str]:
    database = str(psycopg.conninfo.conninfo_to_dict(project.url("database.url"))["dbname"])
    return database, f"{database}_restoring", f"{database}_replaced"


def notes(project: Project) -> int:
    with psycopg.connect(project.url("database.url")) as connection:
        found = connection.execute("SELECT count(*) FROM notes").fetchone()
    return int(found[0]) if found else -1


@pytest.mark.parametrize("killed", ["while it was built", "before it was named", "before the end"])
def test_a_restore_that_was_killed_is_gone_on_with(
    project: Project, postgres_server: PostgresServer, killed: str
) -> None:
    dumps, (database, building, old) = Dumps(project), names(project)
    dumps.take("one")
    with psycopg.connect(postgres_server.url(), autocommit=True) as server:

        def do(statement: str, *of: str) -> None:
            server.execute(sql.SQL(statement).format(*map(sql.Identifier, of)))

        with psycopg.connect(project.url("database.url"), autocommit=True) as connection:
            connection.execute("DELETE FROM notes")
        if killed == "while it was built":
            do("CREATE DATABASE {}", building)
        elif killed == "before it was named":
            dumps.put_back("one")
            do("ALTER DATABASE {} RENAME TO {}", database, building)
            do("CREATE DATABASE {}", old)
        else:
            dumps.put_back("one")
            do("CREATE DATABASE {}", old)

        dumps.put_back("one")

        left = server.execute(
            "SELECT datname FROM pg_database WHERE datname = ANY(%s)", ([building, old],)
        ).fetchall()
    assert left == []
    assert notes(project) == 1


def test_a_dump_that_fails_leaves_no_file_and_one_that_is_broken_restores_nothing(
    project: Project,
) -> None:
    dumps = Dumps(project)
    dumps.take("one")
    dumps.file("half").write_bytes(dumps.file("one").read_bytes()[:500])
    address = project.folder / "database.url"
    right = address.read_text()

    with pytest.raises(Failed, match="pg_restore ended with 1"):
        dumps.put_back("half")
    address.write_text(right.replace("/test_", "/no_test_"))
    with pytest.raises(Failed, match="pg_dump ended with 1"):
        dumps.take("two")
    address.write_text(right)

    assert notes(project) == 1
    assert not dumps.file("two").exists()
    with psycopg.connect(right) as connection:
        beside = connection.execute(
            "SELECT FROM pg_database WHERE datname = current_database() || '_restoring'"
        )
        assert beside.fetchall() == []


def test_a_backup_that_died_with_the_cloud_is_failed_and_the_restore_it_had_begun_is_done(
    project: Project,
) -> None:
    kind = project.kind(BACKUPS)
    Dumps(project).take("481000001")
    ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    project.documents.put(
        kind, "481000001", {"id": 481000001, "status": "COMPLETED", "inserted_at": ago}
    )
    project.documents.put(
        kind, "481000002", {"id": 481000002, "status": "PENDING", "inserted_at": ago}
    )
    project.documents.put("restores", project.ref, {"dump": "481000001"})
    project.documents.put("project status", project.ref, {"status": "RESTORING"})
    with psycopg.connect(project.url("database.url"), autocommit=True) as connection:
        connection.execute("DELETE FROM notes")

    keeper = Keeper(project)
    keeper.start()
    wait_until(lambda: project.documents.get("project status", project.ref), "ACTIVE_HEALTHY")
    keeper.stop()

    assert notes(project) == 1
    statuses = {each["id"]: each["status"] for each in project.documents.all(kind)}
    assert statuses[481000002] == "FAILED"


@pytest.mark.parametrize(
    ("backups", "due"),
    [
        ([], True),
        ([("COMPLETED", 8)], False),
        ([("COMPLETED", 10)], True),
        ([("COMPLETED", 10), ("FAILED", 0.001)], False),
        ([("COMPLETED", 10), ("FAILED", 1)], True),
        ([("COMPLETED", 33), ("COMPLETED", 8.9), ("FAILED", 0.5)], False),
        ([("FAILED", 1)], True),
    ],
)
def test_a_backup_is_due_once_a_day_and_again_after_a_failure(
    tmp_path: Path, backups: list[tuple[str, float]], due: bool
) -> None:
    project = Project(Cloud(tmp_path), "production")
    project.documents.put(SCHEDULE, project.ref, {"schedule_for": "03:00", "updated_at": ""})
    for number, (status, hours) in enumerate(backups):
        at = (NOON - timedelta(hours=hours)).isoformat()
        backup = {"id": number, "status": status, "inserted_at": at}
        project.documents.put(project.kind(BACKUPS), str(number), backup)

    assert is_due(project, NOON) is due
    project.documents.close()
