"""The `ProvenBackups` port: manifests and the proofs that lie beside them."""

from dataclasses import dataclass

from drillbook.ports.backups import Proven
from drillbook.providers.postgres.storage.store import BackupStore


@dataclass(frozen=True, slots=True)
class StoredProofs:
    """Reads a store."""

    store: BackupStore

    def all(self) -> tuple[Proven, ...]:
        """Return every whole backup with its proofs, the newest first."""
        return tuple(
            Proven(manifest=one, proofs=self.store.proofs(one.id)) for one in self.store.all()
        )
