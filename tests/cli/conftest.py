"""Fixtures: a place for one test, and one shared by a module so that a worker starts once."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.place import Place, opened_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened_place(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened_place(tmp_path_factory.mktemp("shared")) as opened:
        yield opened
