"""A real S3 server for the module, and backups small enough to be many."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from drillbook.core.secret import Secret
from drillbook.providers.postgres.storage.blobs import Blobs, FolderBlobs
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.s3 import S3Blobs
from storage.backups import write_key
from storage.s3_server import ACCESS_KEY, SECRET_KEY, Front, S3Server, bucket


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    server = S3Server(tmp_path_factory.mktemp("s3")).start()
    yield server
    server.kill()


@pytest.fixture
def own_s3(tmp_path: Path) -> Iterator[S3Server]:
    """A server of the test's own, to be killed."""
    server = S3Server(tmp_path / "s3").start()
    yield server
    server.kill()


@pytest.fixture
def front(s3: S3Server) -> Iterator[Front]:
    with Front(s3) as front:
        yield front


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_S3_ACCESS", ACCESS_KEY)
    monkeypatch.setenv("TEST_S3_SECRET", SECRET_KEY)
    # What the worker's own environment says of AWS must change nothing.
    monkeypatch.setenv("AWS_SESSION_TOKEN", "stray")
    monkeypatch.setenv("AWS_ENDPOINT", "http://127.0.0.1:1")


@pytest.fixture
def key(tmp_path: Path) -> Secret:
    return write_key(tmp_path / "backup.key")


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return FolderBlobs(tmp_path / "blobs")
    server: S3Server = request.getfixturevalue("s3")
    return S3Blobs(bucket(server.endpoint, prefix=f"p/{uuid4().hex[:8]}"))


@pytest.fixture
def store(blobs: Blobs, tmp_path: Path, key: Secret) -> ObjectStore:
    """An encrypted store, in a folder and in a bucket."""
    return ObjectStore(blobs, tmp_path / "staging", Keyring([key]))
