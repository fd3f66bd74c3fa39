import stat
from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.core.secret import scrub
from drillbook.stack.settings import load_settings, prepared_home


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("DRILLBOOK_HOME", "DRILLBOOK_STORE", "DRILLBOOK_USER", "DRILLBOOK_STACK"):
        monkeypatch.delenv(name, raising=False)


def test_the_home_lies_beside_the_nearest_stack_file(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").touch()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    settings = load_settings(deep)

    assert settings.home == tmp_path.resolve() / ".drillbook"
    assert settings.store_url() == f"sqlite:///{settings.home}/store.db"


def test_without_a_stack_file_the_home_lies_in_the_folder(tmp_path: Path) -> None:
    assert load_settings(tmp_path).home == tmp_path.resolve() / ".drillbook"


def test_the_home_is_made_for_its_owner_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLBOOK_HOME", str(tmp_path / "x" / "home"))

    home = prepared_home(load_settings(tmp_path))

    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_home_that_is_a_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "home").touch()
    monkeypatch.setenv("DRILLBOOK_HOME", "home")

    with pytest.raises(SettingsInvalid, match="home is a file"):
        load_settings(tmp_path)


def test_a_home_below_a_file_cannot_be_made_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DRILLBOOK_HOME", "file/home")

    with pytest.raises(SettingsInvalid, match="cannot be made: Not a directory"):
        prepared_home(load_settings(tmp_path))


def test_a_postgres_store_is_used_and_its_password_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLBOOK_STORE", "postgresql://me:canary-store-5@db.example/runs")

    settings = load_settings(tmp_path)

    assert settings.store_says == "Postgres at db.example, database runs"
    assert settings.store_url() == "postgresql://me:canary-store-5@db.example/runs"
    assert "canary" not in repr(settings) + settings.model_dump_json()
    assert "canary" not in scrub("connection to canary-store-5 failed")


@pytest.mark.parametrize(
    ("store", "says"),
    [
        ("mysql://me@db/runs", "does not start with postgresql://"),
        ("postgresql://me@db", "names no database"),
        ("postgresql://me@db:port/runs", "is not a URL"),
    ],
)
def test_a_wrong_store_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str, says: str
) -> None:
    monkeypatch.setenv("DRILLBOOK_STORE", store)

    with pytest.raises(SettingsInvalid, match=says):
        load_settings(tmp_path)


def test_the_user_is_the_login_unless_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "lea")
    login = load_settings(tmp_path).user
    monkeypatch.setenv("DRILLBOOK_USER", "ana@example.com")

    assert (login, load_settings(tmp_path).user) == ("lea", "ana@example.com")


def test_a_user_with_control_characters_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLBOOK_USER", "ana\x1b[2J")

    with pytest.raises(SettingsInvalid, match="control characters"):
        load_settings(tmp_path)


def test_relative_names_start_from_the_current_folder_wherever_the_stack_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "stack.toml").touch()
    monkeypatch.setenv("DRILLBOOK_STACK", "conf/stack.toml")
    beside = load_settings(tmp_path / "conf").home
    monkeypatch.setenv("DRILLBOOK_HOME", "home")

    assert beside == tmp_path.resolve() / "conf" / ".drillbook"
    assert load_settings(tmp_path / "conf").home == tmp_path.resolve() / "home"
