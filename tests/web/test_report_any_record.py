"""A record is written by many hands: whatever it holds, the report is made and reads as text."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.web.report import build, to_html, to_markdown
from web.conftest import Told
from web.stories import HOSTILE
from web.test_report_page import Page

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
TASKS = ("", "0.1", "1.1", "1.3", "2.1", "2.2", "2.2/2", "3.1/1.1", "no-such-task", HOSTILE[:80])
NAMES = (
    "seconds", "result", "seen", "error", "hint", "by", "note", "answer", "option", "text", "why",
    "plan", "digest", "needs", "choices", "otherwise", "choice", "in_seconds", "attempt", "of",
    "state", "kept", "stuck", "reason", "writes", "message", "sha256", "name", "evidence", "does",
    "arguments", "on", "leave", "media_type", "size_bytes",
)  # fmt: skip
leaves = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(0, 1e9) | st.text(max_size=8)
leaves |= st.sampled_from((HOSTILE, "done", "could-not", "retry", "skip", "taken back", "3.1"))
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)


@st.composite
def records(draw: st.DrawFn) -> list[Recorded]:
    at, found = BEGAN, []
    for index in range(draw(st.integers(0, 12))):
        kind = draw(st.sampled_from([*map(str, EntryKind), "journal.exported", "new.kind"]))
        data = draw(st.dictionaries(st.sampled_from(NAMES), values, max_size=6))
        if kind == EntryKind.RUN_ENDED:
            data["state"] = draw(st.sampled_from(("done", "stuck", "stopped", "partly taken back")))
        task = draw(st.sampled_from(TASKS))
        key = f"r/{kind}/{task}/1" + draw(st.sampled_from(("", "/check")))
        at += timedelta(seconds=draw(st.floats(0, 5000)))
        found.append(
            Recorded.model_construct(
                run="r-x", kind=kind, task=task, by="ana", at=at, data=data, key=key,
                index=index, previous=index - 1,
            )
        )  # fmt: skip
    return found


@pytest.fixture(scope="module")
def run(told: dict[str, Told]) -> Told:
    return told["everything"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=records())
def test_any_record_gives_a_whole_page_and_markdown(run: Told, record: list[Recorded]) -> None:
    report = build(run.view, record, lambda _: HOSTILE.encode())

    page = Page(to_html(report))

    assert len(page.all("script")) == 1
    assert not page.all("img")
    assert [row.index for row in report.rows] == [entry.index for entry in record]
    assert to_markdown(report).startswith("# Run ")
