"""The actions on a Supabase project, through the provider, on the twin and its real database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from checks.app import serving
from drillbook.actions import backup, database
from drillbook.core.errors import Failed, NotFound, Refused, SettingsInvalid
from drillbook.ports.managed_backups import ManagedBackups
from drillbook.ports.platform import Platform
from drillbook.range.twins.supabase.project import Project
from drillbook.stack.stack import Stack, load_stack
from twins.contract import Contract

BACKUPS = {"region": "x", "walg_enabled": True, "pitr_enabled": False, "physical_backup_data": {}}


def stack_on(
    folder: Path,
    url: str,
    *,
    ref: str = "abcdefghijklmnopqrst",
    token: str = "sbp_canary_of_nobody",  # noqa: S107 - it enters nowhere
) -> Stack:
    (folder / "token").write_text(token)
    (folder / "stack.toml").write_text(
        '[environments.production.database]\nprovider = "supabase"\nurl = "env:NOWHERE"\n'
        f'project = "{ref}"\ntoken = "file:token"\napi = "{url}"\n'
    )
    return load_stack(folder / "stack.toml")


@pytest.fixture(autouse=True)
def keeps_the_contract(management_contract: Contract) -> Iterator[None]:
    """Hold each request of the provider against both documents."""
    yield
    assert management_contract.violations == []


@pytest.fixture
def stack(tmp_path: Path, management: httpx.Client, supabase_project: Project) -> Stack:
    """A stack that names the project of the twin."""
    url = str(management.base_url).partition("/v1/")[0]
    token = supabase_project.cloud.token("supabase")
    return stack_on(tmp_path, url, ref=supabase_project.ref, token=token)


def managed_by(folder: Path, answer: object) -> backup.ManagedFound:
    path = "/v1/projects/abcdefghijklmnopqrst/database/backups"
    with serving({path: (200, answer)}) as app:
        return backup.managed.do(stack_on(folder, app.url).port("production", ManagedBackups))


def entry(number: int, status: str, age: timedelta, *, physical: bool = True) -> dict[str, object]:
    at = (datetime.now(UTC) - age).isoformat()
    return {"id": number, "is_physical_backup": physical, "status": status, "inserted_at": at}


def test_the_platforms_own_backup_is_found_completed_and_young(stack: Stack) -> None:
    found = backup.managed.do(stack.port("production", ManagedBackups))

    assert (found.known, found.ok, found.completed, found.any_moment) == (True, True, 1, False)
    assert found.age is not None
    assert found.age < timedelta(hours=1)
    assert found.says.startswith(f"Supabase's newest completed backup, {found.id} (logical), is ")
    old = backup.managed.do(
        stack.port("production", ManagedBackups), within=timedelta(microseconds=1)
    )
    assert not old.ok
    assert "should be at most" in old.says


def test_a_project_its_services_and_its_disk_are_looked_at(stack: Stack) -> None:
    platform = stack.port("production", Platform)

    seen = database.platform.do(platform, services=("db", "db_postgres_user"))
    ill = database.platform.do(platform, services=("db", "storage"))

    assert (seen.ok, seen.status, seen.unhealthy, seen.read_only) == (
        True,
        "ACTIVE_HEALTHY",
        (),
        False,
    )
    assert 0 < seen.disk_used_percent < 100
    assert "booking production is ACTIVE_HEALTHY; its disk is" in seen.says
    assert not ill.ok
    assert ill.unhealthy == ("storage (this service is not part of the practice)",)
    with pytest.raises(Refused, match="no service 'everything'"):
        database.platform.do(platform, services=("everything",))


@pytest.mark.parametrize(
    ("backups", "ok", "says"),
    [
        ([], False, "no completed backup of 0 it lists"),
        ([("FAILED", 1), ("COMPLETED", 25)], True, "1d1h old; 1 failed since"),
        ([("COMPLETED", 27)], False, "1d3h old, and should be at most 1d2h"),
        ([("PENDING", 0), ("COMPLETED", 24)], True, "1 under way"),
        ([("REMOVED", 1), ("FAILED", 2)], False, "no completed backup of 2 it lists"),
        ([("COMPLETED", 50), ("COMPLETED", 3)], True, "3h old"),
    ],
)
def test_only_a_completed_backup_that_is_young_enough_is_there(
    tmp_path: Path, backups: list[tuple[str, int]], ok: bool, says: str
) -> None:
    listed = [
        entry(number, status, timedelta(hours=hours))
        for number, (status, hours) in enumerate(backups)
    ]

    found = managed_by(tmp_path, BACKUPS | {"backups": listed})

    assert (found.ok, found.known) == (ok, True)
    assert says in found.says
    assert "no PITR" in found.says


def test_where_any_moment_can_be_reached_its_window_counts(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    window = {
        "earliest_physical_backup_date_unix": int((now - timedelta(days=7)).timestamp()),
        "latest_physical_backup_date_unix": int((now - timedelta(minutes=2)).timestamp()),
    }
    listed = [entry(1, "COMPLETED", timedelta(days=2))]
    answer = BACKUPS | {"pitr_enabled": True, "backups": listed, "physical_backup_data": window}

    found = managed_by(tmp_path, answer)

    assert found.ok
    assert found.age is not None
    assert found.age < timedelta(minutes=4)
    assert "any moment from" in found.says
    assert found.earliest is not None
    assert found.latest is not None
    assert found.latest - found.earliest > timedelta(days=6)


def test_what_no_longer_has_its_documented_form_is_not_guessed(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"not its documented form: backups: Field required"):
        managed_by(tmp_path, BACKUPS)
    with pytest.raises(Failed, match=r"not its documented form: backups\.0\.inserted_at"):
        managed_by(
            tmp_path,
            BACKUPS | {"backups": [entry(1, "COMPLETED", timedelta()) | {"inserted_at": "soon"}]},
        )


def test_a_database_without_a_platform_has_no_managed_backups_and_says_so(tmp_path: Path) -> None:
    section = '[environments.production.database]\nprovider = "postgres"\nurl = "env:NOWHERE"\n'
    (tmp_path / "stack.toml").write_text(section)
    plain = load_stack(tmp_path / "stack.toml")

    found = backup.managed.do(plain.port("production", ManagedBackups))

    assert (found.known, found.ok) == (False, False)
    assert "no platform is named" in found.says
    with pytest.raises(SettingsInvalid, match="is not named, so its platform cannot be asked"):
        plain.port("production", Platform)


def test_a_wrong_token_and_a_project_that_is_not_there_are_told_apart(
    tmp_path: Path, management: httpx.Client, supabase_project: Project
) -> None:
    url = str(management.base_url).partition("/v1/")[0]
    token = supabase_project.cloud.token("supabase")

    for name in ("wrong", "missing"):
        (tmp_path / name).mkdir()
    wrong = stack_on(tmp_path / "wrong", url, ref=supabase_project.ref, token="sbp_canary")
    missing = stack_on(tmp_path / "missing", url, token=token)

    with pytest.raises(Refused) as refused:
        backup.managed.do(wrong.port("production", ManagedBackups))
    assert "sbp_canary" not in f"{refused.value} {refused.value.hint}"
    with pytest.raises(NotFound):
        backup.managed.do(missing.port("production", ManagedBackups))
