"""What tests of physical backups work with."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from drillbook.core.effect import Effect
from drillbook.local.server import PostgresServer
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.physical.opening import PhysicalOpening
from drillbook.providers.postgres.physical.points import PhysicalPoints
from drillbook.providers.postgres.physical.taking import PhysicalTaking
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.process.commands import ProcessCommands


def allows(*namespaces: str) -> bool:
    """Tell whether this machine lets us make these namespaces."""
    words = ["unshare", *namespaces, "true"]
    return subprocess.run(words, check=False, capture_output=True).returncode == 0


@dataclass(frozen=True)
class Production:
    """A running server and everything that takes and opens its backups."""

    running: PostgresServer
    server: Server
    archive: Path
    store: FolderStore
    room: ScratchRoom
    commands: ProcessCommands

    @property
    def taking(self) -> PhysicalTaking:
        return PhysicalTaking(self.server, self.store, self.commands)

    @property
    def opening(self) -> PhysicalOpening:
        return PhysicalOpening(self.store, self.room, self.commands, self.archive)

    @property
    def points(self) -> PhysicalPoints:
        return PhysicalPoints(self.server, self.store, self.room, self.commands, self.archive)

    def url_of(self, role: str) -> Callable[[], str]:
        """Return the address for another role, whose password is its name between x- and -x."""
        own = f"postgres:{self.running.password}@"
        return lambda: self.running.url("app").replace(own, f"{role}:x-{role}-x@")

    def execute(self, statement: str) -> None:
        with self.server.session() as session:
            session.execute(statement.encode())

    @property
    def backups(self) -> PostgresBackups:
        return PostgresBackups(self.server, self.store, self.commands)

    def take(self, kind: BackupKind = BackupKind.PHYSICAL, key: str = "") -> Manifest:
        return self.backups.create("", Effect(key or f"run-{uuid4().hex[:8]}/1/take"), kind)


def an_effect(name: str = "open") -> Effect:
    return Effect(f"run-{uuid4().hex[:8]}/1/{name}")
