import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from drillbook.core.errors import Damaged, SettingsInvalid, Unavailable
from drillbook.engine.journal import Journal, open_journal
from journal import appender
from journal.samples import entry, fill

# A real small file system, mounted where only this process sees it.
ON_SMALL_DISK = """
mount -t tmpfs -o size=1m,mode=700 none "$1" || exit 77
shift
exec "$@"
"""


def on_small_disk(folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run Python with a file system of 1 MB at the folder; skip where that is not allowed."""
    folder.mkdir(parents=True)
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_SMALL_DISK, "sh"]
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare here")
    done = subprocess.run(
        [*words, str(folder), sys.executable, "-c", script],
        env={**os.environ, "FOLDER": str(folder), "PYTHONPATH": str(Path(__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode in (1, 77) and "Traceback" not in done.stderr:
        pytest.skip(f"no small file system can be mounted here: {done.stderr}")
    return done


FULL = """
import os
from pathlib import Path
from drillbook.core.errors import Unavailable
from drillbook.engine.journal import open_journal
from journal.samples import entry

home = Path(os.environ["FOLDER"]) / "home"
journal = open_journal("sqlite:///x", home)
written = 0
try:
    while True:
        journal.append(entry(data={"text": "x" * 5000}))
        written += 1
except Unavailable as error:
    print(error, "|", error.hint)
assert written > 10
try:
    journal.put_evidence(bytes(2_000_000), name="x", media_type="a/b")
except Unavailable as error:
    print(error)
print(journal.verify().size == written + 1, len(list(home.rglob("evidence/*/*"))))
"""

READ_ONLY = """
import os, subprocess
from pathlib import Path
from drillbook.core.errors import Unavailable
from drillbook.engine.journal import open_journal
from journal.samples import entry

folder = Path(os.environ["FOLDER"])
journal = open_journal("sqlite:///x", folder / "home")
journal.append(entry())
journal.close()
if subprocess.run(["mount", "-o", "remount,ro", str(folder)]).returncode:
    raise SystemExit(77)  # not allowed here
for home in ("home", "other"):
    try:
        open_journal("sqlite:///x", folder / home).append(entry())
    except Unavailable as error:
        print(error, "|", error.hint)
"""


def test_a_full_disk_is_said_and_loses_nothing(tmp_path: Path) -> None:
    done = on_small_disk(tmp_path / "disk", FULL)

    append, evidence, whole = done.stdout.splitlines()
    assert "database or disk is full | Free space on this disk" in append
    assert "evidence cannot be kept" in evidence
    assert "No space left on device" in evidence
    assert whole == "True 0"
    assert done.returncode == 0, done.stderr


def test_a_read_only_disk_is_said(tmp_path: Path) -> None:
    done = on_small_disk(tmp_path / "disk", READ_ONLY)

    existing, new = done.stdout.splitlines()
    assert "cannot be used" in existing
    assert "Make" in existing
    assert "cannot be used: Read-only file system" in new
    assert done.returncode == 0, done.stderr


def test_a_file_that_is_no_database_is_damaged(home: Path) -> None:
    home.mkdir()
    (home / "journal.db").write_bytes(b"no database at all" * 100)

    with pytest.raises(Damaged, match=r"journal\.db is damaged"):
        open_journal("sqlite:///x", home).head()


def test_a_home_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(Unavailable, match="cannot be used"):
        open_journal("sqlite:///x", tmp_path / "home")


def test_the_file_commits_with_wal_and_full_sync(sqlite_journal: Journal, home: Path) -> None:
    fill(sqlite_journal, 1)

    with sqlite3.connect(home / "journal.db") as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert sqlite_journal._store._writer.execute("PRAGMA synchronous").fetchone() == (2,)  # type: ignore[attr-defined]


def test_statistics_that_sqlite_gathers_are_no_damage(sqlite_journal: Journal, home: Path) -> None:
    fill(sqlite_journal, 5)
    with sqlite3.connect(home / "journal.db") as connection:
        connection.execute("ANALYZE")
    connection.close()

    assert sqlite_journal.verify().size == 6


def test_a_store_of_another_kind_is_refused(home: Path) -> None:
    with pytest.raises(SettingsInvalid, match="begins with 'mysql'"):
        open_journal("mysql://user:canary@host/db", home)


def test_first_openings_at_once_all_work(home: Path) -> None:
    barrier = Barrier(6)

    def use(_: int) -> None:
        barrier.wait()
        journal = open_journal("sqlite:///x", home)
        journal.append(entry())
        journal.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(use, range(6)))

    last = open_journal("sqlite:///x", home)
    assert last.verify().size == 7
    last.close()
    assert sorted(one.name for one in home.iterdir()) == ["journal.db", "keys"]


def test_a_frozen_process_holds_nobody_up_between_its_appends(home: Path) -> None:
    words = [sys.executable, appender.__file__, str(home), "r-frozen", "0", "1"]
    environment = {**os.environ, "STORE": "sqlite:///x"}
    with subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "0\n"
        process.send_signal(signal.SIGSTOP)
        journal = open_journal("sqlite:///x", home)

        assert journal.append(entry()).size == 4

        journal.close()
        process.kill()


def test_an_append_that_does_not_get_its_turn_says_so_and_the_next_one_does(
    sqlite_journal: Journal, home: Path
) -> None:
    fill(sqlite_journal, 1)
    sqlite_journal._store._writer.execute("PRAGMA busy_timeout = 20")  # type: ignore[attr-defined]
    other = sqlite3.connect(home / "journal.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    with pytest.raises(Unavailable, match="database is locked") as caught:
        sqlite_journal.append(entry())
    assert "Another process holds the journal" in caught.value.hint

    other.execute("ROLLBACK")
    other.close()
    assert sqlite_journal.append(entry()).size == 3


def test_a_schema_of_broken_bytes_is_damaged(sqlite_journal: Journal, home: Path) -> None:
    fill(sqlite_journal, 2)
    sqlite_journal.close()
    file = home / "journal.db"
    content = file.read_bytes()
    assert b"INDEX entry_run ON entry" in content
    file.write_bytes(content.replace(b"INDEX entry_run ON entry", b"INDEX entry_run ON \xffntry"))

    with pytest.raises(Damaged, match="schema"):
        open_journal("sqlite:///x", home).head()
