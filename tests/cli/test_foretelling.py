"""Whoever approves a write sees what it will do and how it is taken back."""

from datetime import UTC, datetime

import pytest

from drillbook.cli import approve
from drillbook.cli.live.asking import Asker
from drillbook.cli.sending import foretold
from drillbook.core.plan import Kind, Plan, PlannedStep, PlannedTask, PlanPart
from drillbook.core.record import EntryKind
from drillbook.engine.messages import Start
from drillbook.engine.waiting import Waiting

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TASK = PlannedTask(id="2.1", text="Apply it", line=1, kind=Kind.HUMAN)
PLAN = Plan(
    book="b.md",
    book_sha256="0" * 64,
    part=PlanPart(runbook="Move", steps=(PlannedStep(id="2", title="Apply", tasks=(TASK,)),)),
)
MEMORY = {
    "fingerprint": "9799e3f374b9",
    "objects": {"table public.a": "406c61da"},
    "forecast": "reads of bookings blocked 7.4 s",
    "way_back": "runs 1.sql (derived, proven on a copy)",
}
WAITING = Waiting(
    task="2.1", kind=EntryKind.APPROVAL_ASKED, since=NOON,
    data={"plan": "abc", "digest": "def", "memory": MEMORY, "needs": "1 approval"},
)  # fmt: skip


class View:
    plan = PLAN


def test_the_sentences_of_what_is_remembered_are_found() -> None:
    assert foretold(WAITING) == [
        ("forecast", "reads of bookings blocked 7.4 s"),
        ("way back", "runs 1.sql (derived, proven on a copy)"),
    ]
    assert foretold(WAITING.model_copy(update={"data": {"memory": None}})) == []


def test_the_page_of_an_approval_shows_forecast_and_way_back(
    capsys: pytest.CaptureFixture[str],
) -> None:
    approve._show(WAITING, View())  # type: ignore[arg-type]  # it reads the plan only

    lines = capsys.readouterr().out.splitlines()
    assert "  forecast   reads of bookings blocked 7.4 s" in lines
    assert "  way back   runs 1.sql (derived, proven on a copy)" in lines


def test_the_question_at_the_terminal_shows_them_too(capsys: pytest.CaptureFixture[str]) -> None:
    start = Start(run="r-1", by="ana", at=NOON)
    from drillbook.cli.live.asking import Lines

    Asker(PLAN, start, "li", lines=Lines(descriptor=0)).put(WAITING)

    said = capsys.readouterr().out
    assert "  forecast: reads of bookings blocked 7.4 s\n" in said
    assert "  way back: runs 1.sql (derived, proven on a copy)\n" in said
