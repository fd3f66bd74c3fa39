from pathlib import Path

import pytest

from drillbook.actions import CATALOG
from drillbook.compiler import check_book, compile_plan
from drillbook.core.files import read_file
from drillbook.core.model import Risk
from drillbook.core.plan import Kind, Plan
from drillbook.core.policy import StackFacts
from drillbook.stack.books import BookFile, find_books, library
from drillbook.stack.stack import load_stack

STACK = """
[environments.production.database]
provider = "postgres"
url = "env:DATABASE_URL"
[environments.production.app]
provider = "vercel"
url = "https://example.com"
project = "booking"
token = "env:VERCEL_TOKEN"
[environments.production.repository]
provider = "github"
repository = "example/booking"
branch = "main"
token = "env:GITHUB_TOKEN"
[environments.production.logs]
path = "app.log"
[environments.production.backups]
folder = "backups"
[environments.staging.database]
provider = "postgres"
url = "env:STAGING_URL"
[environments.staging.app]
provider = "vercel"
url = "https://staging.example.com"
project = "booking"
token = "env:VERCEL_TOKEN"
[environments.staging.repository]
provider = "github"
repository = "example/booking"
branch = "develop"
token = "env:GITHUB_TOKEN"
[policy]
production = { write = "1 approval from dba", destroy = "2 approvals" }
[roles]
dba = ["ana@example.com", "li@example.com"]
"""


@pytest.fixture
def facts(tmp_path: Path) -> StackFacts:
    (tmp_path / "stack.toml").write_text(STACK)
    return load_stack(tmp_path / "stack.toml").facts()


@pytest.mark.parametrize("file", library(), ids=lambda file: file.name)
def test_a_shipped_file_has_no_error_and_no_finding(file: BookFile, facts: StackFacts) -> None:
    checked = check_book(file.text, name=file.name, catalog=lambda: CATALOG, stack=facts)

    assert [each.shown(file.name) for each in checked.diagnostics] == []


def test_the_shipped_files_together_count_what_was_asked_for(facts: StackFacts) -> None:
    counts = [check_book(file.text, name=file.name).counts for file in library()]

    assert sum(each.runbooks for each in counts) == 8
    assert sum(each.procedures for each in counts) == 9
    assert sum(each.steps for each in counts) == 36
    assert sum(each.tasks for each in counts) == 155
    assert sum(each.prerequisites for each in counts) == 11
    assert sum(each.symptoms for each in counts) == 15
    assert sum(each.contacts for each in counts) == 4


def planned(
    folder: Path, facts: StackFacts, runbook: str = "database-migration", **inputs: str
) -> Plan:
    for name, text in (
        ("up.sql", "ALTER TABLE bookings ADD COLUMN note text;"),
        ("down.sql", "ALTER TABLE bookings DROP COLUMN note;"),
        ("checks.toml", '[[http]]\nname = "x"\npath = "/"\n'),
    ):
        (folder / name).write_text(text)
    found = find_books(folder=folder).find(runbook)
    return compile_plan(
        found.file.book,
        found.runbook.title,
        text=found.file.text,
        stack=facts,
        catalog=lambda: CATALOG,
        files=lambda name: read_file(folder / name),
        inputs=inputs,
    )


def test_a_deployment_merges_what_was_reviewed_and_goes_back_only_by_a_judgement(
    tmp_path: Path, facts: StackFacts
) -> None:
    plan = planned(tmp_path, facts, "application-deployment", change="7", checks="checks.toml")

    part = plan.part
    writes = [task for task in part.all_tasks() if task.risk is not Risk.READ]
    assert [(task.id, task.does, task.on) for task in writes] == [
        ("2.1", "repository.merge", "staging"),
        ("2.6", "checks.exercise", "staging"),
        ("3.3", "repository.merge", "production"),
        ("5.2", "deployment.rollback", "production"),
        ("5.3", "deployment.cancel", "production"),
        ("5.6", "repository.remind", "production"),
    ]
    assert [task.does for task in part.gate] == [
        "repository.reviewed",
        "repository.checks",
        "deployment.env",
        "deployment.env",
        "deployment.automatic",
    ]
    judged = plan.task("5.1")
    assert judged is not None
    assert judged.does == "deployment.way_back"
    assert "back.is_safe" in judged.expect
    assert all(task.kind is Kind.ACTION for task in part.all_tasks())


def test_the_database_migration_is_planned_task_by_task(tmp_path: Path, facts: StackFacts) -> None:
    plan = planned(tmp_path, facts, migration="up.sql", down="down.sql", checks="checks.toml")

    part = plan.part
    assert [task.does for task in part.gate] == [
        "database.access",
        "migration.check",
        "migration.advise",
        "migration.pending",
        "migration.drift",
        "backup.ready",
    ]
    assert [[task.does for task in step.tasks] for step in part.steps] == [
        ["backup.list", "backup.create", "backup.verify"],
        ["migration.rehearse", "migration.try", "migration.verify", "checks.run"],
        [
            "database.access",
            "migration.review",
            "migration.behave",
            "database.blockers",
            "database.end_session",
            "migration.apply",
            "migration.verify",
        ],
        ["migration.behave", "checks.health", "checks.run", "errors.watch"],
    ]
    assert [[task.does for task in step.tasks] for step in part.rollback] == [
        ["backup.restore", "backup.compare"]
    ]
    assert all(task.kind is Kind.ACTION for task in part.all_tasks())


def test_production_is_written_to_only_with_the_consent_the_stack_asks(
    tmp_path: Path, facts: StackFacts
) -> None:
    plan = planned(tmp_path, facts, migration="up.sql", down="down.sql")

    writes = [task for task in plan.part.all_tasks() if task.risk is not Risk.READ]
    asked = {task.does: task.needs.approvals for task in writes if task.on == "production"}
    assert asked["migration.apply"] == 1
    assert asked["backup.restore"] == 2
    assert {task.does for task in writes if task.on == "staging"} == {"migration.try"}


def test_a_migration_without_a_down_script_says_what_leads_back_if_none_can_be_derived(
    tmp_path: Path, facts: StackFacts
) -> None:
    with_down = planned(tmp_path, facts, migration="up.sql", down="down.sql").task("3.6")
    without = planned(tmp_path, facts, migration="up.sql").task("3.6")

    assert with_down is not None
    assert with_down.way_back is not None
    assert with_down.way_back.possible
    assert "down.sql" in with_down.way_back.says
    assert without is not None
    assert without.way_back is not None
    assert "derives and proves" in without.way_back.says
    assert "only a restore leads back" in without.way_back.says


def test_a_restore_is_planned_with_its_way_back_and_asks_for_what_the_stack_says(
    tmp_path: Path, facts: StackFacts
) -> None:
    found = find_books(folder=tmp_path).find("backup-and-restore")
    plan = compile_plan(
        found.file.book,
        found.runbook.title,
        text=found.file.text,
        stack=facts,
        catalog=lambda: CATALOG,
        files=lambda name: read_file(tmp_path / name),
        procedure="restore",
        inputs={"point": "2026-11-24T09:00:00Z"},
    )

    restore, choice = plan.task("2.2"), plan.task("3.4")
    assert restore is not None
    assert restore.does == "backup.restore"
    assert restore.needs.approvals == 2
    assert restore.way_back is not None
    assert restore.way_back.possible
    assert choice is not None
    assert [option.does for option in choice.options] == ["backup.kept", "backup.forget_before"]
