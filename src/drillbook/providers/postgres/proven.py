"""The `ProvenBackups` port: manifests and the proofs that lie beside them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, Failed
from drillbook.ports.backups import Proof, Proven, UnreadableBackup
from drillbook.providers.postgres.storage.store import BackupStore


@dataclass(frozen=True, slots=True)
class StoredProofs:
    """Reads a store."""

    store: BackupStore

    def all(self) -> tuple[Proven, ...]:
        """Return every whole backup that can be read, with its proofs, the newest first."""
        return tuple(
            Proven(manifest=one, proofs=self.store.proofs(one.id)) for one in self.store.all()
        )

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        return self.store.unreadable()


@contextmanager
def noting_damage(store: BackupStore, backup: str, effect: Effect) -> Iterator[None]:
    """Note beside a backup that it is damaged: whatever was proven before counts no more."""
    try:
        yield
    except Damaged as error:
        effect.still_mine()
        proof = Proof(
            level=0, at=datetime.now(UTC), by_run=effect.run,
            seconds_to_restore=0.0, seconds_to_prove=0.0,
            how="it is not what was written", differences=(str(error),),
        )  # fmt: skip
        try:
            store.note_proof(backup, proof)
        except Failed as unnoted:  # that it is damaged says more than that this cannot be kept
            raise Damaged(f"{error}; and this is not noted: {unnoted}", hint=error.hint) from error
        raise
