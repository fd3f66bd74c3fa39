"""A journal on each kind of store: SQLite, and a real Postgres."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from drillbook.engine.journal import Journal, open_journal
from journal.samples import Attacker

Opener = Callable[..., Journal]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return "sqlite:///store.db"
    url: str = request.getfixturevalue("database_url")
    return url


@pytest.fixture
def opened(store_url: str, home: Path) -> Iterator[Opener]:
    """Opens journals on the test's store; of the same home unless another is given."""
    journals: list[Journal] = []

    def open_one(at: Path = home) -> Journal:
        journals.append(open_journal(store_url, at))
        return journals[-1]

    yield open_one
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(opened: Opener) -> Journal:
    return opened()


@pytest.fixture
def attacker(journal: Journal, store_url: str, home: Path) -> Iterator[Attacker]:
    with Attacker(store_url, home) as hands:
        yield hands


@pytest.fixture
def sqlite_journal(home: Path) -> Iterator[Journal]:
    journal = open_journal("sqlite:///store.db", home)
    yield journal
    journal.close()
