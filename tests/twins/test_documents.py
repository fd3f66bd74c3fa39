import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drillbook.range.twins.documents import Documents

WRITE_AND_DIE = """
import os, pathlib, signal, sys
from drillbook.range.twins.documents import Documents
documents = Documents(pathlib.Path(sys.argv[1]))
documents.put("deployment", "kept", {"number": 1})
with documents.locked():
    documents.put("deployment", "lost", {"number": 2})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_documents_keep_what_was_written_before_a_kill_and_nothing_half_done(
    tmp_path: Path,
) -> None:
    path = tmp_path / "twin.db"

    died = subprocess.run([sys.executable, "-c", WRITE_AND_DIE, path], check=False)

    assert died.returncode == -signal.SIGKILL
    documents = Documents(path)
    assert documents.all("deployment") == [{"number": 1}]
    documents.put("deployment", "new", {"number": 3})
    assert [each["number"] for each in documents.all("deployment")] == [1, 3]
    assert path.stat().st_mode & 0o777 == 0o600
    documents.close()


def test_one_change_at_a_time_and_an_error_takes_all_of_it_back(tmp_path: Path) -> None:
    documents = Documents(tmp_path / "twin.db")
    documents.put("counter", "one", {"value": 0})

    def add(_: int) -> None:
        with documents.locked(), documents.locked():
            found = documents.get("counter", "one") or {}
            documents.put("counter", "one", {"value": found["value"] + 1})
        documents.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(40)))

    assert documents.get("counter", "one") == {"value": 40}

    def fail() -> None:
        with documents.locked():
            documents.remove("counter", "one")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert documents.get("counter", "one") == {"value": 40}
    assert documents.remove("counter", "one")
    assert not documents.remove("counter", "one")
    assert documents.get("counter", "one") is None
    documents.close()
