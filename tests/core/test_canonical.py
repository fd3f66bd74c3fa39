"""Canonical JSON is RFC 8785, however it is made."""

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from drillbook.core.canonical import canonical_json

NUMBERS = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
@example({"a": 1.0, "b": -0.0, "c": 1e16, "d": 1e-5, "e": 123456789.25, "f": 1e-4, "g": 9e15})
@example({"\U0001f600": 1, "\ufffd": 2, "a": '\x7f\u2028\x00\b\t"\\'})
@example({"b": {"z": [True, None, "é"]}, "a": [0.1, 0.30000000000000004]})
def test_any_value_has_the_bytes_of_rfc_8785(value: object) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_fraction_is_written_as_rfc_8785_asks(number: float) -> None:
    assert canonical_json([number]) == rfc8785.dumps([number])


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, {1: 2}, {"a": object()}])
def test_what_has_no_canonical_form_is_refused(value: object) -> None:
    with pytest.raises(rfc8785.CanonicalizationError):
        canonical_json(value)
