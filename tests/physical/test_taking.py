"""Physical backups hold exactly what their manifest says, and what spoils one is named."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from drillbook.analysis.rows import content_differences
from drillbook.core.errors import Damaged, DrillbookError, Failed, Refused
from drillbook.core.postgres_tools import find_server
from drillbook.local.server import PostgresServer
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.physical.checking import run_local
from drillbook.providers.postgres.physical.taking import PhysicalTaking
from drillbook.providers.postgres.proof.data import proof_data
from drillbook.providers.postgres.proof.sequences import behind
from drillbook.providers.postgres.server import Server
from physical.load import writing
from physical.parts import Production, an_effect


@pytest.fixture
def keeper(production: Production) -> Iterator[Production]:
    """The same production for a login that may only read all and replicate."""
    production.execute("CREATE ROLE keeper LOGIN REPLICATION PASSWORD 'x-keeper-x'")
    production.execute("GRANT pg_read_all_data TO keeper")
    yield replace(production, server=Server(production.url_of("keeper"), "production", "app"))
    production.execute("DROP ROLE keeper")


def test_what_is_recovered_equals_what_was_backed_up_while_others_write(
    production: Production, keeper: Production
) -> None:
    with writing(production.running.url("app")):
        full = keeper.take()
        incremental = keeper.take(BackupKind.INCREMENTAL)

    for manifest in (full, incremental):
        with production.opening.started(manifest, an_effect()) as scratch:
            database = scratch.server.other("app")
            found = proof_data(database)
            with database.session() as session:
                late = behind(session, manifest.sequences)

        assert content_differences(manifest.contents, found.contents) == ()
        assert found.objects == manifest.objects
        assert manifest.contents["public.visits"].rows >= 2000
        assert late == ()
        assert manifest.contents["public.sessions"].rows == 0
    assert incremental.parent == full.id
    assert incremental.contents != full.contents


def test_a_bad_page_on_the_server_is_named_and_no_backup_is_made(production: Production) -> None:
    production.execute("CREATE TABLE rotten AS SELECT n FROM generate_series(1, 2000) n")
    production.execute("CHECKPOINT")
    with production.server.session() as session:
        row = session.execute("SELECT pg_relation_filepath('rotten')").fetchone()
    assert row is not None
    path = production.running.data / str(row[0])
    good = path.read_bytes()
    path.write_bytes(good[:9000] + bytes([good[9000] ^ 1]) + good[9001:])
    try:
        with pytest.raises(Damaged, match=rf"{row[0]} block 1") as raised:
            production.take(key="run-rot/1/take")
    finally:
        path.write_bytes(good)
        production.execute("DROP TABLE rotten")

    assert "no backup was kept" in str(raised.value)
    assert production.store.find(production.store.id_of("run-rot/1/take")) is None


@pytest.mark.parametrize(
    ("attributes", "words"),
    [("LOGIN", "the login may not replicate"), ("NOLOGIN REPLICATION", "not permitted to log in")],
)
def test_a_login_that_cannot_copy_is_refused_by_name(
    production: Production, attributes: str, words: str, tmp_path: Path
) -> None:
    production.execute(f"CREATE ROLE copier {attributes} PASSWORD 'x-copier-x'")
    taking = replace(
        production.taking, replication=Server(production.url_of("copier"), "production")
    )
    try:
        with pytest.raises(DrillbookError, match=words) as raised:
            taking.take(BackupKind.PHYSICAL, "", an_effect(), tmp_path)
    finally:
        production.execute("DROP ROLE copier")

    assert "x-copier-x" not in str(raised.value)


def test_a_server_without_checksums_or_summaries_is_refused(
    production: Production, tmp_path: Path
) -> None:
    running = PostgresServer(tmp_path / "plain", durable=False)
    running.create()
    tools = find_server()
    done = run_local(
        production.commands, tools, "pg_checksums", ("--disable", "--no-sync", str(running.data)),
        an_effect(), folder=running.data,
    )  # fmt: skip
    assert done.succeeded, done.error_tail
    running.start(tied=True)
    try:
        taking = PhysicalTaking(Server(running.url, "plain"), production.store, production.commands)
        with pytest.raises(Refused, match="data checksums are off on plain"):
            taking.take(BackupKind.PHYSICAL, "", an_effect(), tmp_path / "backup")
    finally:
        running.stop()


def test_an_incremental_backup_needs_a_parent_of_the_same_cluster(
    production: Production, full: Manifest, tmp_path: Path
) -> None:
    store = type(production.store)(tmp_path / "empty")
    taking = replace(production.taking, store=store)

    with pytest.raises(Refused, match="there is no physical backup"):
        taking.take(BackupKind.INCREMENTAL, "", an_effect(), tmp_path / "backup")


@pytest.fixture
def parent(production: Production, full: Manifest) -> Iterator[Manifest]:
    """A newer full backup, which an incremental one builds on, and which may be removed."""
    newest = max(manifest.at for manifest in production.store.all())
    copied = full.model_copy(update={"id": "r-parent", "at": newest + timedelta(seconds=1)})
    folder = production.store.path
    shutil.copytree(folder / full.id, folder / ".copied")
    (folder / ".copied/manifest.json").write_text(copied.model_dump_json())
    (folder / ".copied").rename(folder / copied.id)
    yield copied
    production.store.remove(copied.id)


def test_an_incremental_backup_whose_parent_goes_while_it_is_taken_is_not_kept(
    production: Production, parent: Manifest
) -> None:
    effect, there = an_effect("take"), {one.id for one in production.store.all()}

    def prune(says: str, _fraction: float | None) -> None:
        if says == "checking what was copied":
            production.store.remove(parent.id)

    with pytest.raises(Failed, match=r"r-parent, which .* was removed while it was taken"):
        production.backups.create("", replace(effect, progress=prune), BackupKind.INCREMENTAL)

    assert {one.id for one in production.store.all()} == there - {parent.id}
    assert production.store.rubbish() == ()


def test_an_incremental_backup_that_a_dead_attempt_left_without_its_parent_is_none(
    production: Production, parent: Manifest
) -> None:
    effect = an_effect("take")
    made = production.take(BackupKind.INCREMENTAL, effect.key)
    assert made.parent == parent.id
    assert production.backups.settle(effect) == made
    production.store.remove(parent.id)

    assert production.backups.settle(effect) is None
    assert production.store.find(made.id) is None
