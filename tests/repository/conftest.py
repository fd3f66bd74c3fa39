"""One repository for a module: each test makes branches of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from drillbook.core.effect import Effect
from repository.hub import Hub, a_hub

_numbers = count(1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A repository whose pipeline stands still: tests say how the checks ended."""
    with a_hub(tmp_path_factory.mktemp("hub") / "range") as made:
        yield made


@pytest.fixture
def branch() -> str:
    """The name of a branch that no other test uses."""
    return f"change-{next(_numbers)}"


@pytest.fixture
def effect(branch: str) -> Effect:
    """One effect of one run."""
    return Effect(key=f"run-1/{branch}", run="run-1", task=branch)
