"""Points in time are reached exactly, and what cannot be reached is named."""

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound, Refused
from drillbook.ports.backups import Manifest
from drillbook.providers.postgres.physical.lsn import Lsn, Segment

from conftest import Production, an_effect


def test_a_database_comes_back_as_it_was_at_a_named_point(
    production: Production, full: Manifest
) -> None:
    production.execute("CREATE TABLE before_mark AS SELECT 7 AS n")
    marked = production.points.mark("before-the-release", an_effect("mark"))
    production.execute("DROP TABLE before_mark")

    with production.points.material_at("before-the-release", an_effect()) as material:
        dumped = (material.folder / "toc.dat").exists()

    assert dumped
    assert material.contents["public.before_mark"].rows == 1
    assert material.backup == full.id
    assert "before-the-release" in material.source
    assert [one.lsn for one in production.points.reachable().named if one.name.endswith("release")] == [marked.lsn]


def test_a_database_comes_back_as_it_was_at_a_time_and_at_a_place(
    production: Production, full: Manifest
) -> None:
    production.execute("CREATE TABLE steps AS SELECT 1 AS n")
    with production.server.session() as session:
        row = session.execute("SELECT clock_timestamp(), pg_current_wal_insert_lsn()::text").fetchone()
    assert row is not None
    production.execute("INSERT INTO steps VALUES (2)")

    with production.points.material_at(row[0].isoformat(), an_effect()) as at_time:
        pass
    with production.points.material_at(row[1], an_effect()) as at_place:
        pass
    production.execute("DROP TABLE steps")

    assert at_time.contents["public.steps"].rows == at_place.contents["public.steps"].rows == 1
    assert at_time.contents == at_place.contents
