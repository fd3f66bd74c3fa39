"""Expressions are exact, mix numbers as people expect, and fail in one sentence."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.expression_tokens import FUNCTIONS, MACROS
from drillbook.analysis.expressions import (
    ExpressionInvalid,
    compile_expression,
    evaluate,
    evaluate_condition,
    references,
)
from drillbook.core.errors import DrillbookError, Failed
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration


class Last(Frozen):
    id: str
    age: Duration
    at: datetime
    files: tuple[str, ...] = ()


LAST = Last(id="b-1", age=timedelta(hours=5), at=datetime(2026, 11, 24, tzinfo=UTC), files=("a",))
SCOPE = {
    "connections": {"used": 79, "limit": 100, "by": [{"n": 3}, {"n": 4}]},
    "last": LAST,
    "big": 2**53 + 1,
    "rate": 0.25,
    "nothing": None,
    "wait": timedelta(minutes=3),
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("connections.used < 0.8 * connections.limit", True),
        ("connections.used / connections.limit < 0.78", False),
        ("connections.used / connections.limit", 0),
        ("connections.used + 1 == 80", True),
        ("big - 1 == 9007199254740992", True),
        ("big * 3", (2**53 + 1) * 3),
        ("rate * 4 == 1", True),
        ("size(connections.by) * 0.5", 1.0),
        ("connections.by.size() * 0.5 + connections.by[1].n", 5.0),
        ("connections.by[0].n * 1.5", 4.5),
        ("(connections.by + connections.by).size() * 0.25", 1.0),
        ("-connections.used * 0.5", -39.5),
        ("connections.by.exists(c, c.n * 0.5 > 1.9)", True),
        ("last.age < duration('24h')", True),
        ("last.age < duration('1d')", True),
        ("last.age == duration('5h') && wait < duration('1w')", True),
        ("last.at < timestamp('2027-01-01T00:00:00Z')", True),
        ("last.files == ['a']", True),
        ("has(connections.nope)", False),
        ("nothing == null", True),
        ("true || nothing > 3", True),
        ("last.id.startsWith('b-') ? 'yes' : 'no'", "yes"),
        ('"0.5" == "0.5" && connections.used / 2 == 39', True),
    ],
)
def test_an_expression_has_the_value_a_person_expects(text: str, value: object) -> None:
    assert evaluate(text, SCOPE) == value


def test_a_condition_tells_the_values_it_saw() -> None:
    outcome = evaluate_condition("connections.used < 10 || last.age > duration('1h')", SCOPE)

    assert outcome.value is True
    assert outcome.seen == {"connections.used": 79, "last.age": "5h"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("connections.usd > 1", "`connections` has no `usd`; it holds: used, limit, by"),
        ("connectoins.used > 1", "no value is named `connectoins` here"),
        ("last.size > 1", "`last` has no `size`; it holds: id, age, at, files"),
        ("connections.by[7].n > 1", "has 2 items, and [7] is not among them"),
        ("connections.used / 0 > 1", "divides by zero; connections.used is 79"),
        ("9223372036854775807 + connections.used > 1", "too large"),
        ("last.id > 5", 'kinds that do not fit; last.id is "b-1"'),
        ("nothing > 5", "nothing is nothing"),
        ("big * 0.5 > 1", "9007199254740993 and a fraction: it is too large"),
        ("rate * 9007199254740993 > 1", "9007199254740993 and a fraction"),
        ("last.id.matches('(')", "not a valid regex"),
        ("connections.used", "comes to 79, and not to true or false"),
        ("last.age * 2 > last.age", "kinds that do not fit"),
    ],
)
def test_trouble_in_an_expression_is_one_sentence(text: str, says: str) -> None:
    with pytest.raises(Failed) as caught:
        evaluate_condition(text, SCOPE)

    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "column", "says", "hint"),
    [
        ("", 1, "empty", "applied.failed"),
        ("a.b ==", 7, "ends too early", ""),
        ("a.b = 3", 5, "`=` cannot stand here", "Write == instead of ="),
        ("a > 1 and b > 1", 7, "`and` cannot stand here", "Write && instead of and"),
        ("a > 99999999999999999999", 5, "too large", ""),
        ("a < duration('3 min')", 14, "not a duration", "30m"),
        ("errors.rate('5m') > 1", 8, "no function errors.rate()", "startsWith"),
        ("x" * 2001, 1, "2001 characters", ""),
    ],
)
def test_a_wrong_expression_is_refused_with_its_place(
    text: str, column: int, says: str, hint: str
) -> None:
    with pytest.raises(ExpressionInvalid) as caught:
        compile_expression(text)

    assert (caught.value.line, caught.value.column) == (1, column)
    assert says in str(caught.value)
    assert hint in caught.value.hint


def test_references_are_paths_without_the_names_macros_bind() -> None:
    found = references("a.b[0].c > 1 && d.exists(x, x.y == e.f) && 'g.h' == i['k'] && j.size() > 0")

    assert found == ("a.b[0].c", "d", "e.f", "i.k", "j")


def test_measurements_are_functions_only_where_they_are_allowed() -> None:
    expression = compile_expression('errors.rate("5m") > 0.05 && limit > 3', metrics=True)

    assert expression.metrics == ("errors.rate",)
    assert [each.path for each in expression.references] == ["limit"]


@pytest.mark.parametrize("name", sorted(FUNCTIONS - MACROS))
def test_every_function_named_is_one_of_the_library(name: str) -> None:
    if name == "has":  # a macro: it takes a path and nothing else
        assert evaluate("has(last.id)", {"last": LAST}) is True
        return
    attempts = [f"{name}(last.x)", f"last.{name}()", f"last.{name}(last)", f"{name}(last)"]
    said = []
    for text in attempts:
        try:
            compile_expression(text).program.execute({"last": LAST.at})
            said.append("fine")
        except (ValueError, TypeError, RuntimeError, LookupError) as error:
            said.append(str(error))

    assert not all("Undefined" in each for each in said)


PIECES = st.sampled_from(
    ["connections", ".", "used", "limit", "last", "age", "rate", "big", "(", ")", "[", "]", "0",
     "1", "0.5", "/", "*", "+", "-", "%", "<", "==", "&&", "||", "!", "?", ":", "size(", "has(",
     "'", '"', "duration('1d')", ".exists(x, x", ",", "null", "true", " in ", "{", "}", "//", "\\"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.lists(PIECES, max_size=9).map("".join), st.text(max_size=30)))
def test_no_expression_ends_in_anything_but_our_errors(text: str) -> None:
    said = "held or not"
    try:
        evaluate_condition(text, SCOPE)
    except DrillbookError as error:
        said = str(error)

    assert said


@settings(max_examples=200, deadline=None)
@given(st.integers(-(2**31), 2**31), st.integers(-(2**31), 2**31))
def test_whole_numbers_are_exact(left: int, right: int) -> None:
    scope = {"a": left, "b": right}

    assert evaluate("a * b", scope) == left * right
    assert evaluate("a + 0.5 > b", scope) is (left + 0.5 > right)


NUMBERS = {"a": 7, "b": -3, "c": 0.25, "d": 2.5, "e": [1, 2, 3], "f": {"n": 12}}
LEAVES = st.sampled_from(["a", "b", "c", "d", "f.n", "e[1]", "e.size()", "2", "10", "0.5", "3.25"])


@st.composite
def arithmetic(draw: st.DrawFn, depth: int = 3) -> str:
    """Return a computation of whole numbers and fractions, each operation in brackets."""
    if depth == 0 or draw(st.booleans()):
        return draw(LEAVES)
    left, right = draw(arithmetic(depth - 1)), draw(arithmetic(depth - 1))
    return f"({left} {draw(st.sampled_from('+-*'))} {right})"


@settings(max_examples=200, deadline=None)
@given(arithmetic(), arithmetic(), st.sampled_from(["<", ">=", "=="]))
def test_whole_numbers_and_fractions_compute_as_in_a_book(
    left: str, right: str, operator: str
) -> None:
    python = f"{left} {operator} {right}"
    for name, meaning in (("f.n", "12"), ("e.size()", "3"), ("e[1]", "2")):
        python = python.replace(name, meaning)
    for name in "abcd":
        python = re.sub(rf"\b{name}\b", f"({NUMBERS[name]})", python)
    expected = eval(python)  # noqa: S307 - the text is made above

    assert evaluate(f"{left} {operator} {right}", NUMBERS) is expected


AT_ONCE = """
from threading import Barrier, Thread
from drillbook.analysis.expressions import compile_expression

threads, ends = 8, []
barrier = Barrier(threads)

def compile_one(number):
    barrier.wait()
    compile_expression(f"{number} < 8")
    ends.append(number)

started = [Thread(target=compile_one, args=[number]) for number in range(threads)]
for thread in started:
    thread.start()
for thread in started:
    thread.join()
assert len(ends) == threads, f"{len(ends)} of {threads} threads came to their end"
"""


def test_the_first_expressions_of_a_process_may_be_compiled_by_many_threads_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", AT_ONCE], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stderr[-2000:]
