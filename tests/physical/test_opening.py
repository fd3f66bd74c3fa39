"""What spoils a stored physical backup is named before anything is restored from it."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from drillbook.core.errors import Damaged, DrillbookError, Failed
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.physical.opening import PhysicalOpening, chain_of
from drillbook.providers.postgres.storage.folder import FolderStore
from physical.parts import Production, an_effect


@pytest.fixture
def copied(production: Production, full: Manifest, tmp_path: Path) -> Iterator[PhysicalOpening]:
    """A store of its own with the full backup, for a test to spoil."""
    shutil.copytree(production.store.path / full.id, tmp_path / "backups" / full.id)
    yield replace(production.opening, store=FolderStore(tmp_path / "backups"))
    assert [path.name for path in production.room.folder.glob("scratch-*")] == []


def data_of(opening: PhysicalOpening, manifest: Manifest) -> Path:
    assert isinstance(opening.store, FolderStore)
    return opening.store.path / manifest.id / "data"


def error_of(
    opening: PhysicalOpening, manifest: Manifest, target: Lsn | None = None
) -> DrillbookError:
    with pytest.raises(DrillbookError) as raised, opening.started(manifest, an_effect(), target):
        pytest.fail("a server was started")
    return raised.value


def test_a_flipped_bit_is_named_by_its_file(copied: PhysicalOpening, full: Manifest) -> None:
    path = data_of(copied, full) / "global" / "1260"
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + bytes([whole[100] ^ 4]) + whole[101:])

    error = error_of(copied, full)

    assert isinstance(error, Damaged)
    assert 'checksum mismatch for file "global/1260"' in str(error)


def test_a_missing_file_is_named(copied: PhysicalOpening, full: Manifest) -> None:
    (data_of(copied, full) / "global" / "1260").unlink()

    assert '"global/1260" is present in the manifest but not on disk' in str(error_of(copied, full))


def test_missing_wal_of_the_backup_itself_is_named(copied: PhysicalOpening, full: Manifest) -> None:
    for path in (data_of(copied, full) / "pg_wal").glob("0*"):
        path.unlink()

    error = error_of(copied, full)

    assert isinstance(error, Damaged)
    assert "WAL" in str(error)


def test_a_target_that_the_wal_does_not_hold_is_a_named_failure(
    production: Production, full: Manifest
) -> None:
    beyond = Lsn(Lsn.parse(full.lsn).at + (1 << 40))

    error = error_of(production.opening, full, beyond)

    assert isinstance(error, Damaged)
    assert f"WAL place {beyond} cannot be reached: its WAL ends before the point" in str(error)


def test_a_target_before_the_end_of_the_backup_is_a_named_failure(
    production: Production, full: Manifest
) -> None:
    error = error_of(production.opening, full, Lsn(Lsn.parse(full.wal_start).at + 1))

    assert isinstance(error, (Damaged, Failed))
    assert "before" in str(error)


def test_a_chain_without_its_first_link_is_worth_nothing_and_says_so(
    production: Production, full: Manifest, tmp_path: Path
) -> None:
    child = full.model_copy(
        update={"id": "child", "kind": BackupKind.INCREMENTAL, "parent": full.id}
    )
    assert [link.id for link in chain_of(production.store, child)] == [full.id, "child"]

    with pytest.raises(Damaged, match=f"backup child builds on {full.id}, which is not in"):
        chain_of(FolderStore(tmp_path), child)
