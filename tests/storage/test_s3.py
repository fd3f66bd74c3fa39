"""A bucket on a real S3 server: large files, pages, and everything that goes wrong."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import DrillbookError, Failed, NotFound, Refused, Unavailable
from drillbook.core.secret import Secret
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.s3 import PART_BYTES, S3Blobs
from drillbook.providers.postgres.storage.store import id_of
from storage.backups import take
from storage.s3_server import SECRET_KEY, Front, S3Server, bucket

LARGE = os.urandom(1 << 20) * 17  # three parts
TESTS = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def soon() -> Iterator[None]:
    """Let nothing be tried again for long."""
    before = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=20)))
    yield
    deadline.reset(before)


def store_at(endpoint: str, folder: Path, key: Secret | None = None) -> ObjectStore:
    blobs = S3Blobs(bucket(endpoint, prefix=folder.name))
    return ObjectStore(blobs, folder / "staging", Keyring([key]) if key else None)


@pytest.mark.parametrize("sealing", [False, True])
def test_a_large_file_moves_in_parts_and_tells_its_progress(
    front: Front, tmp_path: Path, key: Secret, sealing: bool
) -> None:
    calls, told = list[str](), list[tuple[int, int]]()
    front.meddle = lambda method, path: calls.append(f"{method} {path}")
    store = store_at(front.endpoint, tmp_path, key if sealing else None)

    made = take(store, files={"data/1": LARGE}, on_bytes=lambda *moved: told.append(moved))
    fetched: list[tuple[int, int]] = []
    with store.opened(made.id, "r-2", on_bytes=lambda *moved: fetched.append(moved)) as folder:
        same = (folder / "data/1").read_bytes() == LARGE

    assert same
    assert len([call for call in calls if "partNumber=" in call]) == -(-len(LARGE) // PART_BYTES)
    assert told[-1] == fetched[-1] == (len(LARGE), len(LARGE))
    assert 0 < told[0][0] < len(LARGE)
    assert (LARGE[:64] in b"".join(map(bytes, store.blobs.stream(  # the rows are not readable
        f"{made.id}/{attempt_of(store, made.id)}/data/1")))) is not sealing  # fmt: skip


def attempt_of(store: ObjectStore, backup: str) -> str:
    return next(
        one.name.split("/")[1] for one in store.blobs.list(backup) if one.name.count("/") > 1
    )


def test_more_than_a_page_of_names_is_listed(own_s3: S3Server, tmp_path: Path) -> None:
    place = own_s3.root / "backups" / tmp_path.name / "b"
    place.mkdir(parents=True)
    for number in range(1001):
        (place / f"{number:04}").touch()
    with Front(own_s3) as front:
        pieces = S3Blobs(bucket(front.endpoint, prefix=tmp_path.name)).list("b")

    assert front.lists == 2
    assert [one.name for one in pieces] == [f"b/{number:04}" for number in range(1001)]


XML = "<Error><Code>{}</Code><Message>m</Message></Error>"


@pytest.mark.parametrize(
    ("status", "code", "kind", "says"),
    [
        (507, "XMinioStorageFull", Failed, r"is full \(XMinioStorageFull\)"),
        (403, "QuotaExceeded", Failed, r"is full \(QuotaExceeded\)"),
        (403, "AccessDenied", Refused, r"the keys may not do this at .* \(AccessDenied\)"),
        (403, "RequestTimeTooSkewed", Refused, "the clocks of this machine and of"),
        (400, "AuthorizationHeaderMalformed", Refused, "is of another region"),
        (418, "Teapot", Unavailable, "answered Teapot"),
    ],
)
def test_what_the_storage_answers_becomes_a_sentence(
    front: Front, tmp_path: Path, status: int, code: str, kind: type[DrillbookError], says: str
) -> None:
    front.meddle = lambda method, _: (status, XML.format(code)) if method == "PUT" else None
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=1.5)))

    with pytest.raises(kind, match=says) as caught:
        take(store_at(front.endpoint, tmp_path))

    assert caught.value.hint
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=20)))
    left = store_at(front.endpoint, tmp_path).rubbish()
    assert [one.name.partition("-")[0] for one in left] == ["unfinished"]  # here, and not there


def test_a_wrong_key_and_no_bucket_are_told(
    s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_S3_WRONG", "canary-wrong-secret")
    wrong = S3Blobs(bucket(s3.endpoint, secret="env:TEST_S3_WRONG"))
    nowhere = S3Blobs(bucket(s3.endpoint, name="nowhere"))

    with pytest.raises(Refused, match=r"does not accept access_key and secret_key") as caught:
        wrong.tops()
    assert "canary" not in f"{caught.value}{caught.value.hint}"
    assert SECRET_KEY not in f"{caught.value}{caught.value.hint}"
    for use in (nowhere.tops, lambda: nowhere.list("x"), lambda: nowhere.read("x")):
        with pytest.raises(Refused, match="there is no bucket nowhere at"):
            use()
    with pytest.raises(NotFound, match="there is no x/y in"):
        list(S3Blobs(bucket(s3.endpoint)).stream("x/y"))


def test_a_server_that_answers_badly_for_a_while_is_asked_again(
    front: Front, tmp_path: Path
) -> None:
    left = [503, 500, 503]

    def meddle(method: str, _path: str) -> tuple[int, str] | None:
        return (left.pop(), XML.format("SlowDown")) if method == "PUT" and left else None

    front.meddle = meddle
    store = store_at(front.endpoint, tmp_path)

    assert take(store) == store.get(id_of("r-1/1.2"))
    assert left == []


def test_a_server_that_dies_in_the_middle_of_an_upload_leaves_no_backup(
    own_s3: S3Server, tmp_path: Path, key: Secret
) -> None:
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=1.5)))
    store = store_at(own_s3.endpoint, tmp_path, key)

    def die(moved: int, in_all: int) -> None:
        if moved > in_all // 2:
            own_s3.kill()

    with pytest.raises(Unavailable):
        take(store, files={"a": b"first", "data/1": LARGE}, on_bytes=die)
    own_s3.start()
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=20)))

    assert store.all() == ()
    assert [one.files for one in store.rubbish()] == [1, 2]
    store.clear("r-1/1.2")
    assert take(store, files={"data/1": LARGE}) == store.all()[0]
    assert store.rubbish() == ()


def test_a_server_that_dies_in_the_middle_of_a_fetch_leaves_nothing_here(
    own_s3: S3Server, tmp_path: Path, key: Secret
) -> None:
    store = store_at(own_s3.endpoint, tmp_path, key)
    made = take(store, files={"data/1": LARGE})
    deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=1.5)))

    def die(moved: int, in_all: int) -> None:
        own_s3.kill()

    with pytest.raises(Unavailable), store.opened(made.id, "r-2", on_bytes=die):
        pass

    assert list((tmp_path / "staging").iterdir()) == []


WORKER = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from drillbook.core.secret import Secret
from storage.backups import take
from storage.test_s3 import LARGE, store_at

def die(moved, in_all):
    if moved > in_all // 2:
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[2])
store = store_at(sys.argv[3], folder, Secret(ref=f"file:{folder}/backup.key"))
take(store, files={"a": b"first", "data/1": LARGE}, on_bytes=die)
"""


def test_after_a_worker_was_killed_in_mid_upload_the_next_one_does_it_once(
    s3: S3Server, tmp_path: Path, key: Secret
) -> None:
    words = [sys.executable, "-c", WORKER, str(TESTS), str(tmp_path), s3.endpoint]
    assert subprocess.run(words, check=False, timeout=60).returncode == -signal.SIGKILL
    store = store_at(s3.endpoint, tmp_path, key)
    assert store.find(id_of("r-1/1.2")) is None
    assert [one.files for one in store.rubbish()] == [1, 2]
    assert list((tmp_path / "staging").iterdir())

    store.clear("r-1/1.2")
    made = take(store, files={"data/1": LARGE})

    assert store.all() == (made,)
    assert store.verify_files(made.id).size_bytes == len(LARGE)
    assert (store.rubbish(), list((tmp_path / "staging").iterdir())) == ((), [])


def test_when_the_time_of_the_task_is_over_the_move_ends(s3: S3Server, tmp_path: Path) -> None:
    store = store_at(s3.endpoint, tmp_path)

    def late(moved: int, in_all: int) -> None:
        deadline.set(Deadline(datetime.now(UTC) - timedelta(seconds=1)))

    with pytest.raises(Unavailable, match="no time was left after"):
        take(store, on_bytes=late)


def test_a_secret_is_in_no_argument_and_in_no_piece(
    s3: S3Server, tmp_path: Path, key: Secret
) -> None:
    store = store_at(s3.endpoint, tmp_path, key)
    seen: list[bytes] = []

    def look(moved: int, in_all: int) -> None:
        own = f"/proc/{os.getpid()}/cmdline"
        seen.append(Path(own).read_bytes())

    made = take(store, on_bytes=look)
    secret = (tmp_path / "backup.key").read_text().strip().encode()
    everything = b"".join(b"".join(store.blobs.stream(one.name)) for one in store.blobs.list(""))

    assert made.encrypted_with
    for word in (secret, SECRET_KEY.encode()):
        assert word not in everything + b"".join(seen) + repr(store).encode()
