"""Wrong settings are told without being repeated."""

import os
from pathlib import Path
from urllib.parse import quote

import pytest

from house.canaries import CANARIES, STACK, Site, found_in, write_files

WRONG_SETTINGS = {
    "an unreachable store": {"DRILLBOOK_STORE": "postgresql://someone:{pw}@127.0.0.1:1/store"},
    "a store of another kind": {"DRILLBOOK_STORE": "mysql://someone:{pw}@127.0.0.1/store"},
    "a store that is no URL": {"DRILLBOOK_STORE": "postgresql://someone:{pw}@[::1/store"},
    "a database of another kind": {"CANARY_DATABASE": "mysql://someone:{pw}@127.0.0.1/db"},
    "a database that is no URL": {"CANARY_DATABASE": "postgresql://someone:{pw}@127.0.0.1:x/db"},
    "a database with two passwords": {"CANARY_DATABASE": "postgresql://a:{pw}@h/db?password={pw}"},
    "an app of another kind": {"CANARY_APP": "ftp://someone:{pw}@127.0.0.1/"},
    "an app that is no URL": {"CANARY_APP": "http://someone:{pw}@127.0.0.1:port/"},
}


@pytest.mark.parametrize("what", WRONG_SETTINGS)
def test_a_wrong_setting_is_refused_without_being_repeated(what: str, tmp_path: Path) -> None:
    password = quote(CANARIES["broken"], safe="")
    write_files(tmp_path, "postgresql:///nowhere", app=9)
    given = {name: value.format(pw=password) for name, value in WRONG_SETTINGS[what].items()}
    kept = {name: os.environ[name] for name in ("PATH", "HOME")}
    site = Site(tmp_path, kept | {"LANG": "C.UTF-8"} | given)

    codes = [site.drillbook("doctor").returncode, site.drillbook("doctor", "--json").returncode]
    if "DRILLBOOK_STORE" in given:
        codes.append(site.drillbook("runs").returncode)

    assert set(codes) <= {2, 9}
    assert found_in("\n".join(site.said).encode()) == []
    assert [str(path) for path in tmp_path.rglob("*") if leaks_in(path)] == []


def leaks_in(path: Path) -> list[str]:
    """Return what a file holds of the canaries, but for the one whose place it is."""
    is_place = not path.is_file() or path.name == "backup.key"
    return [] if is_place else found_in(path.read_bytes())


def test_a_password_written_into_the_stack_file_is_refused_without_being_repeated(
    tmp_path: Path,
) -> None:
    password = quote(CANARIES["broken"], safe="")
    write_files(tmp_path, "postgresql:///nowhere", app=9)
    text = STACK.replace("env:CANARY_DATABASE", f"postgresql://a:{password}@127.0.0.1/db")
    (tmp_path / "stack.toml").write_text(text, encoding="utf-8")
    site = Site(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8"})

    ended = [
        site.drillbook(*words)
        for words in (("doctor",), ("plan", "change", "-i", "migration=right.sql", "--json"))
    ]

    assert [each.returncode for each in ended] == [2, 2]
    assert "password in plain text" in ended[0].stderr
    assert found_in("\n".join(site.said).encode()) == []
