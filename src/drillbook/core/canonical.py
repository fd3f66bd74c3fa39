"""Canonical JSON (RFC 8785): the one form in which values are hashed."""

import json

import rfc8785
from pydantic import JsonValue

INTEGER_LIMIT = 2**53  # beyond it JSON numbers are not exact
# Between these Python writes a fraction as RFC 8785 asks: in full, without an exponent.
SMALLEST, LARGEST = 1e-4, 1e16
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical_json(value: JsonValue) -> bytes:
    """Return a value's canonical bytes; an rfc8785.CanonicalizationError says what has none."""
    # Python's own encoder is five times as fast, and is on the way of every entry recorded.
    if _is_same_in_both(value):
        return _ENCODER.encode(value).encode()
    return rfc8785.dumps(value)


def _is_same_in_both(value: object) -> bool:
    """Whether Python's encoder, with its keys sorted, writes what RFC 8785 asks for."""
    if isinstance(value, str):
        return value.isascii()
    if isinstance(value, dict):
        # RFC 8785 sorts keys by UTF-16 units; of ASCII that is Python's own order.
        return all(
            isinstance(key, str) and key.isascii() and _is_same_in_both(item)
            for key, item in value.items()
        )
    if isinstance(value, list):
        return all(map(_is_same_in_both, value))
    if isinstance(value, float):
        return SMALLEST <= abs(value) < LARGEST and not value.is_integer()
    if isinstance(value, int):
        return -INTEGER_LIMIT < value < INTEGER_LIMIT
    return value is None
