"""The whole schema of a database as one value, and what differs between two of them."""

import hashlib
from collections.abc import Iterable, Mapping

DIGEST_CHARACTERS = 16  # enough to tell two definitions of one object apart
NAMED_AT_MOST = 20


def digests(rows: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return a digest by object from rows of kind, name and definition; order plays no part."""
    definitions: dict[str, list[str]] = {}
    for kind, name, definition in rows:
        definitions.setdefault(f"{kind} {name}", []).append(definition)
    return {
        key: hashlib.sha256("\0".join(sorted(found)).encode()).hexdigest()[:DIGEST_CHARACTERS]
        for key, found in sorted(definitions.items())
    }


def fingerprint(objects: Mapping[str, str]) -> str:
    """Return the SHA-256 over all objects."""
    whole = hashlib.sha256()
    for key in sorted(objects):
        whole.update(f"{key}\0{objects[key]}\n".encode())
    return whole.hexdigest()


def differences(
    expected: Mapping[str, str], found: Mapping[str, str], *, at_most: int = NAMED_AT_MOST
) -> tuple[str, ...]:
    """Return a sentence for each object that differs; the last one counts those left out."""
    sentences = [_difference(key, expected, found) for key in sorted({*expected, *found})]
    said = [sentence for sentence in sentences if sentence]
    if len(said) <= at_most:
        return tuple(said)
    return (*said[: at_most - 1], f"and {len(said) - at_most + 1} more objects differ")


def _difference(key: str, expected: Mapping[str, str], found: Mapping[str, str]) -> str:
    if key not in found:
        return f"{key} is missing"
    if key not in expected:
        return f"{key} is there and was not"
    return "" if expected[key] == found[key] else f"{key} differs"
