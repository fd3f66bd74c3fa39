"""The `BackupKeeping` port: a store, and what is promised of it."""

from dataclasses import dataclass
from datetime import timedelta

from drillbook.core.effect import Effect
from drillbook.ports.backups import Proven, UnreadableBackup
from drillbook.ports.keeping import LeftOver, Letting
from drillbook.providers.postgres.proven import StoredProofs
from drillbook.providers.postgres.storage.store import BackupStore, id_of


@dataclass(frozen=True, slots=True)
class StoreKeeping:
    """Keeps one store."""

    store: BackupStore
    rpo: timedelta | None = None

    def all(self) -> tuple[Proven, ...]:
        """Return every whole backup that can be read, with its proofs, the newest first."""
        return StoredProofs(self.store).all()

    def unreadable(self) -> tuple[UnreadableBackup, ...]:
        """Return those whose manifest cannot be read, and why."""
        return self.store.unreadable()

    def left_overs(self) -> tuple[LeftOver, ...]:
        """Return what attempts left that did not end."""
        return tuple(LeftOver(**one.model_dump()) for one in self.store.rubbish())

    def promised(self) -> timedelta | None:
        """Return the promised RPO."""
        return self.rpo

    def decided(self, letting: Letting | None, effect: Effect) -> Letting | None:
        """Keep a decision of this effect unless there is one; return the one there is."""
        name = f"prune-{id_of(effect.key)}.json"
        if letting is not None:
            self.store.note(name, letting.model_dump_json().encode())
        found = self.store.noted(name)
        return None if found is None else Letting.model_validate_json(found)

    def let_go(self, letting: Letting, name: str) -> None:
        """Remove one backup, or one left-over, of a decision."""
        if name in letting.goes:
            self.store.remove(name)
        elif name in letting.left_overs:
            self.store.sweep(name)
