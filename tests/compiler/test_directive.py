"""Directives are read into pieces, and every mistake has its place, its code and its way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.small_catalog import said, steps
from drillbook.compiler.directive import Mistake, ValueKind, parse_directive


def test_a_directive_is_read_into_name_values_and_result_name() -> None:
    read = parse_directive(
        '@backup.create on=production label="before-${run.id} \\"x\\"" file=${a.b[0].c} '
        'tags=[a, "b c"] wait=30m as backup'
    )

    assert read.name == "backup.create"
    assert read.as_name == "backup"
    by_key = {pair.key: pair.value for pair in read.pairs}
    assert by_key["on"].text == "production"
    assert [(p.text, p.path) for p in by_key["label"].pieces] == [
        ("before-", ""),
        ("", "run.id"),
        (' "x"', ""),
    ]
    assert by_key["file"].kind is ValueKind.PATH
    assert by_key["file"].pieces[0].path == "a.b[0].c"
    assert by_key["tags"].items == ("a", "b c")
    assert by_key["wait"].text == "30m"


@pytest.mark.parametrize(
    ("text", "at", "code", "says"),
    [
        ("@app.status verbose", 12, "DB101", "'verbose' is not key=value"),
        ("@app.status a =b", 13, "DB101", "space stands around the = of a"),
        ("@app.status a= ", 13, "DB103", "space stands around"),
        ("@app.status a=", 14, "DB103", "the key a has no value"),
        ('@app.status a="b', 14, "DB102", "the text is not closed"),
        ("@app.status a=${b", 14, "DB102", "${ is not closed"),
        ("@app.status a=[b, c", 14, "DB102", "the list is not closed"),
        ("@app.status a=[b c]", 17, "DB101", "separated by commas"),
        ("@app.status a=${b + 1}", 16, "DB307", "'b + 1' is not the path of a value"),
        ("@app.status a=b-${c.d}", 16, "DB101", "'${c.d}' follows the value of a"),
        ("@app.status a='b'", 14, "DB101", "double quotes"),
        ("@app.status a=1, b=2", 15, "DB101", "not by commas"),
        ("@app.status a=1 a=2", 16, "DB104", "the key a is given twice"),
        ("@app.status as", 14, "DB105", "a name must follow `as`"),
        ("@app.status as 9x", 15, "DB105", "'9x' is not a name"),
        ("@app.status as x y=1", 17, "DB101", "'y=1' follows the name after `as`"),
        ('@app.status a="\\q"', 15, "DB101", "is no escape"),
        ("@app.status, a=1", 11, "DB101", "without space"),
    ],
)
def test_a_malformed_directive_is_refused_at_its_column(
    text: str, at: int, code: str, says: str
) -> None:
    with pytest.raises(Mistake) as caught:
        parse_directive(text)

    assert (caught.value.at, caught.value.code) == (at, code)
    assert says in caught.value.message


@given(st.text(max_size=40), st.text(alphabet="ab=${}[]\" as.,\\'", max_size=30))
def test_any_text_is_read_or_refused(text: str, more: str) -> None:
    for attempt in (text, f"@app.status {more}", f"@app.status a={more}"):
        at, code = 0, "DB"
        try:
            parse_directive(attempt)
        except Mistake as mistake:
            at, code = mistake.at, mistake.code

        assert 0 <= at <= len(attempt)
        assert code.startswith("DB")


@given(st.text(max_size=40))
def test_a_quoted_text_comes_back_as_it_was(text: str) -> None:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")

    read = parse_directive(f'@app.status a="{escaped}"')

    assert read.pairs[0].value.text == text


def test_the_column_of_a_mistake_counts_from_the_start_of_the_line() -> None:
    book = steps("- Look `@app.helth on=production wait=1s as x`")

    found = said(book)

    line = book.splitlines()[found[0][1] - 1]
    assert found[0][0] == "DB201"
    assert line[found[0][2] - 1 :].startswith("@app.helth")
