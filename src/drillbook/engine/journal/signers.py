"""Which keys may sign a log: each introduces itself by an entry of the log, and can be pinned."""

import secrets
import socket
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from drillbook.core.errors import Damaged
from drillbook.engine.journal.entry import KEY_KIND, OWN_KEYS, Entry, TreeHead, fields_of
from drillbook.engine.journal.keys import PublicKeys, SigningKey, is_signed, key_id


def key_name(identity: str) -> str:
    """Return the idempotency key of the entry that introduces a signing key."""
    return f"{OWN_KEYS}key:{identity}"


def introduction(key: SigningKey, log: str) -> Entry:
    """Make the entry that introduces a key; the first one of a log gives the log its name."""
    return Entry(
        run="",
        kind=KEY_KIND,
        task=key.id,
        at=datetime.now(UTC),
        data={
            "public_key": key.public.hex(),
            "log": log or secrets.token_hex(16),
            "host": socket.gethostname(),
        },
        key=key_name(key.id),
    )


def introduced(body: bytes) -> tuple[str, bytes, str]:
    """Read an introduction: key id, public key, log; ValueError when it is none."""
    fields = fields_of(body)
    data = fields.get("data")
    if fields.get("kind") != KEY_KIND or not isinstance(data, dict):
        raise ValueError("not an introduction of a key")
    public = bytes.fromhex(str(data.get("public_key")))
    identity = key_id(public)
    if fields.get("task") != identity or fields.get("key") != key_name(identity):
        raise ValueError("a key under another key's name")
    return identity, public, str(data.get("log"))


def public_keys_in(bodies: Iterable[bytes]) -> PublicKeys:
    """Read the introduced keys."""
    try:
        return {identity: public for identity, public, _ in map(introduced, bodies)}
    except ValueError as error:
        raise Damaged(
            f"an entry that introduces a signing key is damaged: {error}",
            hint="Run `drillbook journal verify`.",
        ) from error


def must_be_signed(
    head: TreeHead,
    own: SigningKey,
    body_of: Callable[[str], bytes | None],
    *,
    is_ours_to_join: bool,
) -> None:
    """Stop an append on an end that no rightful key signed: signing it would launder a forgery."""
    if head.key == own.id:
        public: bytes | None = own.public
    elif is_ours_to_join:
        body = body_of(key_name(head.key))
        public = public_keys_in([body]).get(head.key) if body else None
    else:
        raise Damaged(
            f"the journal was last signed by key {head.key[:16]}, this home's key is {own.id[:16]}",
            hint="If you moved the store or the key here on purpose: `drillbook journal adopt`. "
            "Else someone replaced one of them.",
        )
    if public is None or not is_signed(head, public):
        raise Damaged(
            f"the head of the journal (size {head.size}) has no valid signature of {head.key[:16]}",
            hint="Someone changed the journal without the key; run `drillbook journal verify`.",
        )
