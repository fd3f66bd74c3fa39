from hashlib import sha256
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound, Refused
from drillbook.engine.journal import Journal
from drillbook.engine.journal.evidence import LARGEST


def test_evidence_is_named_by_its_content_and_comes_back(journal: Journal, tmp_path: Path) -> None:
    content = bytes(range(256)) * 100
    file = tmp_path / "dump.bin"
    file.write_bytes(content)

    kept = journal.put_evidence(file, name="dump.bin", media_type="application/octet-stream")
    again = journal.put_evidence(content, name="dump.bin", media_type="application/octet-stream")

    assert kept == again
    assert kept.sha256 == sha256(content).hexdigest()
    assert kept.size_bytes == len(content)
    assert journal.get_evidence(kept.sha256) == content


def test_evidence_files_are_private(sqlite_journal: Journal, home: Path) -> None:
    kept = sqlite_journal.put_evidence(b"x", name="x", media_type="text/plain")

    file = home / "evidence" / kept.sha256[:2] / kept.sha256[2:]
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == [kept.sha256[2:]]


@pytest.mark.parametrize("digest", ["0" * 64, "../../keys/journal.key", "", "0" * 63 + "G"])
def test_evidence_that_is_not_there_is_not_found(journal: Journal, digest: str) -> None:
    with pytest.raises(NotFound):
        journal.get_evidence(digest)


def test_evidence_that_is_too_large_is_refused(sqlite_journal: Journal, tmp_path: Path) -> None:
    file = tmp_path / "large"
    with file.open("wb") as large:
        large.truncate(LARGEST + 1)

    with pytest.raises(Refused, match="67,108,865 bytes are more than evidence may have"):
        sqlite_journal.put_evidence(file, name="large", media_type="a/b")


def test_a_file_that_is_not_there_is_no_evidence(sqlite_journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="cannot be read as evidence"):
        sqlite_journal.put_evidence(tmp_path / "nowhere", name="x", media_type="a/b")
