"""A command left behind by a dead or frozen worker is gone before its successor starts it again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from drillbook.core.errors import Damaged, OutcomeUnknown
from drillbook.core.process_identity import (
    ProcessIdentity,
    identify,
    is_running,
    send_signal,
    wait_until_gone,
)
from drillbook.ports.commands import Command
from drillbook.providers.process import lock
from drillbook.providers.process.commands import ProcessCommands
from process.workers import FAMILY, StartWorker

SECONDS = 20.0
FAMILY_ARGV = (sys.executable, "-c", FAMILY)


def again(*argv: str) -> Command:
    return Command(argv, effect_key="one effect")


def look_for(family: list[ProcessIdentity]) -> Command:
    """A command that says which of these processes still run when it starts."""
    # A process that only waits to be reaped (Z) runs no more.
    looks = [
        f"grep -qs '^State:.[^ZX]' /proc/{member.pid}/status && echo {member.pid}"
        for member in family
    ]
    return again("sh", "-c", "; ".join([*looks, "echo looked"]))


def holder(folder: Path) -> lock.Holder:
    (path,) = (found for found in folder.iterdir() if ".taken" not in found.name)
    found = lock._read(path)
    assert found is not None
    return found


def shim_of(folder: Path) -> ProcessIdentity:
    found = holder(folder).shim
    assert found is not None
    return found


def test_killed_worker_leaves_no_child_grandchild_or_daemon(start_worker: StartWorker) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()

    worker.send(signal.SIGKILL)

    for member in family:
        assert wait_until_gone(member, SECONDS)


def test_successor_of_a_killed_worker_starts_on_a_clean_machine(
    start_worker: StartWorker, commands: ProcessCommands
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()

    worker.send(signal.SIGKILL)
    finished = commands.run(look_for(family))

    assert finished.output_tail == "looked\n"


def test_successor_of_a_frozen_worker_ends_its_command_first_and_the_frozen_one_learns_it(
    start_worker: StartWorker, commands: ProcessCommands
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()
    worker.send(signal.SIGSTOP)

    finished = commands.run(look_for(family))
    worker.send(signal.SIGCONT)

    assert finished.output_tail == "looked\n"
    assert worker.line().startswith("OutcomeUnknown: ")


def test_worker_killed_between_lock_and_start_started_nothing(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    worker = start_worker("die", "touch", str(tmp_path / "started"))

    assert worker.line() == "locked"
    worker.process.wait()
    finished = commands.run(again("ls", str(tmp_path)))

    assert finished.output_tail == "commands\n"


def test_worker_frozen_between_lock_and_start_never_starts(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    worker = start_worker("freeze", "touch", str(tmp_path / "started"))
    assert worker.line() == "locked"
    os.waitid(os.P_PID, worker.process.pid, os.WSTOPPED | os.WNOWAIT)

    finished = commands.run(again("true"))
    worker.send(signal.SIGCONT)

    assert finished.succeeded
    assert worker.line().startswith("OutcomeUnknown: another worker took")
    assert not (tmp_path / "started").exists()


def test_killed_shim_is_unknown_and_its_daemons_are_ended_by_the_worker(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()

    send_signal(shim_of(tmp_path / "commands"), signal.SIGKILL)

    assert worker.line().startswith("OutcomeUnknown: ")
    for member in family:
        assert wait_until_gone(member, SECONDS)


def test_successor_ends_what_a_killed_shim_of_a_killed_worker_left(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()
    shim = shim_of(tmp_path / "commands")

    worker.send(signal.SIGSTOP)
    send_signal(shim, signal.SIGKILL)
    worker.send(signal.SIGKILL)
    assert any(is_running(member) for member in family)
    finished = commands.run(look_for(family))

    assert finished.output_tail == "looked\n"


def test_successor_ends_the_command_of_a_frozen_shim_from_outside(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()
    shim = shim_of(tmp_path / "commands")

    send_signal(shim, signal.SIGSTOP)
    worker.send(signal.SIGSTOP)
    finished = commands.run(look_for(family))

    assert finished.output_tail == "looked\n"
    assert not is_running(shim)


def test_successor_waits_for_a_living_worker(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    worker = start_worker("go", "sh", "-c", f"echo begun; cat {fifo} > {tmp_path}/written")
    assert worker.line() == "begun"
    successor = start_worker("go", "cat", str(tmp_path / "written"))

    fifo.write_text("by the first\n")

    assert worker.line() == "finished 0"
    assert successor.line() == "by the first"
    assert successor.line() == "finished 0"


def test_living_worker_that_outlives_the_patience_is_taken_over(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()
    impatient = ProcessCommands(tmp_path / "commands", patience_seconds=0.1)

    finished = impatient.run(look_for(family))

    assert finished.output_tail == "looked\n"
    assert worker.line().startswith("OutcomeUnknown: another worker took")


def test_stranger_that_got_the_number_of_a_dead_shim_is_left_alone(
    commands: ProcessCommands, tmp_path: Path
) -> None:
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        alive = identify(stranger.pid)
        assert alive is not None
        dead = [alive.pid, alive.started - 1]
        commands.run(again("true"))
        (path,) = (tmp_path / "commands").iterdir()
        path.write_text(json.dumps({"worker": dead, "shim": dead, "mark": "none"}))

        finished = commands.run(again("true"))

        assert finished.succeeded
        assert is_running(alive)
    finally:
        stranger.kill()
        stranger.wait()


def test_lock_of_another_mans_making_is_damaged(commands: ProcessCommands, tmp_path: Path) -> None:
    commands.run(again("true"))
    (path,) = (tmp_path / "commands").iterdir()
    path.write_text("not a lock")

    with pytest.raises(Damaged, match="cannot be read") as caught:
        commands.run(again("true"))

    assert str(path) in str(caught.value)


def test_takeover_that_was_itself_cut_off_is_finished_by_the_next(
    start_worker: StartWorker, commands: ProcessCommands, tmp_path: Path
) -> None:
    worker = start_worker("go", *FAMILY_ARGV)
    family = worker.hear_family()
    worker.send(signal.SIGSTOP)
    (path,) = (tmp_path / "commands").iterdir()
    path.rename(path.with_name(f"{path.name}.taken-0011223344556677"))

    finished = commands.run(look_for(family))

    assert finished.output_tail == "looked\n"
    assert [found.name for found in (tmp_path / "commands").iterdir()] == [path.name]


def test_one_effect_never_runs_twice_at_once_while_workers_are_killed_and_frozen(
    start_worker: StartWorker, tmp_path: Path
) -> None:
    # flock of util-linux ends with 9 when another copy of the command holds the file.
    argv = ("flock", "-n", "-E", "9", str(tmp_path / "alone"), "sh", "-c", "echo in; sleep 0.05")
    workers = []
    for number in range(12):
        worker = start_worker("go", *argv)
        workers.append(worker)
        if number % 3 == 1:
            worker.send(signal.SIGKILL if number % 2 else signal.SIGSTOP)

    endings = []
    for worker in workers:
        worker.send(signal.SIGCONT)
        assert worker.process.stdout is not None
        endings.append(worker.process.stdout.read())
        worker.process.wait()

    assert not any("finished 9" in said for said in endings)
    assert sum("finished 0" in said for said in endings) >= 8


def test_worker_that_lost_its_run_starts_nothing(commands: ProcessCommands, tmp_path: Path) -> None:
    def not_mine() -> None:
        raise OutcomeUnknown("the run belongs to another worker")

    with pytest.raises(OutcomeUnknown, match="belongs to another"):
        commands.run(again("touch", str(tmp_path / "started")), before_start=not_mine)

    assert commands.run(again("ls", str(tmp_path))).output_tail == "commands\n"


def test_tidy_removes_old_finished_locks_only(commands: ProcessCommands, tmp_path: Path) -> None:
    commands.run(again("true"))
    commands.run(Command(("true",), effect_key="another"))
    folder = tmp_path / "commands"
    old, kept = sorted(folder.iterdir())
    os.utime(old, (0, 0))

    assert lock.tidy(folder, older_than_seconds=3600) == 1

    assert [found.name for found in folder.iterdir()] == [kept.name]
