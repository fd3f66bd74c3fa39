"""What runs teach, as edits that the check and git take; and runs that teach nothing."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from drillbook.analysis.lessons import Lesson, diff_of, edited, lessons
from postmortem.record import at, culprit, findings, trail

Row = tuple[float, str, str, dict[str, Any]]
START = """\
## Runbook: Errors

### Steps
"""
LATE = (
    START
    + """\
1. **Ask**
   - Call the shop `@app.health on=production as health`
2. **Look**
   - Weigh the causes `@errors.culprit on=production as culprit`
     - evidence: says
   - Follow the users `@errors.watch on=production as after`
"""
)
BOUND = """\
## Runbook: Errors

### Symptoms
- Users fail `@when errors.raised("5m") for 15s, severity=high`

### Steps
1. **Look**
   - Weigh the causes `@errors.culprit on=production as culprit`
   - Look at the database `@database.vitals on=production`
2. **Mend**
   - End the sessions `@database.end_sessions on=production sessions=${culprit.sessions}`
     - when: `culprit.fix == "end sessions"`
   - Follow the users `@errors.watch on=production as after`
"""
LOOK = "- Look at the database: connections, locks, slow statements"
END = "- End the sessions that hold what others wait for"
PLANNED: Row = (1, "run.planned", "", {})


def taught(text: str, *rows: Row) -> tuple[list[Lesson], str]:
    found = lessons(trail(text, *rows), text)
    return found, edited(text, [each.edit for each in found])


def test_a_run_whose_book_said_it_all_teaches_nothing() -> None:
    opened = {"incident": {"opened_at": at(20).isoformat()}}

    found, after = taught(
        BOUND,
        (21, "run.planned", "", opened),
        (30, "task.done", "1.1", {"result": culprit()}),
        (40, "task.done", "2.1", {"result": {}}),
    )

    assert found == []
    assert after == BOUND


def test_a_late_book_learns_when_to_notice_where_to_look_what_to_do_and_in_which_order() -> None:
    found, after = taught(LATE, PLANNED, (30, "task.done", "2.1", {"result": culprit()}))

    assert len(found) == 4
    assert findings(after) == findings(LATE)
    lines = [line.strip() for line in after.splitlines()]
    order = [
        '- Requests fail more often than before `@when errors.raised("5m") for 15s, severity=high`',
        "- Call the shop `@app.health on=production as health`",
        "- Weigh the causes `@errors.culprit on=production as culprit`",
        "2. **Look**",
        f"{LOOK} `@database.vitals on=production`",
        f"{END} `@database.end_sessions on=production sessions=${{culprit.sessions}}`",
        '- when: `culprit.fix == "end sessions"`',
        "- Follow the users `@errors.watch on=production as after`",
    ]
    assert [line for line in lines if line in order] == order


@pytest.mark.parametrize(
    "fix",
    ["roll back", "redeploy", "take back the migration", "end sessions", "raise connections",
     "restart the database", "restore a value", "clear a limit", "block a source", "shed",
     "switch a dependency off"],
)  # fmt: skip
def test_each_repair_that_fitted_and_was_missing_is_one_the_check_takes(fix: str) -> None:
    found, after = taught(
        LATE, PLANNED, (30, "task.done", "2.1", {"result": culprit(fix=fix, kind="release")})
    )

    assert any(f"“{fix}” fitted" in each.says for each in found)
    assert f'`culprit.fix == "{fix}"`' in after
    assert findings(after) == findings(LATE)


def test_a_repetition_that_a_person_asked_for_is_the_books_from_then_on() -> None:
    opened = {"incident": {"opened_at": at(20).isoformat()}}

    found, after = taught(
        BOUND,
        (21, "run.planned", "", opened),
        (40, "task.failed", "2.1", {"error": "no answer"}),
        (50, "decision.made", "2.1", {"choice": "retry"}),
        (60, "task.done", "2.1", {"result": {}}),
    )

    assert [each.says for each in found] == ["task 2.1 succeeded when a person let it try again"]
    assert "     - retry: 2 times, from 5s\n   - Follow" in after
    assert findings(after) == findings(BOUND)


def test_what_was_noticed_late_gets_the_symptom_it_lacked() -> None:
    opened = {"incident": {"opened_at": at(400).isoformat()}}
    slow = culprit(feels="answers are slow")

    found, after = taught(
        BOUND, (401, "run.planned", "", opened), (410, "task.done", "1.1", {"result": slow})
    )

    assert "it was noticed 400 s after it began" in found[0].says
    assert '`@when latency.raised("5m")' in after
    assert findings(after) == findings(BOUND)


@pytest.mark.parametrize("shape", ["plain", "crlf", "no end", "a name"])
def test_git_applies_the_diff_to_any_form_of_file(shape: str, tmp_path: Path) -> None:
    text = LATE.replace("\n", "\r\n") if shape == "crlf" else LATE
    text = text.rstrip("\n") if shape == "no end" else text
    name = "on call/the book.md" if shape == "a name" else "book.md"
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode())

    _, after = taught(text, PLANNED, (30, "task.done", "2.1", {"result": culprit()}))
    _apply(tmp_path, diff_of(name, text, after))

    assert path.read_bytes() == after.encode()
    assert after != text
    assert ("\n" in after.replace("\r\n", "")) is (shape != "crlf")


def test_the_diff_of_a_shipped_book_makes_the_teams_own(tmp_path: Path) -> None:
    _apply(tmp_path, diff_of("runbooks/errors.md", None, BOUND))

    assert (tmp_path / "runbooks/errors.md").read_text() == BOUND


def _apply(folder: Path, diff: str) -> None:
    ended = subprocess.run(
        ["git", "apply", "-"], cwd=folder, input=diff.encode(), capture_output=True, check=False
    )
    assert ended.returncode == 0, ended.stderr.decode()
