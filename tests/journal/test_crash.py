import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest

from drillbook.engine.journal import Journal
from journal import appender
from journal.conftest import Opener
from journal.samples import entry

ENDLESS = 1_000_000
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(store_url: str, home: Path) -> Iterator[Start]:
    """Starts processes that append; none outlives the test."""
    processes: list[subprocess.Popen[str]] = []

    def start_one(
        run: str = "r-1", first: int = 0, count: int = ENDLESS, at: Path = home
    ) -> subprocess.Popen[str]:
        words = [sys.executable, appender.__file__, str(at), run, str(first), str(count)]
        environment = {**os.environ, "STORE": store_url}
        processes.append(
            subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
        )
        return processes[-1]

    yield start_one
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


def numbers_of(journal: Journal, run: str) -> list[tuple[int, str]]:
    return [(int(one.task), one.kind) for one in journal.entries(run)]


def test_kill_9_in_an_append_loses_nothing_acknowledged_and_leaves_nothing_half(
    start: Start, opened: Opener
) -> None:
    chance = random.Random(7)  # noqa: S311 - which moment is killed, not a secret
    first = 0

    for _ in range(5):
        process = start(first=first)
        assert process.stdout is not None
        told = list(islice(process.stdout, chance.randint(1, 60)))
        process.kill()
        told += process.communicate()[0].split()
        acknowledged = int(told[-1])

        journal = opened()
        assert journal.verify().size % 2 == 1  # the key, and pairs
        found = numbers_of(journal, "r-1")
        assert found == [(n, kind) for n in range(len(found) // 2) for kind in PAIR]
        assert len(found) // 2 in (acknowledged + 1, acknowledged + 2)
        first = acknowledged  # as a durable step that runs again would

    assert opened().append(entry()).size == opened().verify().size


PAIR = ("task.started", "task.done")


def test_processes_append_at_once_and_one_is_killed(
    start: Start, opened: Opener, home: Path, store_url: str
) -> None:
    is_shared = store_url.startswith("postgresql")
    homes = [home / str(number) if is_shared else home for number in range(3)]
    steady = [start(f"r-{n}", count=40, at=homes[n]) for n in range(2)]
    victim = start("r-victim", at=homes[2])
    assert victim.stdout is not None
    acknowledged = int(list(islice(victim.stdout, 15))[-1])
    victim.kill()

    for process in steady:
        said, _ = process.communicate()
        assert process.returncode == 0
        assert said.split() == [str(number) for number in range(40)]

    journal = opened(homes[0])
    verified = journal.verify()
    assert len(verified.keys) == (3 if is_shared else 1)
    for run in ("r-0", "r-1"):
        assert numbers_of(journal, run) == [(n, kind) for n in range(40) for kind in PAIR]
    assert len(numbers_of(journal, "r-victim")) >= 2 * (acknowledged + 1)
    assert verified.size == sum(1 for _ in journal.entries())


def test_processes_that_open_a_new_store_at_once_share_it(start: Start, opened: Opener) -> None:
    processes = [start(f"r-{number}", count=3) for number in range(4)]

    for process in processes:
        assert process.communicate()[0].split() == ["0", "1", "2"]
        assert process.returncode == 0

    verified = opened().verify()
    assert verified.size == 4 * 6 + 1
    assert len(verified.keys) == 1
