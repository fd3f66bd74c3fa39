"""The Markdown: it renders as it should whatever the values hold."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from drillbook.core.errors import Unavailable
from drillbook.web.report import to_markdown, write_report
from drillbook.web.report.escaping import code, escaped, fenced, inline, table
from drillbook.web.report.wording import visible
from web.conftest import Told
from web.stories import STORIES

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
MARKUP = {
    "html_block", "html_inline", "link_open", "image", "em_open", "strong_open", "s_open",
    "hardbreak", "blockquote_open", "heading_open", "bullet_list_open", "ordered_list_open", "hr",
}  # fmt: skip
texts = st.text(max_size=60) | st.text(alphabet="|`\\*_[]()<>&!#~-=+1.) \n\tab:/w@", max_size=40)


def tokens(text: str) -> Iterator[Token]:
    for token in RENDERER.parse(text):
        yield token
        yield from token.children or []


def read(text: str) -> str:
    """What a reader sees."""
    return "".join(
        token.content for token in tokens(text) if token.type in ("text", "code_inline", "fence")
    )


def expected(text: str) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", visible(text)).replace("\n", " ↵ ").replace("\t", " ")


def squeezed(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("story", [*STORIES, "undo"])
def test_every_table_keeps_its_shape_and_no_value_becomes_markup(
    told: dict[str, Told], story: str
) -> None:
    report = told[story].report()
    text = to_markdown(report)

    found = [token.type for token in tokens(text)]
    cells = row_widths(text)

    assert not {"html_block", "html_inline", "link_open", "image", "em_open"} & set(found)
    assert all(width == cells[head] for head, widths in cells_by_table(text) for width in widths)
    assert found.count("heading_open") == headings(report)


def row_widths(text: str) -> dict[int, int]:
    return {number: widths[0] for number, widths in cells_by_table(text)}


def cells_by_table(text: str) -> list[tuple[int, list[int]]]:
    """For each table the number of cells of each row."""
    found: list[tuple[int, list[int]]] = []
    for token in RENDERER.parse(text):
        if token.type == "table_open":
            found.append((len(found), []))
        elif token.type == "tr_open":
            found[-1][1].append(0)
        elif token.type in ("th_open", "td_open"):
            found[-1][1][-1] += 1
    return found


def headings(report: object) -> int:
    from drillbook.web.report import RunReport

    assert isinstance(report, RunReport)
    fixed = 4 + bool(report.decisions) + bool(report.way_back) + bool(report.evidence)
    return 1 + fixed + len(report.sections) + len(report.tasks)


@settings(max_examples=300)
@given(texts)
def test_any_text_in_a_cell_reads_as_itself(text: str) -> None:
    lines = table(("a", "b"), [(inline(text), "x")])

    found = list(tokens("\n".join(lines)))

    assert [token.type for token in found].count("td_open") == 2
    assert not MARKUP & {token.type for token in found}
    assert squeezed(read("\n".join(lines))) == squeezed("ab" + expected(text).strip() + "x")


@settings(max_examples=300)
@given(texts)
def test_any_text_at_the_beginning_of_a_line_reads_as_itself(text: str) -> None:
    assert not MARKUP & {token.type for token in tokens(escaped(text))}
    assert squeezed(read(escaped(text))) == squeezed(expected(text))


@settings(max_examples=200)
@given(texts)
def test_any_text_in_a_heading_or_a_list_reads_as_itself(text: str) -> None:
    heading = list(tokens(f"#### 1 {inline(text)}"))
    item = list(tokens(f"- {escaped(text)}"))

    assert [token.type for token in heading].count("heading_open") == 1
    assert squeezed(read(f"#### 1 {inline(text)}")) == squeezed(f"1 {expected(text)}")
    assert [token.type for token in item].count("bullet_list_open") == 1
    assert squeezed(read(f"- {escaped(text)}")) == squeezed(expected(text))


@settings(max_examples=200)
@given(texts)
def test_any_text_as_code_reads_as_itself(text: str) -> None:
    lines = "\n".join(table(("a",), [(code(text),)]))

    assert squeezed(read(lines)) == squeezed("a" + expected(text).strip())


@settings(max_examples=200)
@given(texts)
def test_no_text_closes_its_fence(text: str) -> None:
    found = RENDERER.parse(fenced(text))

    assert [token.type for token in found] == ["fence"]
    assert found[0].content.rstrip("\n") == visible(text).rstrip("\n")


def test_links_are_not_made_of_values() -> None:
    said = inline("see http://evil.example and www.evil.example or a@evil.example")

    assert "://" not in said
    assert "www." not in said
    assert "a@" not in said


def test_a_report_is_written_as_two_private_files(told: dict[str, Told], tmp_path: Path) -> None:
    run = told["taken-back"]
    name = run.view.summary.run

    markdown, html = write_report(run.runs, name, tmp_path / "reports")

    assert (markdown.name, html.name) == (f"{name}.md", f"{name}.html")
    assert markdown.read_text().startswith(f"# Run {name}: Tidy the Shelf\n")
    assert html.read_text().startswith("<!DOCTYPE html>")
    assert {path.stat().st_mode & 0o777 for path in (markdown, html)} == {0o600}
    assert sorted(path.name for path in markdown.parent.iterdir()) == [html.name, markdown.name]


def test_a_report_that_cannot_be_written_says_so(told: dict[str, Told], tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file is in the way")
    run = told["taken-back"]

    with pytest.raises(Unavailable, match="cannot be written into"):
        write_report(run.runs, run.view.summary.run, tmp_path / "reports")
