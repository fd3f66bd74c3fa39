import json
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from checks.app import serving
from drillbook.stack.doctor import Finding, examine
from drillbook.stack.settings import load_settings
from drillbook.stack.stack import load_stack


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DRILLBOOK_STORE", "DRILLBOOK_USER", "DRILLBOOK_STACK", "DRILLBOOK_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def examined(folder: Path, text: str, seconds: float = 20.0) -> dict[str, Finding]:
    (folder / "stack.toml").write_text(text)
    stack = load_stack(folder / "stack.toml")
    findings = examine(stack, load_settings(folder), at_most_seconds=seconds)
    return {finding.name: finding for finding in findings}


def test_a_stack_that_works_is_proved_by_using_all_of_it(tmp_path: Path, database_url: str) -> None:
    (tmp_path / "database-url").write_text(database_url)
    line = {"time": datetime.now(UTC).isoformat(), "status": 200, "path": "/"}
    (tmp_path / "app.log").write_text(json.dumps(line) + "\n")
    with serving({"/api/health": (200, {"status": "ok"})}) as app:
        findings = examined(
            tmp_path,
            f"""
            [environments.production.database]
            provider = "postgres"
            url = "file:database-url"
            [environments.production.app]
            url = "{app.url}"
            health = "/api/health"
            [environments.production.backups]
            folder = "backups"
            [environments.production.logs]
            path = "app.log"
            [commands.python]
            argv = ["{sys.executable}", "-V"]
            """,
        )

    assert {name for name, finding in findings.items() if not finding.ok} == set()
    assert list(findings) == [
        "Python", "Postgres programs", "home", "store",
        "runs", "journal key", "stack", "books",
        "production database", "production app", "production backups", "production logs",
        "command python",
    ]  # fmt: skip
    assert "entered test_" in findings["production database"].says
    assert "pg_dump for server" in findings["production backups"].says
    assert (tmp_path / ".drillbook" / "store.db").exists()
    assert list((tmp_path / "backups").iterdir()) == []


def test_each_thing_that_is_wrong_is_a_finding_with_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NOT_SET", raising=False)
    (tmp_path / "a-file").touch()
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "empty.md").touch()
    key = tmp_path / ".drillbook" / "keys" / "journal.key"
    key.parent.mkdir(parents=True)
    key.write_text("x")
    key.chmod(0o644)
    findings = examined(
        tmp_path,
        """
        [environments.x.database]
        provider = "postgres"
        url = "env:NOT_SET"
        [environments.x.app]
        url = "http://127.0.0.1:1"
        [environments.x.backups]
        folder = "a-file/backups"
        [environments.x.logs]
        path = "gone.log"
        [commands.gone]
        argv = ["drillbook-no-such-program"]
        [commands.bare]
        argv = ["ls"]
        environment = { TOKEN = "env:NOT_SET" }
        """,
    )

    wrong = {name: finding for name, finding in findings.items() if not finding.ok}
    assert set(wrong) == {
        "journal key", "books", "x database", "x app", "x backups", "x logs",
        "command gone", "command bare",
    }  # fmt: skip
    assert "NOT_SET is not set" in wrong["x database"].says
    assert "no connection" in wrong["x app"].says
    assert "can be read by others (mode 0644)" in wrong["journal key"].says
    assert "empty.md" in wrong["books"].says
    assert "Not a directory" in wrong["x backups"].says
    assert all(finding.hint for finding in wrong.values())


def test_what_hangs_is_told_in_time_and_holds_up_nothing_else(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # takes connections, never answers
        port = deaf.getsockname()[1]
        findings = examined(
            tmp_path,
            f"""
            [environments.x.app]
            url = "http://127.0.0.1:{port}"
            """,
            seconds=1.0,
        )

    assert not findings["x app"].ok
    assert findings["Python"].ok


def test_without_a_stack_file_the_doctor_says_what_still_works(tmp_path: Path) -> None:
    findings = examine(load_stack(), load_settings(tmp_path))
    by_name = {finding.name: finding for finding in findings}

    assert by_name["stack"].ok
    assert "books of human tasks run" in by_name["stack"].says
    assert "production database" not in by_name
