"""A worker killed at any moment leaves no half backup, no server and no slot behind."""

from dataclasses import replace
from uuid import uuid4

import pytest

from drillbook.core.effect import Effect
from drillbook.ports.backups import BackupKind, Manifest
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
