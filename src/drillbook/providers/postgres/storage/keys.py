"""Keys of backups: read from references at the moment of use, told apart by their id."""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from drillbook.core.errors import Damaged, SettingsInvalid
from drillbook.core.secret import Secret

KEY_BYTES = 32
ID_BYTES = 8
HOW = "Make one with: openssl rand -base64 32 > backup.key && chmod 600 backup.key"
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{43}=?")


@dataclass(frozen=True, slots=True, repr=False)
class Key:
    """One key of 32 bytes; its id says which it is and gives nothing of it away."""

    value: bytes
    id: str

    def derived(self, salt: bytes, context: bytes) -> bytes:
        """Return a key for one file only: another file, place or backup has another."""
        return HKDF(SHA256(), KEY_BYTES, salt, b"drillbook file\0" + context).derive(self.value)


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys that are set: new backups get the first, old ones are read with whichever fits."""

    references: Sequence[Secret]

    def newest(self) -> Key:
        """Return the key for new backups."""
        return read_key(self.references[0])

    def all(self) -> tuple[Key, ...]:
        """Return every key that is set; one that cannot be used is told."""
        return tuple(map(read_key, self.references))

    def find(self, key_id: str, *, what: str) -> Key:
        """Return the key of that id; Damaged says which are set when it is none of them."""
        there = self.all()
        for key in there:
            if key.id == key_id:
                return key
        known = ", ".join(key.id for key in there)
        raise Damaged(
            f"{what} is encrypted with key {key_id[:16]}, and the keys set are {known}",
            hint='Add the key it was made with: keys = ["file:new.key", "file:old.key"].',
        )


def read_key(reference: Secret) -> Key:
    """Read a key: 32 bytes in base64 or hex; what is wrong is told without its value."""
    text = reference.reveal().strip()
    value = _decoded(text)
    if value is None:
        raise SettingsInvalid(f"the key {reference.ref} is neither base64 nor hex", hint=HOW)
    if len(value) != KEY_BYTES:
        raise SettingsInvalid(
            f"the key {reference.ref} has {len(value)} bytes, not {KEY_BYTES}", hint=HOW
        )
    digest = HKDF(SHA256(), ID_BYTES, None, b"drillbook key id").derive(value)
    return Key(value, digest.hex())


def _decoded(text: str) -> bytes | None:
    # 32 bytes are 64 letters in hex and 43 or 44 in base64: neither can be taken for the other.
    if _HEX.fullmatch(text) and not _BASE64.fullmatch(text):
        return bytes.fromhex(text)
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        return None
