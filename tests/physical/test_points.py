"""Points in time are reached exactly, and what cannot be reached is named."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound, Refused
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.physical.lsn import Lsn, Segment
from physical.parts import Production, an_effect


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
    assert [
        one.lsn for one in production.points.reachable().named if one.name.endswith("release")
    ] == [marked.lsn]


def test_a_database_comes_back_as_it_was_at_a_time_and_at_a_place(
    production: Production, full: Manifest
) -> None:
    production.execute("CREATE TABLE steps AS SELECT 1 AS n")
    with production.server.session() as session:
        row = session.execute(
            "SELECT clock_timestamp(), pg_current_wal_insert_lsn()::text"
        ).fetchone()
    assert row is not None
    production.execute("INSERT INTO steps VALUES (2)")

    with production.points.material_at(row[0].isoformat(), an_effect()) as at_time:
        pass
    with production.points.material_at(row[1], an_effect()) as at_place:
        pass
    production.execute("DROP TABLE steps")

    assert at_time.contents["public.steps"].rows == at_place.contents["public.steps"].rows == 1
    assert at_time.contents == at_place.contents


@pytest.mark.parametrize("point", ["no-such-point", "2001-01-01T00:00:00Z", "FF/0", "0/28"])
def test_a_point_that_cannot_be_reached_is_refused_with_what_can(
    production: Production, full: Manifest, point: str
) -> None:
    with (
        pytest.raises((Refused, NotFound), match=point.replace("T", ".")[:13]) as raised,
        production.points.material_at(point, an_effect()),
    ):
        pytest.fail("a database was made")

    assert full.id in raised.value.hint


def test_a_missing_segment_is_named_and_all_before_it_can_be_reached(
    production: Production, full: Manifest, tmp_path: Path
) -> None:
    for _ in range(3):
        production.points.mark(f"step-{an_effect().key[4:12]}", an_effect("mark"))
    shutil.copytree(production.archive, tmp_path / "wal")
    points = replace(production.points, archive=tmp_path / "wal")
    segments = sorted(path.name for path in (tmp_path / "wal").glob("0*") if len(path.name) == 24)
    (tmp_path / "wal" / segments[-2]).unlink()

    now = points.reachable()

    assert now.missing == (f"WAL segment {segments[-2]} is missing",)
    lost = Segment.parse(segments[-2])
    assert lost is not None
    assert now.reaches[0].to_lsn == str(lost.start)
    with (
        pytest.raises(Refused, match=f"WAL segment {segments[-2]} is missing"),
        points.material_at(str(Lsn(lost.end.at + 100)), an_effect()),
    ):
        pytest.fail("a database was made")


def test_segments_that_are_cut_short_or_of_another_cluster_are_named(
    production: Production, full: Manifest, tmp_path: Path
) -> None:
    production.points.mark(f"last-{an_effect().key[4:12]}", an_effect("mark"))
    shutil.copytree(production.archive, tmp_path / "wal")
    newest = max(path for path in (tmp_path / "wal").glob("0*") if len(path.name) == 24)
    whole = newest.read_bytes()
    points = replace(production.points, archive=tmp_path / "wal")

    newest.write_bytes(whole[:-512])
    assert points.reachable().missing == (
        f"WAL segment {newest.name} has {len(whole) - 512} bytes, not {len(whole)}",
    )

    newest.write_bytes(whole[:24] + bytes(8) + whole[32:])
    assert points.reachable().missing == (f"WAL segment {newest.name} is of another cluster (0)",)


def test_a_point_is_made_once_by_an_effect_and_never_twice_under_one_name(
    production: Production, full: Manifest
) -> None:
    effect = an_effect("mark")

    first = production.points.mark("only-once", effect)
    again = production.points.mark("only-once", effect)

    assert again.lsn == first.lsn
    with pytest.raises(
        Refused, match=f"there is a restore point only-once already, at {first.lsn}"
    ):
        production.points.mark("only-once", an_effect("mark"))
    with pytest.raises(Refused, match="cannot be the name"):
        production.points.mark("x" * 60, an_effect("mark"))


def test_without_an_archive_only_backups_are_points(production: Production) -> None:
    points = replace(production.points, archive=None)

    with (
        pytest.raises(NotFound, match="no WAL archive is named"),
        points.material_at("2026-01-01T00:00", an_effect()),
    ):
        pytest.fail("a database was made")


def test_points_on_the_timeline_of_a_server_that_took_over_are_reached(
    production: Production, full: Manifest, tmp_path: Path
) -> None:
    marked = production.points.mark("handover", an_effect("mark"))
    shutil.copytree(production.archive, tmp_path / "wal")
    handover = production.opening.started(full, an_effect("other"), Lsn.parse(marked.lsn))
    with handover as other:
        database = other.server.other("app")
        with database.session() as session:
            session.execute("CREATE TABLE after_handover AS SELECT 1 AS n")
            row = session.execute("SELECT clock_timestamp()").fetchone()
            session.execute("INSERT INTO after_handover VALUES (2)")
            session.execute("SELECT pg_switch_wal()")
        for path in (other.data / "pg_wal").glob("00000002*"):
            shutil.copy(path, tmp_path / "wal")
    assert row is not None
    points = replace(
        production.points, archive=tmp_path / "wal", server=replace(database, connect_seconds=2.0)
    )

    with points.material_at(row[0].isoformat(), an_effect()) as material:
        assert material.contents["public.after_handover"].rows == 1

    assert points.reachable().reaches[0].from_lsn == full.lsn


def test_a_point_is_reached_though_newer_backups_cannot_be_read(
    production: Production, full: Manifest
) -> None:
    marked = production.points.mark("with-rot", an_effect("mark"))
    later = {"id": "r-newer", "at": full.at + timedelta(seconds=1)}
    newer = full.model_copy(update=later)
    child = newer.model_copy(
        update={"id": "r-child", "kind": BackupKind.INCREMENTAL, "parent": newer.id}
    )
    for one in (newer, child):
        production.store.finish(production.store.unfinished(one.id), one)
    after = production.points.mark("after-rot", an_effect("mark"))
    try:
        (production.store.path / newer.id / "manifest.json").write_bytes(b"rot")

        now = production.points.reachable()
        with production.points.material_at("after-rot", an_effect()) as material:
            assert material.backup == full.id
    finally:
        production.store.remove(newer.id)
        production.store.remove("r-child")

    assert {marked.lsn, after.lsn} <= {one.lsn for one in now.named}
    assert newer.id not in {one.backup for one in now.reaches}
    assert now.missing[-2].startswith(f"{newer.id} cannot be read")
    assert now.missing[-1] == f"r-child builds on {newer.id}, which is not there to be read"
