"""No text and no inputs make the compiler crash; plain Markdown is checked cheaply."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.small_catalog import BOOK, CATALOG, STACK, plan, said
from drillbook.compiler import check_book
from drillbook.compiler.diagnostics import CODES
from drillbook.core.errors import DrillbookError

SEED = Path(__file__).parents[3] / "shared" / "seed" / "RUNBOOKS.md"
LINES = BOOK.splitlines()
SNIPPETS = st.sampled_from(
    ["`", "@", "${", "}", '"', "[", "]", "=", " as ", "as x", "`@choose`", "`@when 1", "`@runbook ",
     'name="Other"', "on=", "on=production", "- ", "   - ", "     - expect: ", "needs: 1 approval",
     "undo: `@app.restart on=staging`", "retry: 5", "timeout: 1m", "evidence: id", "| x | file | |",
     "<!--", "-->", "## Runbook: Other", "### Steps", "1. **X**", "5. **Rollback**", "\t", "\r",
     "\0",
     "migration.apply", "status.ok", "result", "run.id", "é", "   ", "\\"]
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Return the sound book with lines dropped, doubled, moved, and snippets put into them."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["drop", "double", "move", "insert", "insert", "cut"]))
        if kind == "drop" and len(lines) > 1:
            del lines[at]
        elif kind == "double":
            lines.insert(at, lines[at])
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
        elif kind == "insert":
            column = draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:column] + draw(SNIPPETS) + lines[at][column:]
        else:
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    return "\n".join(lines)


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_a_damaged_book_is_checked_without_a_crash(book: str) -> None:
    count = book.count("\n") + 1

    for code, line, column, _ in said(book):
        assert code in CODES
        assert 1 <= line <= count
        assert column >= 1


@settings(max_examples=100, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(SNIPPETS, max_size=30).map("".join)))
def test_any_text_is_checked_without_a_crash(book: str) -> None:
    checked = check_book(book, name="x.md", catalog=lambda: CATALOG, stack=STACK)

    assert checked.counts.tasks >= 0


@settings(max_examples=100, deadline=None)
@given(
    mutated(),
    st.sampled_from(["database-migration", "other", "nothing"]),
    st.dictionaries(
        st.sampled_from(["migration", "down", "wait", "count", "size", "more"]),
        st.one_of(st.sampled_from(["m.sql", "1", "1m", "none", ""]), st.text(max_size=5)),
        max_size=3,
    ),
)
def test_a_plan_is_made_or_refused_in_one_sentence(
    book: str, runbook: str, inputs: dict[str, str]
) -> None:
    said_or_hash = ""
    try:
        said_or_hash = plan(book, runbook, **inputs).hash
    except DrillbookError as error:
        said_or_hash = str(error)

    assert said_or_hash


@settings(max_examples=60, deadline=None)
@given(mutated())
def test_what_is_checked_without_errors_makes_a_plan(book: str) -> None:
    errors = [
        each
        for each in check_book(
            book, name="book.md", catalog=lambda: CATALOG, stack=STACK
        ).diagnostics
        if each.severity == "error"
    ]
    refused = ""
    try:
        plan(book, "database-migration", migration="m.sql")
    except DrillbookError as error:
        refused = str(error)

    # Only a choice, an input or a name that the file itself leaves open may still be missing.
    rightly = ("runbook", "input", "has no", "procedure")
    assert errors or not refused or any(word in refused for word in rightly)


@pytest.mark.skipif(not SEED.exists(), reason="the seed is not on this machine")
def test_the_seed_is_counted_as_it_stands() -> None:
    checked = check_book(SEED.read_text(encoding="utf-8"), name="RUNBOOKS.md")

    counts = checked.counts
    assert (counts.runbooks, counts.procedures, counts.steps, counts.tasks) == (8, 9, 36, 105)
    # Five runbooks list three symptoms each.
    assert (counts.prerequisites, counts.symptoms, counts.contacts) == (6, 15, 4)
    assert counts.findings == 1
    assert "[Configure in monitoring system]" in checked.diagnostics[0].message


CHEAP = """
import sys
from drillbook.compiler import check_book
checked = check_book(sys.stdin.read(), name="x.md")
heavy = {"pydantic", "cel.cel", "cel", "dbos", "rfc8785", "drillbook.core.catalog"}
print(checked.counts.tasks, sorted(heavy & set(sys.modules)))
"""


def test_plain_markdown_loads_neither_pydantic_nor_expressions() -> None:
    plain = "## Runbook: One\n\n### Steps\n1. **Do**\n   - Look\n   - Mail `@ana` about it\n"

    done = subprocess.run(
        [sys.executable, "-c", CHEAP], input=plain, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "2 []"
