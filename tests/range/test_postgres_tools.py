"""The finder of Postgres's programs."""

import os
import stat
from pathlib import Path

import pytest

from drillbook.core import postgres_tools
from drillbook.core.errors import NotFound, SettingsInvalid
from drillbook.core.postgres_tools import (
    BIN_VARIABLE,
    PostgresTools,
    find_server,
    find_tool,
    found_tools,
    server_version,
    tool_for_server,
)


def made_tools(folder: Path, version: str) -> Path:
    """A folder whose programs only know their version."""
    folder.mkdir()
    for name in ("psql", "pg_dump", "initdb", "postgres"):
        program = folder / name
        program.write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def test_finder_finds_a_server_that_names_its_version() -> None:
    tools = find_server()

    assert tools.version == server_version(tools.folder)
    assert tools.major >= 15
    assert os.access(tools.folder / "initdb", os.X_OK)


def test_named_folder_comes_before_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_tools(tmp_path / "bin", "18.1")
    monkeypatch.setenv(BIN_VARIABLE, str(folder))

    assert found_tools()[0] == PostgresTools(folder, (18, 1), BIN_VARIABLE)
    assert find_tool("pg_dump") == folder / "pg_dump"


def test_named_folder_without_programs_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BIN_VARIABLE, str(tmp_path))

    with pytest.raises(SettingsInvalid, match="no psql is there"):
        found_tools()


def test_dump_program_is_never_older_than_the_server_and_the_nearest_above(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres_tools, "DEBIAN", tmp_path)
    for version in (90, 91, 93):
        (tmp_path / str(version)).mkdir()
        made_tools(tmp_path / str(version) / "bin", f"{version}.2")

    assert tool_for_server("pg_dump", 91) == tmp_path / "91/bin/pg_dump"
    assert tool_for_server("pg_dump", 92) == tmp_path / "93/bin/pg_dump"
    with pytest.raises(NotFound, match="version 93, and 94 is needed") as caught:
        tool_for_server("pg_dump", 94)
    assert BIN_VARIABLE in caught.value.hint


def test_missing_program_is_not_found_with_a_hint() -> None:
    with pytest.raises(NotFound, match="pg_fly is not on this machine") as caught:
        find_tool("pg_fly")

    assert "drillbook[range]" in caught.value.hint


def test_program_that_says_no_version_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_tools(tmp_path / "bin", "unknown")
    monkeypatch.setenv(BIN_VARIABLE, str(folder))

    with pytest.raises(NotFound, match="does not name a version"):
        find_server()
