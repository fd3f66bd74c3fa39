"""Where a restore's material comes from: a logical backup, or a point that WAL leads to."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.quantities import show_size
from drillbook.ports.backups import BackupKind, Manifest, Wanted
from drillbook.providers.postgres.material import Material, material_of
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore


class Points(Protocol):
    """Gives material of any point that base backups and archived WAL lead to."""

    def material_at(self, point: str, effect: Effect) -> AbstractContextManager[Material]:
        """Recover to a point in a server of its own and dump it."""
        ...

    def clear(self, effect: Effect) -> None:
        """Remove the copies that dead workers left; what cannot be removed is told."""
        ...


@dataclass(frozen=True, slots=True)
class Sources:
    """Opens what a restore asks for."""

    store: BackupStore
    points: Points | None = None

    @contextmanager
    def opened(self, wanted: Wanted, effect: Effect) -> Iterator[Material]:
        """Give the material; Damaged when a backup's files are not what was written."""
        manifest = self.manifest(wanted)
        if manifest is None or manifest.kind is not BackupKind.LOGICAL:
            if self.points is None:
                raise Refused(
                    f"only archived WAL and a physical backup lead to {wanted.source}",
                    hint="Name the archive in the stack file: wal_archive = …",
                )
            with self.points.material_at(wanted.source, effect) as material:
                yield material
            return
        self.store.verify_files(manifest.id)

        def tell(done: int, of: int) -> None:
            share = min(1.0, done / of) if of else None
            effect.progress(f"fetched {show_size(done)} of {show_size(of)}", share)

        with self.store.opened(manifest.id, effect.key, on_bytes=tell) as folder:
            yield material_of(manifest, folder / DATA)

    def manifest(self, wanted: Wanted) -> Manifest | None:
        """Return the manifest of the backup, or of that which the point is; None for another."""
        if wanted.backup:
            return self.store.get(wanted.backup)
        return self.store.find(wanted.point)


def refuse_foreign(manifest: Manifest, *, system: str, database: str) -> None:
    """
    Stop when a backup is of another database or another server than the one it is meant for.

    `system` is empty where it cannot be known which server that is.
    """
    said: list[str] = []
    if manifest.system_identifier and system and manifest.system_identifier != system:
        said.append(f"of the server {manifest.system_identifier}, and this one is {system}")
    if manifest.database.name != database:
        said.append(f"of the database {manifest.database.name}, and this one is {database}")
    if said:
        raise Refused(
            f"backup {manifest.id} is {'; '.join(said)}; nothing was changed",
            hint="If that is intended, as after a move: of_another_system=true.",
        )


def system_identifier(session: Session) -> str:
    """Return which server this is; empty where the role may not know."""
    row = session.execute(query("restore", "sees_control")).fetchone()
    if not row or not row[0]:
        return ""
    row = session.execute(query("backup", "system_identifier")).fetchone()
    return str(row[0]) if row else ""
