"""The order of objects, the types that lose nothing, and what statements say they change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.statements import read_script
from drillbook.analysis.wayback.losses import is_lossless, written_by
from drillbook.analysis.wayback.ordering import in_order, reached
from drillbook.analysis.wayback.words import literal

NUMBERS = st.integers(0, 12)


@given(st.dictionaries(NUMBERS, st.sets(NUMBERS, max_size=4), max_size=12))
def test_in_order_puts_what_is_needed_first_unless_it_goes_in_circles(
    edges: dict[int, set[int]],
) -> None:
    needs = {(0, key, 0): {(0, n, 0) for n in found} for key, found in edges.items()}
    keys = set(needs) | {n for found in needs.values() for n in found}

    order = in_order(keys, needs, lambda key: (0, key))

    assert sorted(order) == sorted(keys)
    at = {key: number for number, key in enumerate(order)}
    for key, found in needs.items():
        for one in found - {key}:
            assert at[one] < at[key] or key in reached([one], needs)


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("numeric(10,2)", "numeric(14,2)", True),
        ("numeric(10,2)", "numeric(10,4)", False),
        ("numeric(10,2)", "numeric", True),
        ("numeric", "numeric(10,2)", False),
        ("character varying(10)", "character varying(20)", True),
        ("character varying(10)", "character varying(5)", False),
        ("text", "character varying(5)", False),
        ("character varying(5)", "text", True),
        ("text", "character varying", True),
        ("date", "timestamp without time zone", True),
        ("timestamp without time zone", "date", False),
        ("timestamp(3) without time zone", "timestamp without time zone", False),
        ("real", "double precision", True),
        ("bigint", "real", False),
        ("public.mood", "text", True),
        ("text", "public.mood", False),
        ("integer[]", "bigint[]", False),
    ],
)
def test_only_types_that_hold_every_value_lose_nothing(before: str, after: str, kept: bool) -> None:
    assert is_lossless(before, after) is kept


def test_statements_say_what_they_change() -> None:
    script = read_script(
        "UPDATE a.t SET x = 1, y = 2; DELETE FROM u; TRUNCATE v, w; INSERT INTO i VALUES (1) "
        "ON CONFLICT (id) DO UPDATE SET z = 1; "
        "MERGE INTO m USING u ON true WHEN MATCHED THEN DELETE"
    )

    found = written_by(script.statements)

    assert found.columns == {'"a"."t"': {"x", "y"}, '"i"': {"z"}}
    assert found.taken == {'"u"', '"v"', '"w"', '"m"'}
    assert found.added == {'"i"', '"m"'}


@pytest.mark.parametrize(("value", "said"), [("a'b", "'a''b'"), ("a\\b", " E'a\\\\b'")])
def test_literals_mean_the_same_whatever_the_settings(value: str, said: str) -> None:
    assert literal(value) == said
