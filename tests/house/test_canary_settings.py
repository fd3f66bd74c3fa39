"""Wrong settings are told without being repeated."""

import os
from itertools import product
from pathlib import Path
from urllib.parse import quote

import pytest

from house.canaries import CANARIES, STACK, Site, found_in, write_files

WRONG_STORES = {
    "an unreachable store": "postgresql://someone:{pw}@127.0.0.1:1/store",
    "a store of another kind": "mysql://someone:{pw}@127.0.0.1/store",
    "a store that is no URL": "postgresql://someone:{pw}@[::1/store",
}
WRONG_SYSTEMS = {
    "CANARY_DATABASE": "mysql://someone:{pw}@127.0.0.1/db",
    "CANARY_BROKEN": "postgresql://someone:{pw}@127.0.0.1:x/db",
    "CANARY_APP": "ftp://someone:{pw}@127.0.0.1/",
    "CANARY_BROKEN_APP": "http://someone:{pw}@127.0.0.1:port/",
}
TWO_PASSWORDS = "postgresql://a:{pw}@h/db?password={pw}"
PASSWORD = quote(CANARIES["broken"], safe="")


def wrong_site(folder: Path, given: dict[str, str], staging: str = "postgresql:///nowhere") -> Site:
    write_files(folder, staging, app=9)
    kept = {name: os.environ[name] for name in ("PATH", "HOME")}
    return Site(folder, kept | {"LANG": "C.UTF-8"} | given)


@pytest.mark.parametrize("what", WRONG_STORES)
def test_a_wrong_store_is_refused_without_being_repeated(what: str, tmp_path: Path) -> None:
    site = wrong_site(tmp_path, {"DRILLBOOK_STORE": WRONG_STORES[what].format(pw=PASSWORD)})

    codes = [site.drillbook("doctor").returncode, site.drillbook("runs").returncode]

    assert set(codes) <= {2, 9}
    assert found_in("\n".join(site.said).encode()) == []
    assert [str(path) for path in tmp_path.rglob("*") if leaks_in(path)] == []


def test_wrong_systems_are_told_one_by_one_without_being_repeated(tmp_path: Path) -> None:
    given = {name: value.format(pw=PASSWORD) for name, value in WRONG_SYSTEMS.items()}
    site = wrong_site(tmp_path, given, TWO_PASSWORDS.format(pw=PASSWORD))

    ended = site.drillbook("doctor")
    also = site.drillbook("doctor", "--json")

    assert (ended.returncode, also.returncode) == (9, 9)
    for environment, system in product(("production", "broken"), ("database", "app")):
        assert f"wrong  {environment} {system}: " in ended.stdout
    assert "wrong  staging database: " in ended.stdout
    assert "mistake in Drillbook" not in ended.stdout
    assert found_in("\n".join(site.said).encode()) == []
    assert [str(path) for path in tmp_path.rglob("*") if leaks_in(path)] == []


def leaks_in(path: Path) -> list[str]:
    """Return what a file holds of the canaries, but for those whose place it is."""
    is_place = not path.is_file() or path.name in {"backup.key", "staging.url"}
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
