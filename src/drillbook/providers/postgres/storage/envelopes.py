"""Manifests and proofs as they lie in a store: plain, or sealed so that a changed one is found."""

import base64
import binascii
from dataclasses import dataclass
from typing import Literal, TypeVar

from pydantic import ValidationError

from drillbook.core.errors import Damaged
from drillbook.core.model import Frozen
from drillbook.ports.backups import MANIFEST_FORMAT, Manifest
from drillbook.providers.postgres.storage.files import MANIFEST
from drillbook.providers.postgres.storage.keys import Keyring
from drillbook.providers.postgres.storage.sealing import Name, sealed, unsealed

T = TypeVar("T", bound=Frozen)


class Envelope(Frozen):
    """What a store keeps of a value: the attempt whose files it speaks of, and the value."""

    format: Literal["drillbook-backup-1"] = "drillbook-backup-1"
    attempt: str
    key: str = ""  # the key's id, for people: what counts stands in the sealed text
    plain: str = ""
    sealed: str = ""


@dataclass(frozen=True, slots=True)
class Envelopes:
    """Puts values in and takes them out; with keys set only sealed ones are believed."""

    keys: Keyring | None

    def closed(self, value: Frozen, name: Name) -> bytes:
        """Return the bytes to keep."""
        text = value.model_dump_json()
        if self.keys is None:
            envelope = Envelope(attempt=name.attempt, plain=text)
        else:
            key = self.keys.newest()
            data = b"".join(sealed((text.encode(),), key, name))
            envelope = Envelope(
                attempt=name.attempt, key=key.id, sealed=base64.b64encode(data).decode()
            )
        return envelope.model_dump_json(indent=1).encode()

    def opened(self, data: bytes, model: type[T], backup: str, file: str) -> tuple[str, T]:
        """Return the attempt and the value, as they were kept; Damaged tells why not."""
        try:
            envelope = Envelope.model_validate_json(data)
        except ValidationError as error:
            raise _unreadable(backup, file, "is not what Drillbook writes there") from error
        name = Name(backup, envelope.attempt, file)
        text = envelope.plain if self.keys is None else self._unsealed(envelope, name)
        if self.keys is None and envelope.sealed:
            raise Damaged(
                f"backup {backup} is encrypted with key {envelope.key[:16]}, and no key is set",
                hint='Name the key: key = "file:backup.key" in the backups section.',
            )
        try:
            return envelope.attempt, model.model_validate_json(text)
        except ValidationError as error:
            raise _unreadable(backup, file, "cannot be read") from error

    def _unsealed(self, envelope: Envelope, name: Name) -> str:
        if not envelope.sealed:
            raise Damaged(
                f"{name.file} of backup {name.backup} is not encrypted, and a key is set: "
                "whoever may write there could have changed it",
                hint="Give encrypted backups a place of their own, and keep the old ones apart.",
            )
        if self.keys is None:
            raise AssertionError("only asked where keys are set")
        try:
            data = base64.b64decode(envelope.sealed, validate=True)
        except binascii.Error as error:
            raise _unreadable(name.backup, name.file, "is not what was encrypted") from error
        return b"".join(unsealed((data,), self.keys, name)).decode()


def checked_manifest(manifest: Manifest, backup: str) -> Manifest:
    """Return the manifest when it is of this backup and of a format that is known."""
    if manifest.id != backup or manifest.format != MANIFEST_FORMAT:
        raise Damaged(
            f"the manifest in {backup} is of backup {manifest.id}, format {manifest.format}",
            hint="Somebody moved or renamed a backup: give the folder its own name back.",
        )
    return manifest


def _unreadable(backup: str, file: str, says: str) -> Damaged:
    what = "the manifest" if file == MANIFEST else file
    return Damaged(
        f"{what} of backup {backup} {says}",
        hint="Without it the backup proves nothing: take another, and look who wrote there.",
    )
