"""The hosting of a small app, with its real edge, for the fixes that go through it."""

from collections.abc import Iterator

import pytest

from twins.vercel_cloud import VercelCloud, vercel_cloud


@pytest.fixture(scope="package")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VercelCloud]:
    with vercel_cloud(tmp_path_factory.mktemp("vercel")) as running:
        yield running
        violations = running.contract.violations
        assert not violations, "\n".join(sorted(set(violations)))
