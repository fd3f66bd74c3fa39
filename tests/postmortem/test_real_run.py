"""A real run about a real failing app: its post-mortem is true, and its lesson fits the book."""

import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cli.place import Place, opened_place
from postmortem.deriving import faults_of, journal
from postmortem.shop import BOOK, Shop, stack


@dataclass
class Ended:
    """The run of this module, by its record alone."""

    place: Place
    run: str
    entries: dict[int, Any]

    def result(self, task: str) -> dict[str, Any]:
        found = [e for e in self.entries.values() if (e["task"], e["kind"]) == (task, "task.done")]
        assert found, f"{task} did not end"
        result: dict[str, Any] = found[-1]["data"]["result"]
        return result

    def file(self, task: str) -> str:
        digest = self.result(task)["evidence"]["sha256"]
        return (self.place.home / "evidence" / digest[:2] / digest[2:]).read_text()


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ended]:
    with (
        opened_place(tmp_path_factory.mktemp("postmortem")) as place,
        Shop(place.folder) as shop,
    ):
        place.inside = True
        place.write("runbooks/errors.md", BOOK)
        place.write("stack.toml", stack(shop.port))
        place.write("broken", "")
        _git(place.folder, "init", "-q")
        shop.past(minutes=25, failing=4)
        shop.open()
        told = place.run("run", "errors", "--unattended", "--json")
        assert told.returncode == 0, told.stdout + told.stderr
        entries = journal(place.home)
        run = next(e["run"] for e in entries.values() if e["kind"] == "run.planned")
        yield Ended(place, run, entries)


def test_every_number_of_the_post_mortem_is_derived_again_from_the_journal(ended: Ended) -> None:
    text = ended.file("3.1")

    faults, count = faults_of(text, ended.entries)

    assert faults == []
    assert count >= 20
    assert ended.result("3.1")["text"] == text


def test_the_post_mortem_says_what_users_met_and_when(ended: Ended) -> None:
    text, measured = ended.file("3.1"), ended.result("2.2")

    assert measured["known"] is True
    assert 40 <= measured["failed"] < measured["requests"]
    assert measured["users"] == 7
    assert f"{measured['failed']}[^" in text
    assert "7[^" in text
    assert "`command.run` on production" in text
    assert "| the run started |" in text


def test_the_lesson_applies_with_git_and_the_check_finds_no_more(
    ended: Ended, tmp_path: Path
) -> None:
    learned, patch = ended.result("3.2"), ended.file("3.2")
    copy = tmp_path / "team"
    shutil.copytree(
        ended.place.folder, copy, ignore=shutil.ignore_patterns("app.log", ".drillbook")
    )
    before = ended.place.json("check", "runbooks/errors.md")["files"][0]["diagnostics"]

    applied = _git(copy, "apply", "--verbose", "-", typed=patch)
    shutil.copy(copy / "runbooks/errors.md", ended.place.folder / "after.md")
    after = ended.place.json("check", "after.md")["files"][0]["diagnostics"]

    assert learned["book"] == "runbooks/errors.md"
    assert "errors.raised" in patch
    assert "errors.watch" in patch
    assert "Applied patch runbooks/errors.md cleanly" in applied
    assert [each["code"] for each in after] == [each["code"] for each in before]
    changed = (copy / "runbooks/errors.md").read_text().splitlines()
    assert [line for line in changed if line in BOOK.splitlines()] == BOOK.splitlines()


def test_a_run_that_the_journal_does_not_have_is_said_and_not_raised(ended: Ended) -> None:
    told = ended.place.json("do", "postmortem.draft", "on=production", "run=r-nobody")

    result = told["result"]
    assert result["known"] is False
    assert "the journal has no run 'r-nobody'" in result["says"]


def test_a_changed_book_gets_no_patch(ended: Ended) -> None:
    ended.place.write("runbooks/errors.md", BOOK + "\nOne more line.\n")

    told = ended.place.json("do", "runbook.suggest", "on=production", f"run={ended.run}")

    assert told["result"]["found"] is False
    assert "was changed since the run was planned" in told["result"]["says"]


def _git(folder: Path, *arguments: str, typed: str = "") -> str:
    ended = subprocess.run(
        ["git", *arguments], cwd=folder, input=typed, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stderr
