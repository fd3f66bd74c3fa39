"""A draft of an incident that was noticed, found, mended at the second try and verified."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from drillbook.analysis.postmortem import draft
from drillbook.analysis.postmortem.citing import lasting
from postmortem.deriving import faults_of, journal
from postmortem.record import at, compiled, culprit, entries, sealed

BOOK = """\
# Operations

## Runbook: Errors

### Steps
1. **Look**
   - See who is hit `@errors.hit on=production as hit`
   - Weigh the causes `@errors.culprit on=production as culprit`
2. **Mend**
   - End the sessions `@database.end_sessions on=production sessions=${culprit.sessions} as ended`
   - Follow the users `@errors.watch on=production as after`
"""
INCIDENT = {
    "began_at": at(20.5).isoformat(), "opened_at": at(48).isoformat(),
    "noticed": [{"at": at(48).isoformat(), "says": "9 of 60 requests failed | in 5 min"}],
}  # fmt: skip
HIT = {"bad": 214, "requests": 1903, "users": 37, "users_known": True}
ROWS = entries(
    (49, "run.planned", "", {"runbook": "Errors", "incident": INCIDENT}),
    (50, "run.started", "", {}),
    (58, "task.done", "1.1", {"result": HIT}),
    (61, "task.done", "1.2", {"result": culprit()}),
    (64, "task.failed", "2.1", {"error": "pid 71 answered [not] within 3 s"}),
    (65, "task.failed", "2.1", {"error": "<img src=https://evil.example/x> `rm` @ana now"}),
    (70, "decision.made", "2.1", {"choice": "retry", "by": "ana"}),
    (72, "task.done", "2.1", {"result": {"says": "1 session was ended"}}),
    (140, "task.done", "2.2", {"result": {"verdict": "NORMAL", "says": "0 of 90 failed"}}),
)


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    home = tmp_path_factory.mktemp("sealed")
    rows = list(sealed(home, ROWS))
    return draft(compiled(BOOK), rows, ("dba", "developers")).text, home


def test_all_its_numbers_are_derived_from_the_journal(text: tuple[str, Path]) -> None:
    faults, count = faults_of(text[0], journal(text[1]))

    assert faults == []
    assert count > 40


def test_a_number_changed_in_the_text_is_found(text: tuple[str, Path]) -> None:
    entries_ = journal(text[1])

    assert faults_of(text[0].replace("214[^", "215[^"), entries_)[0]
    assert faults_of(text[0].replace("96.4%[^", "96.6%[^"), entries_)[0]
    assert faults_of(text[0].replace("\n## Impact", "\n17 more\n## Impact"), entries_)[0]
    assert faults_of(text[0].replace("7 sessions wait", "8 sessions wait"), entries_)[0]


def test_it_says_who_was_hit_what_helped_and_how_long_it_took(text: tuple[str, Path]) -> None:
    lines = _plain(text[0])

    assert "- Users met it for 2 min 20 s, until it was verified." in lines
    assert (
        "- Up to the triage, 214 of 1903 requests were hit; later ones were not counted." in lines
    )
    assert "- What helped: `database.end_sessions` on production." in lines
    assert "| noticed: the incident was opened | 2026-11-24 03:00:48 | 48 s |" in lines
    assert "| diagnosed: the cause was named | 2026-11-24 03:01:01 | 1 min 1 s |" in lines
    assert (
        "| mitigated: the last change that helped was done | 2026-11-24 03:01:12 | 1 min 12 s |"
        in lines
    )
    assert "- silent: “silent since 02:40”" in lines
    assert "| Give the statements that took the lock a lock_timeout | dba |" in lines


def test_words_of_systems_cannot_become_tables_or_footnotes(text: tuple[str, Path]) -> None:
    assert "“pid 71 holds ¦ bookings”" in text[0]
    assert "“pid 71 answered (not) within 3 s”" in text[0]
    assert "“\u2039img src=https: //evil.example/x\u203a 'rm' @ ana now”" in text[0]
    html = MarkdownIt("commonmark").render(text[0])
    assert "evil.example/x" in html
    assert not re.search(r"<img|<code>rm|href=|://", html)


def test_a_record_without_a_culprit_is_drafted_and_says_so() -> None:
    found = draft(compiled(BOOK), ROWS[1:3])

    assert found.found is False
    assert "- The run weighed no causes." in found.text
    assert "| verified: users' requests were as before | not in the record | |" in found.text


def test_lengths_are_said_to_the_second() -> None:
    assert [lasting(each) for each in (0.4, 59.6, 3599, 7260, -5)] == [
        "0 s", "1 min 0 s", "59 min 59 s", "2 h 1 min", "-5 s",
    ]  # fmt: skip


def _plain(text: str) -> list[str]:
    import re

    return [re.sub(r"\[\^\d+\]", "", line) for line in text.splitlines()]
