"""One small cloud for all tests of this folder: hosting, repository, edge and real apps."""

from collections.abc import Iterator

import pytest
from benchmarks.rollbacks.site import Site, a_site

from drillbook.stack.stack import Stack


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with a_site(tmp_path_factory.mktemp("site"), releases=1) as made:
        yield made


@pytest.fixture(scope="package")
def stack(site: Site) -> Stack:
    return site.stack()


@pytest.fixture(scope="package")
def pair(site: Site) -> tuple[str, str]:
    """Two releases of production, the older one and the newer one."""
    older = site.deploy({"NOTES.md": "older\n"}, "The older release")
    return older, site.deploy({"NOTES.md": "newer\n"}, "The newer release")
