"""A worker killed at any moment leaves no half backup, no server and no slot behind."""

from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from drillbook.core.effect import Effect
from drillbook.ports.backups import BackupKind, Manifest, Wanted
from drillbook.providers.postgres.restores import PostgresRestores
from drillbook.providers.postgres.scratch import ScratchRoom
from physical.parts import Production
from postgres.dying import dies_at

MOMENTS = ("copied", "checking")


def left_of(production: Production) -> tuple[list[str], int, int]:
    """Return unfinished folders, replication slots, and WAL senders."""
    unfinished = [path.name for path in production.store.path.glob(".unfinished-*")]
    with production.server.session() as session:
        slots = session.execute("SELECT count(*) FROM pg_replication_slots").fetchone()
        senders = session.execute("SELECT count(*) FROM pg_stat_replication").fetchone()
    assert slots is not None
    assert senders is not None
    return unfinished, int(slots[0]), int(senders[0])


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_backup_leaves_nothing_and_the_next_attempt_is_whole(
    production: Production, moment: int | str
) -> None:
    effect = Effect(f"run-{uuid4().hex[:8]}/1/take")

    def work(mine: Effect) -> Manifest:
        return production.backups.create("", mine, BackupKind.PHYSICAL)

    assert dies_at(moment, effect, work)
    assert production.store.find(production.store.id_of(effect.key)) is None

    taken = work(effect)

    assert production.store.verify_files(taken.id).files > 900
    production.store.remove(taken.id)  # other tests go back to the full one, as the newest
    assert left_of(production) == ([], 0, 0)


def test_a_killed_restore_to_a_point_leaves_no_server(
    production: Production, full: Manifest
) -> None:
    effect = Effect(f"run-{uuid4().hex[:8]}/1/open")

    def work(mine: Effect) -> int:
        points = replace(production.points, archive=None)
        with points.material_at(full.id, mine) as material:
            assert material.objects == full.objects
            return len(material.contents)

    assert dies_at("dumping", effect, work)
    assert work(effect) == len(full.contents)
    assert list(production.room.folder.glob("scratch-*")) == []


@pytest.mark.parametrize("ends", ["settled", "undone"])
def test_a_restore_killed_while_it_copies_leaves_nothing_once_it_is_settled_or_undone(
    production: Production, full: Manifest, ends: str
) -> None:
    restores = PostgresRestores(
        production.server, production.store, production.commands, production.points
    )
    effect, wanted = Effect(f"run-{uuid4().hex[:8]}/1/restore"), Wanted(point=full.id)
    serving = restores.serving()

    assert dies_at("copied", effect, lambda mine: restores.restore(wanted, mine))
    assert list(production.room.folder.glob("scratch-*")) != []

    if ends == "settled":
        assert restores.settle(wanted, effect) is None
    else:
        assert not restores.take_back(wanted, serving, effect).was_restored
    assert list(production.room.folder.glob("scratch-*")) == []


def test_an_undo_does_not_wait_for_a_scratch_folder_that_cannot_be_cleared(
    production: Production, tmp_path: Path
) -> None:
    (tmp_path / "full").write_bytes(b"no folder")
    points = replace(production.points, room=ScratchRoom(tmp_path / "full"))
    restores = PostgresRestores(production.server, production.store, production.commands, points)
    said: list[str] = []
    effect = Effect("run-x/1/restore", progress=lambda says, _fraction: said.append(says))

    assert not restores.take_back(Wanted(point="x"), restores.serving(), effect).was_restored
    assert said[0] == f"what dead workers left in {tmp_path}/full cannot be cleared: File exists"
