"""One receiving process for all tests of receivers."""

from collections.abc import Iterator

import pytest

from receiving.reception import Reception, receiving


@pytest.fixture(scope="session")
def reception(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reception]:
    with receiving(tmp_path_factory.mktemp("reception")) as running:
        yield running
