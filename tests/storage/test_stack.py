"""The backups section of a stack file leads to the store it names, and the doctor proves it."""

from pathlib import Path

import pytest

from drillbook.core.secret import Secret
from drillbook.ports.backups import Backups
from drillbook.ports.keeping import BackupKeeping
from drillbook.stack.bindings import _backup_store
from drillbook.stack.doctor import Finding, examine
from drillbook.stack.settings import load_settings
from drillbook.stack.stack import Stack, load_stack
from storage.backups import take, write_key
from storage.s3_server import ACCESS_KEY, SECRET_KEY, Front, S3Server


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRILLBOOK_STORE", "DRILLBOOK_USER", "DRILLBOOK_STACK", "DRILLBOOK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3.access").write_text(ACCESS_KEY + "\n")
    (tmp_path / "s3.secret").write_text(SECRET_KEY + "\n")


def stack(folder: Path, section: str) -> Stack:
    (folder / "stack.toml").write_text(f"[environments.x.backups]\n{section}\n")
    return load_stack(folder / "stack.toml")


def bucket(endpoint: str, folder: Path, more: str = "") -> str:
    return f"""
    bucket = "s3://backups/{folder.name}"
    endpoint = "{endpoint}"
    access_key = "file:s3.access"
    secret_key = "file:s3.secret"
    {more}
    """


def finding(folder: Path, section: str, seconds: float = 10.0) -> Finding:
    found = examine(stack(folder, section), load_settings(folder), at_most_seconds=seconds)
    return {one.name: one for one in found}["x backups"]


def test_the_doctor_writes_to_a_bucket_and_opens_what_is_there(
    tmp_path: Path, front: Front
) -> None:
    write_key(tmp_path / "backup.key")
    section = bucket(front.endpoint, tmp_path, 'key = "file:backup.key"\nrpo = "24h"')
    bound = stack(tmp_path, section)
    take(_backup_store(bound.place("x")))

    seen = finding(tmp_path, section)

    assert seen.ok, seen.says
    assert f"s3://backups/{tmp_path.name} at {front.endpoint} can be written;" in seen.says
    assert "1 backups, new ones encrypted with key" in seen.says
    promised = bound.port("x", BackupKeeping).promised()
    assert promised is not None
    assert promised.days == 1
    assert not (tmp_path / ".drillbook" / "staging" / "x" / "data").exists()


def test_the_doctor_tells_storage_that_holds_no_conditions(tmp_path: Path, s3: S3Server) -> None:
    seen = finding(tmp_path, bucket(s3.endpoint, tmp_path))

    assert seen.ok
    assert "does not hold conditional writes" in seen.says


@pytest.mark.parametrize(
    ("key", "says"),
    [
        ("c2hvcnQ=", "has 5 bytes, not 32"),
        ("no key at all!", "neither base64 nor hex"),
        ("ab" * 32, "is encrypted with key"),
        (None, "backup.key cannot be read: No such file"),
    ],
)
def test_the_doctor_tells_a_key_that_does_not_fit(
    tmp_path: Path, key: str | None, says: str
) -> None:
    section = 'folder = "b"\nkey = "file:backup.key"'
    write_key(tmp_path / "backup.key")
    take(_backup_store(stack(tmp_path, section).place("x")))
    (tmp_path / "backup.key").unlink()
    if key is not None:
        (tmp_path / "backup.key").write_text(key)

    seen = finding(tmp_path, section)

    assert not seen.ok
    assert says in seen.says
    assert seen.hint
    assert key is None or key not in seen.says


def test_after_a_rotation_old_and_new_backups_are_read(tmp_path: Path) -> None:
    write_key(tmp_path / "old.key")
    write_key(tmp_path / "new.key")
    old = take(_backup_store(stack(tmp_path, 'folder = "b"\nkey = "file:old.key"').place("x")))
    both = 'folder = "b"\nkeys = ["file:new.key", "file:old.key"]'
    store = _backup_store(stack(tmp_path, both).place("x"))
    new = take(store, "r-2/1.2")

    assert {one.id for one in store.all()} == {old.id, new.id}
    assert old.encrypted_with != new.encrypted_with
    for each in (old, new):
        assert store.verify_files(each.id).files == len(each.files)
    assert finding(tmp_path, both).ok


def test_a_bucket_that_is_away_is_a_finding_in_time(tmp_path: Path) -> None:
    seen = finding(tmp_path, bucket("http://127.0.0.1:1", tmp_path), seconds=6.0)

    assert not seen.ok
    assert "cannot be reached" in seen.says


def test_ports_of_backups_are_built_without_touching_the_bucket(tmp_path: Path) -> None:
    text = bucket("http://127.0.0.1:1", tmp_path).replace("access", "nowhere")
    text = text.replace("nowhere_key", "access_key")
    (tmp_path / "stack.toml").write_text(
        f"[environments.x.backups]\n{text}\n"
        '[environments.x.database]\nprovider = "postgres"\nurl = "env:NOWHERE"\n'
    )

    assert load_stack(tmp_path / "stack.toml").port("x", Backups) is not None


def test_a_key_in_hex_is_the_key_in_base64(tmp_path: Path) -> None:
    from drillbook.providers.postgres.storage.keys import read_key

    value = bytes(range(32))
    (tmp_path / "hex").write_text(value.hex())
    (tmp_path / "base64").write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")

    assert read_key(Secret(ref=f"file:{tmp_path}/hex")) == read_key(
        Secret(ref=f"file:{tmp_path}/base64")
    )
    assert str(value) not in repr(read_key(Secret(ref=f"file:{tmp_path}/hex")))
