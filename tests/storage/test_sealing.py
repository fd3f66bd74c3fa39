"""What is sealed opens only as a whole, unchanged, under its own name, with its own key."""

import base64
import os
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.core.errors import Damaged
from drillbook.core.secret import Secret
from drillbook.providers.postgres.storage.keys import Key, Keyring, read_key
from drillbook.providers.postgres.storage.sealing import (
    CHUNK_BYTES,
    HEADER_BYTES,
    SEALED_BYTES,
    Name,
    sealed,
    sealed_size,
    unsealed,
)

NAME = Name("r-1-backup", "0a1b", "data/1.dat.gz")
SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES, 3 * CHUNK_BYTES + 7]
DATA = os.urandom(max(SIZES))
# What cannot be changed by a seed: three chunks, the last one short.
WHOLE = DATA[: 2 * CHUNK_BYTES + 1000]


@pytest.fixture(scope="module")
def ring(tmp_path_factory: pytest.TempPathFactory) -> Keyring:
    path = tmp_path_factory.mktemp("keys") / "key"
    path.write_text(base64.b64encode(bytes(range(32))).decode())
    return Keyring([Secret(ref=f"file:{path}")])


@pytest.fixture(scope="module")
def key(ring: Keyring) -> Key:
    return ring.newest()


@pytest.fixture(scope="module")
def text(key: Key) -> bytes:
    return b"".join(sealed(pieces(WHOLE, 100_000), key, NAME))


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    yield from (data[at : at + size] for at in range(0, len(data), size))


def opened(data: bytes, ring: Keyring, name: Name = NAME, size: int = 300_000) -> bytes:
    return b"".join(unsealed(pieces(data, size), ring, name))


@pytest.mark.parametrize("size", SIZES)
def test_every_size_comes_back_and_is_as_long_as_foretold(
    size: int, key: Key, ring: Keyring
) -> None:
    made = b"".join(sealed(pieces(DATA[:size], 70_000), key, NAME))

    assert len(made) == sealed_size(size)
    assert opened(made, ring) == DATA[:size]
    assert DATA[:40] not in made or size < 40


def test_the_same_file_is_another_text_each_time(key: Key) -> None:
    first, second = (b"".join(sealed((b"same",), key, NAME)) for _ in range(2))

    assert first[HEADER_BYTES:] != second[HEADER_BYTES:]


@given(cut=st.integers(1, 300_000), start=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_it_does_not_matter_how_it_arrives(
    cut: int, start: int, ring: Keyring, text: bytes
) -> None:
    arriving = pieces(text, max(cut, 20_000) + start)

    assert b"".join(unsealed(arriving, ring, NAME)) == WHOLE


@given(at=st.integers(0, len(WHOLE) + 3 * 16 + HEADER_BYTES - 1), bit=st.integers(0, 7))
@settings(max_examples=60, deadline=None)
def test_any_flipped_bit_is_found(at: int, bit: int, ring: Keyring, text: bytes) -> None:
    changed = bytearray(text)
    changed[at] ^= 1 << bit

    with pytest.raises(Damaged):
        opened(bytes(changed), ring)


@pytest.mark.parametrize("at", range(HEADER_BYTES))
def test_any_flipped_byte_of_the_header_is_found(at: int, key: Key, ring: Keyring) -> None:
    changed = bytearray(b"".join(sealed((b"short",), key, NAME)))
    changed[at] ^= 0xFF

    with pytest.raises(Damaged):
        opened(bytes(changed), ring)


ENDS = [0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 15, HEADER_BYTES + SEALED_BYTES]
ENDS += [HEADER_BYTES + 2 * SEALED_BYTES]


@given(end=st.sampled_from(ENDS) | st.integers(0, len(WHOLE) + 3 * 16 + HEADER_BYTES - 1))
@settings(max_examples=40, deadline=None)
def test_any_truncation_is_found(end: int, ring: Keyring, text: bytes) -> None:
    with pytest.raises(Damaged):
        opened(text[:end], ring)


@given(more=st.binary(min_size=1, max_size=50))
@settings(max_examples=15, deadline=None)
def test_anything_behind_the_end_is_found(more: bytes, ring: Keyring, text: bytes) -> None:
    with pytest.raises(Damaged):
        opened(text + more, ring)


def chunks_of(text: bytes) -> list[bytes]:
    return list(pieces(text[HEADER_BYTES:], SEALED_BYTES))


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 0, 1, 2), (0, 2), (1, 2), (2,), (0, 1, 1, 2)])
def test_any_other_order_of_chunks_is_found(
    order: tuple[int, ...], ring: Keyring, text: bytes
) -> None:
    chunks = chunks_of(text)
    changed = text[:HEADER_BYTES] + b"".join(chunks[number] for number in order)

    with pytest.raises(Damaged):
        opened(changed, ring)


def test_chunks_of_another_file_of_the_same_name_are_found(
    key: Key, ring: Keyring, text: bytes
) -> None:
    other = b"".join(sealed((DATA[: len(WHOLE)],), key, NAME))
    mixed = chunks_of(text)[0] + b"".join(chunks_of(other)[1:])

    with pytest.raises(Damaged):
        opened(text[:HEADER_BYTES] + mixed, ring)


names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)


@given(name=st.builds(Name, names, names, names), other=st.builds(Name, names, names, names))
@settings(max_examples=60, deadline=None)
def test_a_file_under_another_name_is_found(
    name: Name, other: Name, key: Key, ring: Keyring
) -> None:
    made = b"".join(sealed((b"rows",), key, name))

    if name == other:
        assert opened(made, ring, other) == b"rows"
    else:
        with pytest.raises(Damaged):
            opened(made, ring, other)


def test_another_key_is_told_with_the_keys_that_are_set(
    ring: Keyring, text: bytes, tmp_path: Path
) -> None:
    (tmp_path / "other").write_text("cd" * 32)
    other = Keyring([Secret(ref=f"file:{tmp_path}/other")])

    with pytest.raises(Damaged, match=f"encrypted with key {ring.newest().id}") as caught:
        opened(text, other)

    assert read_key(other.references[0]).id in str(caught.value)
    assert opened(text, Keyring([*other.references, *ring.references])) == WHOLE


def test_memory_stays_constant(key: Key, ring: Keyring) -> None:
    block = DATA[:CHUNK_BYTES]
    tracemalloc.start()
    size = sum(map(len, unsealed(sealed((block for _ in range(64)), key, NAME), ring, NAME)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert size == 64 * CHUNK_BYTES
    assert peak < 12 * CHUNK_BYTES
