"""Every store keeps a backup whole or not at all, and gives back what it was given."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest

from drillbook.core.errors import Damaged, Failed, NotFound, Unavailable
from drillbook.core.secret import Secret
from drillbook.ports.backups import Manifest
from drillbook.providers.postgres.storage.blobs import Blobs, FolderBlobs
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.objects import ObjectStore
from drillbook.providers.postgres.storage.s3 import S3Blobs
from drillbook.providers.postgres.storage.store import BackupStore, id_of
from storage.backups import FILES, proof, take
from storage.s3_server import Front, bucket

KEY = "r-1/1.2"


@pytest.fixture(params=["plain folder", "sealed folder", "bucket", "sealed bucket"])
def any_store(request: pytest.FixtureRequest, tmp_path: Path, key: Secret) -> BackupStore:
    if request.param == "plain folder":
        return FolderStore(tmp_path / "backups")
    blobs: Blobs = FolderBlobs(tmp_path / "backups")
    if "bucket" in request.param:
        server = request.getfixturevalue("s3")
        blobs = S3Blobs(bucket(server.endpoint, prefix=tmp_path.name))
    keys = Keyring([key]) if "sealed" in request.param else None
    return ObjectStore(blobs, tmp_path / "staging", keys)


def test_what_was_kept_comes_back_as_it_was(any_store: BackupStore, tmp_path: Path) -> None:
    made = take(any_store)

    assert any_store.find(made.id) == made == any_store.get(made.id)
    assert any_store.all() == (made,)
    assert any_store.verify_files(made.id).files == len(FILES)
    with any_store.opened(made.id, "r-2/1.1") as folder:
        assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert list((tmp_path / "staging").glob("*")) == []
    assert any_store.rubbish() == ()


def test_a_proof_lies_beside_the_backup_and_changes_nothing_of_it(any_store: BackupStore) -> None:
    made = take(any_store)
    first, second = proof(2), proof(4)
    any_store.note_proof(made.id, second)
    any_store.note_proof(made.id, first)

    assert any_store.proofs(made.id) == tuple(sorted((first, second), key=lambda one: one.at))
    assert any_store.get(made.id) == made
    assert any_store.verify_files(made.id).files == len(FILES)


WRITES_A_PROOF = """
import resource, signal, sys
from pathlib import Path
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, Failed
from drillbook.providers.postgres.proven import noting_damage
from drillbook.providers.postgres.storage.folder import FolderStore
from storage.backups import proof
folder, backup, ends = sys.argv[1:]
store = FolderStore(Path(folder))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL if ends == "killed" else signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    if ends == "damaged":
        with noting_damage(store, backup, Effect(key="r-2/1.1")):
            store.verify_files(backup)
    store.note_proof(backup, proof())
except (Damaged, Failed) as error:
    print(type(error).__name__, error)
"""


def write_proof_where_it_does_not_fit(
    store: FolderStore, backup: str, ends: str
) -> subprocess.CompletedProcess[str]:
    """A child that may write 100 bytes to a file: more fails, or the kernel kills it midway."""
    return subprocess.run(
        [sys.executable, "-c", WRITES_A_PROOF, str(store.path), backup, ends],
        check=False, capture_output=True, text=True, timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])},
    )  # fmt: skip


def test_a_proof_that_finds_no_room_leaves_the_backup_as_it_was(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "backups")
    made = take(store)

    said = write_proof_where_it_does_not_fit(store, made.id, "failed")

    assert said.stdout == (
        f"Failed the proof of backup {made.id} cannot be written to {store.path / made.id}: "
        "File too large\n"
    )
    assert store.verify_files(made.id).files == len(FILES)
    assert (store.proofs(made.id), store.rubbish()) == ((), ())
    store.note_proof(made.id, proof())
    assert len(store.proofs(made.id)) == 1


def test_damage_is_said_also_where_it_cannot_be_noted(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "backups")
    made = take(store)
    (store.path / made.id / "data/toc.dat").write_bytes(b"rotten")

    said = write_proof_where_it_does_not_fit(store, made.id, "damaged").stdout

    assert said.startswith(f"Damaged backup {made.id} is not what was written: data/toc.dat has 6")
    assert "and this is not noted: the proof of" in said


def test_half_a_proof_that_a_kill_left_is_rubbish_and_not_of_the_backup(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "backups")
    made = take(store)

    ended = write_proof_where_it_does_not_fit(store, made.id, "killed")

    assert ended.returncode == -signal.SIGXFSZ
    (left,) = store.rubbish()
    assert left.size_bytes == 100
    assert store.verify_files(made.id).files == len(FILES)
    assert store.all() == (made,)
    assert store.proofs(made.id) == ()
    store.sweep(left.name)
    assert store.rubbish() == ()


def test_removed_is_gone_and_removing_again_is_no_error(any_store: BackupStore) -> None:
    made, other = take(any_store), take(any_store, "r-2/1.2", age=timedelta(hours=1))
    any_store.remove(made.id)
    any_store.remove(made.id)

    assert any_store.all() == (other,)
    assert any_store.rubbish() == ()
    with pytest.raises(NotFound, match=r"There are|there is no backup"):
        any_store.verify_files(made.id)
    any_store.remove("../x")


def test_a_half_finished_attempt_is_no_backup_and_is_cleared(
    any_store: BackupStore, tmp_path: Path
) -> None:
    class Dead(BaseException):
        """The end of an attempt that cleans nothing up."""

    def die(moved: int, in_all: int) -> None:
        raise Dead

    if isinstance(any_store, FolderStore):
        (any_store.unfinished(KEY) / "x").write_bytes(b"half")
    else:
        with pytest.raises(Dead):
            take(any_store, on_bytes=die)
        leave_half(any_store, KEY)
    assert any_store.find(id_of(KEY)) is None
    assert [one.files for one in any_store.rubbish()][:1] == [1]
    if isinstance(any_store, ObjectStore):
        with pytest.raises(NotFound, match="is no backup: 1 files and no manifest"):
            any_store.get(id_of(KEY))
    any_store.clear(KEY)

    assert any_store.rubbish() == ()
    assert take(any_store) == any_store.get(id_of(KEY))
    assert list((tmp_path / "staging").glob("*")) == []


def leave_half(store: BackupStore, effect_key: str) -> None:
    assert isinstance(store, ObjectStore)
    store.blobs.put(f"{id_of(effect_key)}/0000dead/data/toc.dat", (b"half",), 4)


# In a bucket the server alone holds no conditions: the next test has a front that does.
@pytest.mark.parametrize("blobs", ["folder"], indirect=True)
def test_of_two_attempts_at_once_one_wins(blobs: Blobs, tmp_path: Path, key: Secret) -> None:
    race(blobs, tmp_path, key)


def test_of_two_attempts_at_a_bucket_one_wins(front: Front, tmp_path: Path, key: Secret) -> None:
    race(S3Blobs(bucket(front.endpoint, prefix=tmp_path.name)), tmp_path, key)


def race(blobs: Blobs, tmp_path: Path, key: Secret) -> None:
    both, said = Barrier(2, timeout=20), list[Manifest]()

    def attempt(number: int) -> None:
        store = ObjectStore(blobs, tmp_path / f"staging-{number}", Keyring([key]))

        def meet(moved: int, in_all: int) -> None:
            if moved == in_all:
                both.wait()

        files = {"data/1": b"%d" % number * 1000}
        said.append(take(store, files=files, on_bytes=meet))

    threads = [Thread(target=attempt, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    store = ObjectStore(blobs, tmp_path / "staging", Keyring([key]))
    assert said == [store.get(id_of(KEY))] * 2
    assert store.rubbish() == ()
    assert store.verify_files(id_of(KEY)).files == 1


def test_a_backup_whose_files_another_attempt_cleared_is_not_kept(
    store: ObjectStore, tmp_path: Path
) -> None:
    def clear(moved: int, in_all: int) -> None:
        if moved == in_all:
            ObjectStore(store.blobs, tmp_path / "other", store.keys).clear(KEY)

    with pytest.raises(Failed, match=r"two attempts at backup .* met|cannot be written: No such"):
        take(store, files={"a": b"1", "b": b"2"}, on_bytes=clear)

    assert store.all() == ()


def test_a_backup_is_whole_also_when_the_answer_to_its_manifest_was_lost(
    tmp_path: Path, key: Secret
) -> None:
    class Cut(FolderBlobs):
        """A place whose answers get lost when a piece was created."""

        def create(self, name: str, data: bytes) -> bool:
            super().create(name, data)
            raise Unavailable("the connection broke")

    place = tmp_path / "backups"
    with pytest.raises(Unavailable):
        take(ObjectStore(Cut(place), tmp_path / "staging", Keyring([key])))

    store = ObjectStore(FolderBlobs(place), tmp_path / "staging", Keyring([key]))
    store.clear(KEY)
    found = store.find(id_of(KEY))
    assert found is not None
    assert store.verify_files(found.id).files == len(FILES)


def test_an_attempt_never_takes_another_ones_half_backup_for_its_own(
    store: ObjectStore, tmp_path: Path
) -> None:
    made = take(store)
    gone = next(blob.name for blob in store.blobs.list(made.id) if blob.name.endswith("toc.dat"))
    store.blobs.remove([gone])

    with pytest.raises(Failed, match=r"toc.dat is missing; it is not kept"):
        take(store)

    assert store.all() == ()


def test_a_plain_backup_is_not_believed_where_a_key_is_set(tmp_path: Path, key: Secret) -> None:
    blobs, staging = FolderBlobs(tmp_path / "b"), tmp_path / "staging"
    plain, encrypted = ObjectStore(blobs, staging), ObjectStore(blobs, staging, Keyring([key]))
    made = take(plain)

    with pytest.raises(Damaged, match="is not encrypted, and a key is set"):
        encrypted.get(made.id)
    other = take(encrypted, "r-2/1.2")
    with pytest.raises(Damaged, match=r"is encrypted with key .*, and no key is set"):
        plain.get(other.id)
    with pytest.raises(Damaged, match="is encrypted, and no key is set"):
        FolderStore(tmp_path / "b").get(other.id)


@pytest.mark.parametrize("blobs", ["folder"], indirect=True)  # a folder can be copied
def test_a_backup_put_under_another_name_is_found(store: ObjectStore, tmp_path: Path) -> None:
    made = take(store)
    shutil.copytree(store.blobs.path / made.id, store.blobs.path / "r-9-copied")

    with pytest.raises(Damaged, match=r"manifest\.json of backup r-9-copied is not what was"):
        store.get("r-9-copied")


def spoil(store: BackupStore, backup: str, data: bytes = b"rot") -> None:
    """Write other bytes where a manifest lies."""
    if isinstance(store, FolderStore):
        (store.path / backup / "manifest.json").write_bytes(data)
        return
    assert isinstance(store, ObjectStore)
    store.blobs.put(f"{backup}/manifest.json", (data,), len(data))


def test_a_manifest_that_cannot_be_read_is_named_apart_and_stops_no_other(
    any_store: BackupStore,
) -> None:
    good, bad = take(any_store), take(any_store, "r-2/1.2")
    assert any_store.unreadable() == ()
    spoil(any_store, bad.id)

    assert any_store.all() == (good,)
    (told,) = any_store.unreadable()
    assert told.id == bad.id
    assert told.says.startswith(f"{bad.id} cannot be read: ")
    with pytest.raises(Damaged, match=bad.id):
        any_store.get(bad.id)
    assert any_store.rubbish() == ()
    any_store.clear("r-2/1.2")
    with any_store.opened(good.id, "r-3/1.1") as folder:
        assert (folder / "data/2").exists()
