"""From a physical backup to a running server: its chain checked, put together and recovered."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, DrillbookError, Failed
from drillbook.core.postgres_tools import PostgresTools, tools_with
from drillbook.core.quantities import show_size
from drillbook.ports.backups import BackupKind, Manifest
from drillbook.ports.commands import Commands
from drillbook.providers.postgres.physical.basebackup import read_ranges
from drillbook.providers.postgres.physical.checking import make_folders, run_local, verify_copy
from drillbook.providers.postgres.physical.lsn import Lsn
from drillbook.providers.postgres.physical.recovering import Target, recovered
from drillbook.providers.postgres.scratch import ScratchRoom, ScratchServer
from drillbook.providers.postgres.storage.files import DATA
from drillbook.providers.postgres.storage.store import BackupStore

FULL_DISK = "No space left on device"


@dataclass(frozen=True, slots=True)
class PhysicalOpening:
    """Starts servers from physical backups."""

    store: BackupStore
    room: ScratchRoom
    commands: Commands
    archive: Path | None = None

    @contextmanager
    def started(
        self,
        manifest: Manifest,
        effect: Effect,
        target: Lsn | None = None,
        timeline: int | None = None,
    ) -> Iterator[ScratchServer]:
        """
        Run a backup's server as it was at the backup's own moment, or later with the archive.

        Damaged names a file of the chain that differs, or why recovery did not get there.
        """
        major = int(manifest.server_version.partition(".")[0])
        tools = tools_with("pg_verifybackup", major)
        with self.room.place(effect) as place:
            data = place / DATA
            with ExitStack() as opened:
                chain = self._chain(manifest, effect, opened)
                for folder in chain:
                    effect.progress(f"checking the files of {manifest.id}", None)
                    verify_copy(self.commands, folder, tools, effect)
                range_ = read_ranges(chain[-1])
                self._assemble(chain, data, tools, effect)
            make_folders(data)
            wanted = target or Lsn.parse(manifest.lsn)
            stop = Target(
                begins=range_.start,
                lsn=wanted if wanted != range_.end else None,
                timeline=timeline or manifest.timeline,
            )
            with recovered(
                self.room, effect, data, stop, server_major=major,
                superuser=manifest.superuser, archive=self.archive if target else None,
            ) as scratch:  # fmt: skip
                yield scratch

    def _chain(self, manifest: Manifest, effect: Effect, opened: ExitStack) -> list[Path]:
        """Return the data folders of a backup and all it builds on, the full one first."""
        links = chain_of(self.store, manifest)
        folders: list[Path] = []
        for link in links:

            def tell(done: int, of: int, backup: str = link.id) -> None:
                share = min(1.0, done / of) if of else None
                effect.progress(f"fetched {show_size(done)} of {show_size(of)} of {backup}", share)

            folder = opened.enter_context(self.store.opened(link.id, effect.key, on_bytes=tell))
            folders.append(folder / DATA)
        return folders

    def _assemble(
        self, chain: list[Path], data: Path, tools: PostgresTools, effect: Effect
    ) -> None:
        if len(chain) == 1:
            _copy(chain[0], data, effect)
            return
        effect.progress(f"putting together {len(chain)} backups", None)
        finished = run_local(
            self.commands, tools, "pg_combinebackup",
            (*map(str, chain), f"--output={data}", "--no-sync"), effect, folder=data,
        )  # fmt: skip
        if not finished.succeeded:
            said = " / ".join(finished.error_tail.strip().splitlines()[-3:])
            kind: type[DrillbookError] = Failed if FULL_DISK in said else Damaged
            raise kind(
                f"the chain of {len(chain)} backups cannot be put together: {said[-400:]}",
                hint="Free space there." if kind is Failed else "Restore a full backup.",
            )


def chain_of(store: BackupStore, manifest: Manifest) -> list[Manifest]:
    """Return a backup and all it builds on, the full one first; Damaged when one is not there."""
    chain = [manifest]
    while chain[0].kind is BackupKind.INCREMENTAL:
        parent = store.find(chain[0].parent)
        if parent is None or parent in chain:
            raise Damaged(
                f"backup {chain[0].id} builds on {chain[0].parent}, which is not in {store.where}",
                hint="Restore another backup; this one is worth nothing without it.",
            )
        chain.insert(0, parent)
    return chain


def _copy(source: Path, data: Path, effect: Effect) -> None:
    sizes = [path.lstat().st_size for path in source.rglob("*") if path.is_file()]
    whole, done = max(1, sum(sizes)), 0

    def copy(one: str, other: str) -> None:
        nonlocal done
        shutil.copyfile(one, other)
        before = done * 20 // whole
        done += Path(other).stat().st_size
        if done * 20 // whole > before:
            effect.progress(f"copied {show_size(done)} of {show_size(whole)}", done / whole)
            effect.still_mine()

    try:
        shutil.copytree(source, data, copy_function=copy)
    except (shutil.Error, OSError) as error:
        said = FULL_DISK if FULL_DISK in str(error) else str(error)[:300]
        raise Failed(
            f"the backup cannot be copied to {data}: {said}",
            hint="Free space where scratch servers are made (scratch = … in the stack file).",
        ) from error
