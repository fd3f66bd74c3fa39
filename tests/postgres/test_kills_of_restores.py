"""Workers are killed while they dump, build beside and swap; nothing is half, nothing is twice."""

import os
import signal

import pytest

from drillbook.actions import backup
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError
from postgres.dying import KILLED, Moments, dies_at, ending, in_a_child, watched
from postgres.parts import RESTORED, TAKEN, Parts


@pytest.mark.parametrize("moment", [1, "dumping", 8, "all"])
def test_a_backup_whose_worker_is_killed_is_whole_or_not_there(
    parts: Parts, moment: int | str
) -> None:
    if moment == "all":
        counted = Moments(0)
        parts.backups.create("", watched(Effect(key="r-0/1.2"), counted))
        moment = counted.seen  # the last one, with the manifest still to be written

    assert dies_at(moment, TAKEN, lambda mine: parts.backups.create("", mine))

    assert backup.look_created(parts.backups, TAKEN) is None
    assert not list(parts.backups.store.path.glob(".unfinished-r-1*"))
    made = backup.create.do(parts.backups, TAKEN)
    assert parts.backups.verify(made.id, TAKEN).files > 1


@pytest.mark.parametrize("moment", ["making", "restoring", "comparing", "swapping"])
def test_a_restore_killed_before_the_swap_changes_nothing_and_is_finished_by_the_next(
    parts: Parts, moment: str
) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int)")

    assert dies_at(moment, RESTORED, lambda mine: parts.restore(made.id, mine))

    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(True,)]
    look = backup.look_restored(parts.restores, parts.database, RESTORED, backup=made.id)
    assert look is None
    parts.restore(made.id, RESTORED)
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(False,)]
    assert parts.names() == {"", "_before_"}


def test_a_restore_killed_before_the_swap_can_be_undone(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    assert dies_at("comparing", RESTORED, lambda mine: parts.restore(made.id, mine))

    assert not parts.swap_back(RESTORED).was_restored
    assert parts.names() == {""}


def test_a_restore_killed_inside_the_swap_has_swapped_both_names_or_none(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    counted = Moments(0)
    other = Effect(key="r-0/5.1")
    parts.restore(made.id, watched(other, counted))
    parts.swap_back(other)
    parts.execute("CREATE TABLE later (id int)")

    # Before the last moment (counting) comes the fence inside the swap's transaction.
    assert dies_at(counted.seen - 1, RESTORED, lambda mine: parts.restore(made.id, mine))
    found = backup.look_restored(parts.restores, parts.database, RESTORED, backup=made.id)
    assert found is None
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(True,)]

    assert dies_at("counting", RESTORED, lambda mine: parts.restore(made.id, mine))
    found = backup.look_restored(parts.restores, parts.database, RESTORED, backup=made.id)
    assert found is not None
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(False,)]


def test_an_undo_killed_inside_the_swap_is_finished_by_the_next(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int)")
    parts.restore(made.id, RESTORED)

    assert dies_at(2, RESTORED, parts.swap_back)
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(False,)]

    assert parts.swap_back(RESTORED).was_restored
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(True,)]


def test_a_frozen_worker_that_wakes_after_the_restore_changes_nothing(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int)")
    sleeper = watched(RESTORED, Moments("swapping", signal.SIGSTOP))
    child = in_a_child(lambda: parts.restore(made.id, sleeper))
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])

    parts.restore(made.id, RESTORED)
    parts.execute("CREATE TABLE newest (id int)")
    os.kill(child, signal.SIGCONT)

    assert ending(child) in {0, 1}
    assert parts.execute("SELECT to_regclass('newest') IS NOT NULL") == [(True,)]
    assert parts.names() == {"", "_before_"}


def test_a_frozen_dump_is_ended_by_its_successor(parts: Parts) -> None:
    sleeper = watched(TAKEN, Moments("dumping", signal.SIGSTOP))
    child = in_a_child(lambda: parts.backups.create("", sleeper))
    assert os.WIFSTOPPED(os.waitpid(child, os.WUNTRACED)[1])

    made = backup.create.do(parts.backups, TAKEN)
    os.kill(child, signal.SIGCONT)

    assert ending(child) in {0, 1, KILLED}
    assert [path.name for path in parts.backups.store.path.iterdir()] == [made.id]
    assert parts.backups.verify(made.id, TAKEN).files > 1
    with pytest.raises(DrillbookError):
        parts.backups.get("none")
