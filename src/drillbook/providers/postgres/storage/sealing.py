"""
Files encrypted in chunks (AES-256-GCM): any change, cut, swap or stranger is found.

A file is a header and chunks. Header: 8 letters, the key's id (8 bytes), a salt (32), a nonce
prefix (7). Its own key is HKDF-SHA256(key, salt, context), where the context names the backup,
the attempt and the file. Chunk n holds up to 1 MiB and is encrypted under the nonce
prefix | n (4 bytes) | last (1 byte): as in STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015),
the way Tink's AES-GCM-HKDF does it. The header is authenticated with every chunk.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from drillbook.core.errors import Damaged
from drillbook.providers.postgres.storage.keys import ID_BYTES, Key, Keyring

MAGIC = b"DRILLBK1"
SALT_BYTES = 32
PREFIX_BYTES = 7
HEADER_BYTES = len(MAGIC) + ID_BYTES + SALT_BYTES + PREFIX_BYTES
CHUNK_BYTES = 1 << 20
TAG_BYTES = 16
SEALED_BYTES = CHUNK_BYTES + TAG_BYTES


@dataclass(frozen=True, slots=True)
class Name:
    """Which file a sealed text is: it opens under no other name."""

    backup: str
    attempt: str
    file: str

    @property
    def context(self) -> bytes:
        """The name as bytes in which no part can pass for another."""
        return b"\0".join(part.encode() for part in (self.backup, self.attempt, self.file))


def sealed_size(size_bytes: int) -> int:
    """Return how many bytes a file has when it is sealed."""
    chunks = max(1, -(-size_bytes // CHUNK_BYTES))
    return HEADER_BYTES + size_bytes + chunks * TAG_BYTES


def sealed(data: Iterable[bytes], key: Key, name: Name) -> Iterator[bytes]:
    """Encrypt a file, chunk by chunk."""
    salt, prefix = os.urandom(SALT_BYTES), os.urandom(PREFIX_BYTES)
    header = MAGIC + bytes.fromhex(key.id) + salt + prefix
    cipher = AESGCM(key.derived(salt, name.context))
    yield header
    for number, (chunk, last) in enumerate(_sized(data, CHUNK_BYTES)):
        yield cipher.encrypt(_nonce(prefix, number, last), chunk, header)


def unsealed(data: Iterable[bytes], keys: Keyring, name: Name) -> Iterator[bytes]:
    """
    Decrypt a file, chunk by chunk; Damaged when it is not, in whole, what was sealed.

    What was yielded before the error is authentic, and may be only the beginning.
    """
    stream = iter(data)
    header, rest = _header(stream, name)
    at_key = len(MAGIC)
    at_salt = at_key + ID_BYTES
    at_prefix = at_salt + SALT_BYTES
    key = keys.find(header[at_key:at_salt].hex(), what=name.file)
    cipher = AESGCM(key.derived(header[at_salt:at_prefix], name.context))
    for number, (chunk, last) in enumerate(_sized(_joined(rest, stream), SEALED_BYTES)):
        try:
            yield cipher.decrypt(_nonce(header[at_prefix:], number, last), chunk, header)
        except (InvalidTag, ValueError) as error:
            raise Damaged(
                f"{name.file} of backup {name.backup} is not what was encrypted "
                f"(from byte {HEADER_BYTES + number * SEALED_BYTES} on)",
                hint="Do not restore it; take another backup, and look who wrote to its place.",
            ) from error


def _header(stream: Iterator[bytes], name: Name) -> tuple[bytes, bytes]:
    got = b""
    while len(got) < HEADER_BYTES and (more := next(stream, None)) is not None:
        got += more
    if len(got) < HEADER_BYTES or not got.startswith(MAGIC):
        raise Damaged(
            f"{name.file} of backup {name.backup} is not an encrypted file of a backup",
            hint="Do not restore it; take another backup, and look who wrote to its place.",
        )
    return got[:HEADER_BYTES], got[HEADER_BYTES:]


def _nonce(prefix: bytes, number: int, last: bool) -> bytes:
    return prefix + number.to_bytes(4, "big") + bytes([last])


def _joined(first: bytes, rest: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _sized(data: Iterable[bytes], size: int) -> Iterator[tuple[bytes, bool]]:
    """Cut a stream into pieces of one size, the last shorter, and say which is the last."""
    buffer = bytearray()
    for piece in data:
        buffer += piece
        at = 0
        # One piece is always held back: only the end of the stream shows which is the last.
        while len(buffer) - at > size:
            yield bytes(memoryview(buffer)[at : at + size]), False
            at += size
        if at:
            del buffer[:at]
    yield bytes(buffer), True
