"""The `Verifier` port: a backup restored where nothing can happen, and proven there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic

import psycopg

from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, Refused, Unavailable
from drillbook.core.quantities import show_size
from drillbook.ports.backups import (
    BackupKind,
    CheckedBackup,
    DatabaseFacts,
    Manifest,
    Proof,
    Verified,
)
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.building import lacking, prove, restore_into
from drillbook.providers.postgres.facts import create_like
from drillbook.providers.postgres.maintenance import database_of
from drillbook.providers.postgres.material import Material, material_of
from drillbook.providers.postgres.physical.opening import PhysicalOpening
from drillbook.providers.postgres.proof.roles import make_roles
from drillbook.providers.postgres.proven import noting_damage
from drillbook.providers.postgres.scratch import ScratchRoom, ScratchServer
from drillbook.providers.postgres.sentences import first_line
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.sources import refuse_foreign, system_identifier
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore

BUILT = "restored"


@dataclass(frozen=True, slots=True)
class Started:
    """A database that came from the backup, on a server of its own."""

    server: Server
    material: Material
    how: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostgresVerifier:
    """Restores a backup into a scratch server; what that shows is noted beside the backup."""

    server: Server
    store: BackupStore
    room: ScratchRoom
    commands: Commands

    def verify(self, backup: str, effect: Effect) -> Verified:
        """Prove a backup as far as can be; Damaged, Refused and Failed name what differs."""
        manifest = self.store.get(backup)
        database = database_of(self.server)
        refuse_foreign(manifest, system=self._system(), database=database)
        with noting_damage(self.store, backup, effect):
            return self._proven(manifest, effect)

    def _proven(self, manifest: Manifest, effect: Effect) -> Verified:
        backup = manifest.id
        effect.progress(f"checking the files of {backup}", None)
        checked = self.store.verify_files(backup)
        began = monotonic()
        with self._started(manifest, effect) as started:
            seconds = round(monotonic() - began, 3)
            findings = prove(
                self.commands, started.server, started.material, effect, _major(manifest),
                is_copy=manifest.kind is not BackupKind.LOGICAL,
            )  # fmt: skip
        proof = Proof(
            level=findings.level, at=datetime.now(UTC), by_run=effect.run,
            seconds_to_restore=seconds, seconds_to_prove=findings.seconds,
            how=started.how, differences=findings.wrong,
        )  # fmt: skip
        effect.still_mine()
        self.store.note_proof(backup, proof)
        if findings.wrong:
            raise Failed(
                f"what was restored from {backup} is not what was backed up: "
                f"{'; '.join(findings.wrong)}",
                hint="Do not rely on this backup: take another one, and look for the cause.",
            )
        return _verified(manifest, checked, proof, (*started.warnings, *findings.warnings))

    def _system(self) -> str:
        """Return which server is backed up; empty when it is not there to be asked."""
        try:
            with self.server.session() as session:
                return system_identifier(session)
        except (Unavailable, Refused):
            return ""  # a backup must be provable just when the server or the database is gone

    @contextmanager
    def _started(self, manifest: Manifest, effect: Effect) -> Iterator[Started]:
        if manifest.kind is BackupKind.LOGICAL:
            with self.room.server(effect, _major(manifest)) as scratch:
                yield self._built(scratch, manifest, effect)
            return
        opening = PhysicalOpening(self.store, self.room, self.commands)
        with opening.started(manifest, effect) as scratch:
            yield Started(
                server=scratch.server.other(manifest.database.name),
                material=material_of(manifest, scratch.data),
                how=f"{manifest.kind} copy recovered to {manifest.lsn} on a server of its own",
                warnings=scratch.warnings,
            )

    def _built(self, scratch: ScratchServer, manifest: Manifest, effect: Effect) -> Started:
        def tell(done: int, of: int) -> None:
            share = min(1.0, done / of) if of else None
            effect.progress(f"fetched {show_size(done)} of {show_size(of)}", share)

        with self.store.opened(manifest.id, effect.key, on_bytes=tell) as folder:
            material = material_of(manifest, folder / DATA)
            with scratch.server.session() as session:
                lacks = lacking(session, material, roles=False)
                if lacks:
                    raise Refused(
                        f"the scratch server lacks what {manifest.id} needs: {', '.join(lacks)}",
                        hint="Install them beside the Postgres programs of this machine.",
                    )
                make_roles(session, manifest.roles)
                warning = _create(session, manifest.database)
            built = scratch.server.other(BUILT)
            major = _major(manifest)
            restore_into(self.commands, built, material, effect, major, elsewhere=True)
        return Started(
            server=built, material=material,
            warnings=(*scratch.warnings, *((warning,) if warning else ())),
            how=f"restored by pg_restore into Postgres {major} on a server of its own",
        )  # fmt: skip


def _create(session: Session, facts: DatabaseFacts) -> str:
    """Make the database; where its locale is not on this machine, in locale C, and say so."""
    like = facts.model_copy(update={"tablespace": "pg_default"})
    try:
        create_like(session, BUILT, like)
    except psycopg.Error as error:
        plain = {"provider": "c", "collate": "C", "ctype": "C", "locale": ""}
        create_like(session, BUILT, like.model_copy(update=plain))
        return f"proven in locale C, for {facts.collate} is not here: {first_line(error)}"
    return ""


def _verified(
    manifest: Manifest, checked: CheckedBackup, proof: Proof, warnings: tuple[str, ...]
) -> Verified:
    return Verified(
        id=manifest.id, level=proof.level, files=checked.files, size_bytes=checked.size_bytes,
        tables=len(manifest.contents), rows=sum(manifest.rows.values()),
        seconds_to_restore=proof.seconds_to_restore, seconds_to_prove=proof.seconds_to_prove,
        how=proof.how, warnings=warnings,
    )  # fmt: skip


def _major(manifest: Manifest) -> int:
    return int(manifest.server_version.partition(".")[0])
