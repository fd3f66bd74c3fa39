"""Workers that are really started, and whatever they leave is ended with the test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.providers.process.commands import ProcessCommands
from process.workers import StartWorker, Worker


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[StartWorker]:
    started: list[Worker] = []

    def start(before: str, *argv: str) -> Worker:
        started.append(Worker(tmp_path / "commands", before, *argv))
        return started[-1]

    yield start
    for worker in started:
        worker.end()


@pytest.fixture
def commands(tmp_path: Path) -> ProcessCommands:
    return ProcessCommands(tmp_path / "commands", patience_seconds=60, grace_seconds=0.5)
