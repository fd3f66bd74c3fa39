"""Backups go by a rule, once and never too many; what is promised is watched."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.actions import backup
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, NotFound, Refused
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.storage.keeping import StoreKeeping
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.store import BackupStore, id_of
from drillbook.providers.process.commands import ProcessCommands
from storage.backups import proof, take

DAY = timedelta(days=1)
EFFECT = Effect(key="r-9/1.1", run="r-9")


class Stopped(BaseException):
    """The end of a worker in the middle of its work."""


def keeping_of(store: BackupStore, rpo: timedelta | None = DAY) -> StoreKeeping:
    return StoreKeeping(store, rpo)


def history(store: BackupStore, days: int = 6) -> list[str]:
    """Backups of the last days, the newest first; the one before the last is proven."""
    made = [take(store, f"d{number}", age=number * DAY).id for number in range(days)]
    store.note_proof(made[-2], proof())
    return made


def test_a_rule_says_what_goes_and_why_the_others_stay(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store)

    said = backup.retention.do(keeping, keep_last=2)

    assert said.goes == (made[2], made[3], made[5])
    assert said.stays[made[4]] == "the last proven one"
    assert said.says.startswith("3 backups go (")
    assert len(keeping.all()) == 6


def test_prune_removes_what_was_said_and_says_it_before(store: ObjectStore) -> None:
    keeping, notes = keeping_of(store), list[str]()
    made = history(store)
    effect = Effect(key="r-9/1.1", note=lambda _key, says, _data: notes.append(says))

    done = backup.prune.do(keeping, effect, keep_last=2)

    assert done.removed == (made[2], made[3], made[5])
    assert [one.manifest.id for one in keeping.all()] == [made[0], made[1], made[4]]
    assert notes[0].endswith(", ".join(done.removed))
    assert backup.look_pruned(keeping, effect) == done
    assert store.rubbish() == ()


def test_prune_twice_is_prune_once_also_when_killed_midway(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store)

    def die(says: str, fraction: float | None) -> None:
        if made[3] in says:
            raise Stopped

    with pytest.raises(Stopped):
        backup.prune.do(keeping, Effect(key=EFFECT.key, progress=die), keep_last=2)
    assert backup.look_pruned(keeping, EFFECT, keep_last=2) is None
    newer = take(keeping.store, "meanwhile").id
    done = backup.prune.do(keeping, EFFECT, keep_last=2)

    assert done.removed == (made[2], made[3], made[5])
    assert newer in done.stays
    assert made[1] in done.stays  # it was to stay when this was decided
    assert backup.prune.do(keeping, EFFECT, keep_last=1) == done


def test_what_is_the_last_proven_one_by_now_stays(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store)

    def prove_one(says: str, fraction: float | None) -> None:
        if made[2] in says:
            keeping.store.note_proof(made[3], proof())

    done = backup.prune.do(keeping, Effect(key="r-9", progress=prove_one), keep_last=2)

    assert made[3] in done.stays
    assert made[3] not in done.removed


def test_prune_removes_no_more_than_was_agreed_on(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store)

    done = backup.prune.do(keeping, EFFECT, keep_last=2, agreed=(made[5], made[0]))

    assert done.removed == (made[5],)


def test_a_parent_of_what_stays_stays(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "b")
    base = take(store, "base", age=9 * DAY).id
    child = take(store, "child", age=8 * DAY, parent=base).id
    take(store, "other", age=2 * DAY)

    assert backup.prune.do(keeping_of(store), EFFECT, older_than=8.5 * DAY).removed == ()
    done = backup.prune.do(keeping_of(store), Effect(key="r-10"), older_than=3 * DAY)
    assert done.removed == (child, base)


def test_a_parent_stays_when_a_child_came_after_it_was_to_go(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "b")
    base = take(store, "base", age=9 * DAY).id
    other = take(store, "other", age=8 * DAY).id
    take(store, "newest", age=7 * DAY)
    keeping = keeping_of(store)

    def come(_key: str, _says: str, _data: object) -> None:
        take(store, "child", age=2 * DAY, parent=base)
        take(store, "newer", age=1 * DAY)

    done = backup.prune.do(keeping, Effect(key=EFFECT.key, note=come), keep_last=1)

    assert done.removed == (other,)
    assert base in done.stays
    assert backup.look_pruned(keeping, EFFECT, keep_last=1) == done


def test_what_a_dead_worker_left_in_clear_on_this_machine_is_named_and_goes(
    store: ObjectStore,
) -> None:
    made = take(store)
    opened = store.opened(made.id, "r-2/1.1")
    left = opened.__enter__()  # its worker is killed: nobody leaves it
    for path in (*left.rglob("*"), left):
        os.utime(path, (0, 0))

    assert [one.name for one in store.rubbish()] == [left.name]
    assert f"in {left.name} and did not end" in str(backup.watch.do(keeping_of(store)).missing)
    done = backup.prune.do(keeping_of(store), EFFECT, keep_last=1)

    assert done.cleared == (left.name,)
    assert not left.exists()
    assert store.all() == (made,)


@pytest.mark.parametrize("rule", [{}, {"keep_last": -1}])
def test_a_rule_that_means_nothing_is_refused(tmp_path: Path, rule: dict[str, int]) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    history(keeping.store, 2)

    with pytest.raises(Refused):
        backup.prune.do(keeping, EFFECT, **rule)

    assert len(keeping.all()) == 2


def test_left_overs_of_a_day_ago_are_cleared_and_younger_ones_stay(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "b")
    take(store)
    old, young = store.unfinished("dead"), store.unfinished("under-way")
    for folder in (old, young):
        (folder / "x").write_bytes(b"12345")
    then = (datetime.now(UTC) - 2 * DAY).timestamp()
    os.utime(old / "x", (then, then))

    done = backup.prune.do(keeping_of(store), EFFECT, keep_last=1)

    assert done.cleared == (old.name,)
    assert (old.exists(), young.exists()) == (False, True)


def test_watch_holds_while_a_proven_backup_is_young(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = take(keeping.store, age=timedelta(hours=2))
    keeping.store.note_proof(made.id, proof())

    seen = backup.watch.do(keeping)

    assert (seen.ok, seen.verdict, seen.last_proven) == (True, "held", made.id)
    assert seen.says == "the last proven backup is 2h old, promised are 1d"
    assert json.loads(seen.model_dump_json())["ok"] is True


def test_watch_says_what_is_missing(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "b")
    keeping = keeping_of(store)

    nothing = backup.watch.do(keeping)
    old = take(store, "old", age=2 * DAY).id
    unproven = backup.watch.do(keeping)
    store.note_proof(old, proof())
    new = take(store, "new", age=timedelta(hours=1)).id
    late = backup.watch.do(keeping)
    store.note_proof(new, proof(4, differences=("row counts differ",)))
    different = backup.watch.do(keeping)
    store.note_proof(new, proof(1))
    checked = backup.watch.do(keeping)
    store.note_proof(new, proof(4))

    assert (nothing.verdict, nothing.missing) == ("none", ("no backup was ever taken",))
    assert unproven.says == (
        "no backup is proven, and at most 1d may be lost; "
        f"the newest, {old} of 2d ago, is not proven"
    )
    assert (late.ok, late.verdict, late.last_proven, late.last_taken) == (False, "missed", old, new)
    assert "is not proven" in late.says
    assert "was found different: row counts differ" in different.says
    assert not checked.ok
    assert backup.watch.do(keeping).ok
    assert backup.watch.do(keeping, level=5).verdict == "none"


def test_watch_names_an_attempt_that_did_not_end(store: ObjectStore) -> None:
    store.blobs.put(f"{id_of('r-1')}/00dead/data/1", (b"half",), 4)

    seen = backup.watch.do(keeping_of(store))

    assert f"an attempt left 1 files in {id_of('r-1')} and did not end" in seen.missing


def test_without_a_promise_watch_is_refused(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"), rpo=None)

    with pytest.raises(Refused, match="no RPO is promised"):
        backup.watch.do(keeping)
    assert backup.watch.do(keeping, rpo=DAY).verdict == "none"


def spoiled(store: FolderStore, backup: str) -> None:
    (store.path / backup / "manifest.json").write_bytes(b"rot")


def test_one_that_cannot_be_read_is_named_and_the_others_are_listed(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store, days=3)
    spoiled(FolderStore(tmp_path / "b"), made[0])
    backups = PostgresBackups(
        Server(lambda: "postgresql://nowhere", "production"),
        keeping.store,
        ProcessCommands(tmp_path / "commands"),
    )

    listed = backup.list_.do(backups)

    assert [one.id for one in listed.backups] == made[1:]
    assert listed.unreadable[0].startswith(f"{made[0]} cannot be read: the manifest of")
    assert backup.latest.do(backups).id == made[1]
    assert made[0] in backup.report.do(keeping).says
    for name in made[1:]:
        spoiled(FolderStore(tmp_path / "b"), name)
    with pytest.raises(Damaged, match="no backup can be read: .*" + made[2]):
        backup.latest.do(backups)
    with pytest.raises(NotFound, match=made[1]):
        backup.report.do(keeping)


def test_watch_names_one_that_cannot_be_read_also_when_the_promise_holds(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"), rpo=2 * DAY)
    made = history(keeping.store, days=3)
    spoiled(FolderStore(tmp_path / "b"), made[0])

    seen = backup.watch.do(keeping)

    assert (seen.ok, seen.last_taken, seen.last_proven) == (True, made[1], made[1])
    assert seen.missing == tuple(one.says for one in keeping.unreadable())
    assert f"{made[0]} cannot be read" in seen.says
    for name in made[1:]:
        spoiled(FolderStore(tmp_path / "b"), name)
    none = backup.watch.do(keeping)
    assert (none.verdict, none.missing[0]) == ("none", "no backup can be read")


def test_a_proven_backup_whose_parent_cannot_be_read_keeps_no_promise(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "b")
    base = take(store, "base", age=DAY / 2).id
    child = take(store, "child", parent=base).id
    store.note_proof(child, proof())
    assert backup.watch.do(keeping_of(store)).last_proven == child
    spoiled(store, base)

    seen = backup.watch.do(keeping_of(store))

    assert (seen.verdict, seen.last_taken) == ("none", child)


def test_prune_removes_neither_one_that_cannot_be_read_nor_what_it_may_build_on(
    tmp_path: Path,
) -> None:
    store = FolderStore(tmp_path / "b")
    base = take(store, "base", age=9 * DAY, physical=True).id
    link = take(store, "link", age=8 * DAY, parent=base).id
    child = take(store, "child", age=7 * DAY, parent=link).id
    logical = [take(store, f"d{number}", age=number * DAY).id for number in range(3)]
    keeping = keeping_of(store)
    spoiled(store, child)

    said = backup.retention.do(keeping, keep_last=1)
    done = backup.prune.do(keeping, EFFECT, keep_last=1)

    assert said.goes == done.removed == (logical[1], logical[2])
    assert said.stays[base] == f"{child} cannot be read and may build on it"
    assert set(done.stays) == {logical[0], base, link, child}
    assert done.unreadable[0] in done.says
    assert done.unreadable == said.unreadable == tuple(one.says for one in keeping.unreadable())
    assert backup.look_pruned(keeping, EFFECT, keep_last=1) == done


def test_one_that_was_to_go_and_cannot_be_read_by_now_stays(tmp_path: Path) -> None:
    keeping = keeping_of(FolderStore(tmp_path / "b"))
    made = history(keeping.store)

    def spoil_one(says: str, fraction: float | None) -> None:
        if made[2] in says:
            spoiled(FolderStore(tmp_path / "b"), made[3])

    done = backup.prune.do(keeping, Effect(key="r-9", progress=spoil_one), keep_last=2)

    assert done.removed == (made[2], made[5])
    assert made[3] in done.stays
    assert (tmp_path / "b" / made[3] / "data").exists()
