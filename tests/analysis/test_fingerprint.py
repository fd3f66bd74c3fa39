"""Two schemas have one fingerprint exactly when their objects are the same."""

from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.fingerprint import differences, digests, fingerprint
from drillbook.analysis.rows import changes

ROWS = st.lists(
    st.tuples(st.sampled_from(["table", "index"]), st.text(max_size=4), st.text(max_size=4)),
    max_size=8,
    unique_by=lambda row: row[:2],
)


@given(ROWS)
def test_order_plays_no_part(rows: list[tuple[str, str, str]]) -> None:
    turned = list(reversed(rows))

    assert fingerprint(digests(rows)) == fingerprint(digests(turned))
    assert differences(digests(rows), digests(turned)) == ()


@given(ROWS, ROWS)
def test_fingerprints_differ_exactly_when_an_object_does(
    one: list[tuple[str, str, str]], other: list[tuple[str, str, str]]
) -> None:
    first, second = digests(one), digests(other)

    assert (fingerprint(first) == fingerprint(second)) is (set(one) == set(other))
    assert bool(differences(first, second)) is (set(one) != set(other))


def test_at_most_so_many_differences_are_named_and_the_rest_counted() -> None:
    many = {f"table t{number:03}": "x" for number in range(50)}

    said = differences(many, {}, at_most=20)

    assert len(said) == 20
    assert said[-1] == "and 31 more objects differ"


def test_rows_then_and_now_tell_what_is_more_and_fewer() -> None:
    found = changes({"a": 1, "b": 5, "gone": 2}, {"a": 1, "b": 9, "new": 3})

    assert (found.tables, found.different) == (4, 3)
    assert found.more == {"b": 4, "new": 3}
    assert found.fewer == {"gone": 2}
