"""The Ed25519 keys that sign tree heads: made once per home, kept at 0600, named by SHA-256."""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from drillbook.core.errors import Damaged, Refused, SettingsInvalid, Unavailable
from drillbook.engine.journal import durable
from drillbook.engine.journal.entry import TreeHead

PUBLIC_BLOCK = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)
PublicKeys = Mapping[str, bytes]  # key id to the 32 raw bytes


def key_id(public: bytes) -> str:
    """Name a public key by the SHA-256 of its 32 raw bytes."""
    return sha256(public).hexdigest()


class SigningKey:
    """The private key of one home."""

    def __init__(self, private: Ed25519PrivateKey, *, is_new: bool) -> None:
        self._private = private
        self.is_new = is_new
        self.public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.id = key_id(self.public)

    def sign(self, *, size: int, root: bytes, log: str) -> TreeHead:
        """Sign the head of a tree, now."""
        unsigned = TreeHead.model_construct(
            size=size, root=root.hex(), at=datetime.now(UTC), key=self.id, log=log, signature=""
        )
        signature = self._private.sign(unsigned.signed()).hex()
        return unsigned.model_copy(update={"signature": signature})


def is_signed(head: TreeHead, public: bytes) -> bool:
    """Tell whether this key made the head's signature."""
    if key_id(public) != head.key:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(
            bytes.fromhex(head.signature), head.signed()
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def public_pem(public: bytes) -> str:
    """Write a public key as PEM."""
    key = Ed25519PublicKey.from_public_bytes(public)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def read_public_keys(pem: str) -> PublicKeys:
    """Read one or more public keys from PEM text."""
    keys = {key_id(raw): raw for raw in _raw_keys(pem.encode())}
    if not keys:
        raise SettingsInvalid(
            "no public key was found in the text given as keys",
            hint="Give the contents of keys/journal.pub: it begins with BEGIN PUBLIC KEY.",
        )
    return keys


def _raw_keys(pem: bytes) -> Iterator[bytes]:
    for block in PUBLIC_BLOCK.findall(pem):
        try:
            key = load_pem_public_key(block)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise SettingsInvalid(
                "a public key is not readable", hint="Copy keys/journal.pub again, whole."
            ) from error
        if not isinstance(key, Ed25519PublicKey):
            raise SettingsInvalid(
                "a public key is not of kind Ed25519", hint="Give the journal's keys/journal.pub."
            )
        yield key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def existing_key(home: Path) -> SigningKey | None:
    """Return this home's key, or None when it was never made."""
    path = _private_path(home)
    try:
        mode = path.stat().st_mode
        pem = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Unavailable(
            f"the journal's private key {path} cannot be read: {error.strerror}",
            hint="Run Drillbook as the user who owns it.",
        ) from error
    if mode & 0o077:
        raise Refused(
            f"the journal's private key {path} can be read by others (mode {mode & 0o777:04o})",
            hint=f"chmod 600 {path}; if others may have read it, make a new one.",
        )
    return SigningKey(_load_private(path, pem), is_new=False)


def own_key(home: Path) -> SigningKey:
    """Return this home's key, making it at first use; two first uses at once make one key."""
    key = existing_key(home)
    if key is not None:
        return key
    made = Ed25519PrivateKey.generate()
    path = _private_path(home)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_ours = durable.put_new(
            path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        key = SigningKey(made if is_ours else _load_private(path, path.read_bytes()), is_new=True)
        durable.put(path.with_suffix(".pub"), public_pem(key.public).encode())
    except OSError as error:
        raise Unavailable(
            f"the journal's key cannot be made in {path.parent}: {error.strerror}",
            hint="Make the folder writable, or set another home.",
        ) from error
    return key


def own_public(home: Path) -> bytes | None:
    """Return this home's public key as far as it is known here."""
    key = existing_key(home)
    return key.public if key else None


def _private_path(home: Path) -> Path:
    return home / "keys" / "journal.key"


def _load_private(path: Path, pem: bytes) -> Ed25519PrivateKey:
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None  # never chain: the cause could quote the key
    if not isinstance(private, Ed25519PrivateKey):
        raise Damaged(
            f"the journal's private key {path} is not an Ed25519 key in PEM",
            hint="Put it back from your backup, or move it away and `drillbook journal adopt`.",
        )
    return private
