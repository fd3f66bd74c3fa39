"""A dump of a recovered server's database, with the proof data of the same moment."""

from dataclasses import dataclass
from pathlib import Path

from drillbook.analysis.fingerprint import differences
from drillbook.analysis.rows import content_differences
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged
from drillbook.ports.backups import Manifest
from drillbook.ports.commands import Commands, Stream
from drillbook.providers.postgres.leftovers import session_name
from drillbook.providers.postgres.material import Material
from drillbook.providers.postgres.physical.resolving import Resolved
from drillbook.providers.postgres.programs import run_program
from drillbook.providers.postgres.proof.checksums import LONGEST_SECONDS, reading
from drillbook.providers.postgres.proof.data import ProofData, read_frame
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.telling import Told

JOBS = 2


@dataclass(frozen=True, slots=True)
class Dumping:
    """Dumps databases of a throw-away server."""

    commands: Commands
    server: Server

    def made(self, resolved: Resolved, effect: Effect, into: Path) -> Material:
        """Dump the backed-up database of a recovered server; at a backup's own moment, prove it."""
        manifest = resolved.manifest
        server = self.server.other(manifest.database.name)
        data, size = self._dumped(server, effect, into)
        if resolved.target is None:
            _refuse_different(manifest, data)
        return Material(
            folder=into, objects=data.objects, contents=data.contents, sequences=data.sequences,
            source=resolved.says, at=resolved.at, backup=manifest.id, roles=data.frame.roles,
            extensions=data.frame.extensions, database_bytes=size,
        )  # fmt: skip

    def _dumped(self, server: Server, effect: Effect, into: Path) -> tuple[ProofData, int]:
        name = session_name(effect.key)
        with server.session(application=name, at_most=LONGEST_SECONDS) as session:
            session.execute("SET idle_in_transaction_session_timeout = 0")
            session.execute(query("backup", "begin"))
            row = session.execute("SELECT pg_database_size(current_database())").fetchone()
            frame = read_frame(session, server.where)
            told = Told(effect, "dumping", frame.tables)

            def tell(stream: Stream, line: str) -> None:
                if stream is Stream.ERRORS and "dumping contents of table" in line:
                    told.begun(line.partition("table ")[2])

            arguments = (
                "--format=directory", f"--jobs={JOBS}", f"--snapshot={frame.snapshot}",
                f"--file={into}", "--compress=0", "--no-password", "--no-sync", "--verbose",
            )  # fmt: skip
            with reading(server, frame.snapshot, frame.tables, application=name) as begun:
                run_program(
                    self.commands, server, "pg_dump", arguments, effect_key=effect.key,
                    server_major=session.info.server_version // 10000, on_output=tell,
                )  # fmt: skip
                contents = begun.contents()
        return ProofData(frame, contents), int(row[0]) if row else 0


def _refuse_different(manifest: Manifest, found: ProofData) -> None:
    said = [
        *content_differences(manifest.contents, found.contents, leaving_out=manifest.unlogged),
        *differences(manifest.objects, found.objects),
    ]
    if said:
        raise Damaged(
            f"what was recovered from {manifest.id} is not what was backed up: "
            f"{'; '.join(said[:20])}",
            hint="Do not use this backup; take the one before it.",
        )
