"""Which provider fulfils which port, built from the sections of an environment."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.backups import (
    BackupRoom,
    Backups,
    Contents,
    KeptDatabases,
    ProvenBackups,
    Restores,
    Verifier,
)
from drillbook.ports.behaviours import Behaves
from drillbook.ports.checked_systems import CheckedSystems
from drillbook.ports.commands import Commands
from drillbook.ports.database import Database
from drillbook.ports.keeping import BackupKeeping
from drillbook.ports.linters import Linter
from drillbook.ports.logs import Logs
from drillbook.ports.migration_files import Ledgers, MigrationFolders
from drillbook.ports.migrations import Migrations
from drillbook.ports.probe import Probe
from drillbook.ports.readings import Readings
from drillbook.ports.rehearsals import Rehearsals
from drillbook.ports.restarts import Uptime
from drillbook.ports.restore_points import RestorePoints
from drillbook.ports.role_limits import RoleLimits
from drillbook.ports.run_record import RunRecords
from drillbook.ports.sessions import Sessions
from drillbook.ports.side_tables import SideTables
from drillbook.ports.systems import Systems
from drillbook.ports.team_commands import TeamCommands
from drillbook.ports.vitals import DatabaseVitals
from drillbook.stack import fixing, outside, platforms
from drillbook.stack.address import reference as beside
from drillbook.stack.place import Place

if TYPE_CHECKING:
    from drillbook.providers.postgres.physical.points import PhysicalPoints
    from drillbook.providers.postgres.scratch import ScratchRoom
    from drillbook.providers.postgres.server import Server
    from drillbook.providers.postgres.storage.store import BackupStore

T = TypeVar("T")
# Providers are imported where they are built: a plan or `--help` must not pay for psycopg.
# ruff: noqa: PLC0415


SYSTEMS: dict[type, tuple[str, ...]] = {  # what an environment must have; a test holds it true
    Probe: ("app",),
    Logs: ("logs",),
    Database: ("database",),
    DatabaseVitals: ("database",),
    Migrations: ("database",),
    Sessions: ("database",),
    RoleLimits: ("database",),
    Uptime: ("database",),
    SideTables: ("database",),
    Behaves: ("database",),
    Ledgers: ("database",),
    Backups: ("database", "backups"),
    BackupRoom: ("database", "backups"),
    Contents: ("database",),
    Restores: ("database", "backups"),
    RestorePoints: ("database", "backups"),
    KeptDatabases: ("database",),
    Verifier: ("database", "backups"),
    ProvenBackups: ("backups",),
    BackupKeeping: ("backups",),
    Rehearsals: ("database",),
    Readings: ("database",),
    **outside.SYSTEMS,
    **platforms.SYSTEMS,
    **fixing.SYSTEMS,
}


def build(place: Place, port: type) -> object:
    """Return a new provider of a port for an environment."""
    builder = _BUILDERS.get(port)
    if builder is None:
        raise SettingsInvalid(
            f"nothing in {place.stack_says} can provide {port.__name__} for {place.name}",
            hint="This action needs a system that Drillbook has no provider for yet.",
        )
    return builder(place)


def _probe(place: Place) -> Probe:
    from drillbook.providers.http import HttpProbe

    app = place.app()
    return HttpProbe(place.app_url, app.health, app.release or "")


def _logs(place: Place) -> Logs:
    from drillbook.stack.log_sources.building import merged_logs

    return merged_logs(place)


def _server(place: Place) -> "Server":
    from drillbook.providers.postgres.server import Server

    # A Supabase database is a Postgres like any other; its own API is not used yet.
    place.database()
    return Server(place.database_url, place.name)


def _database(place: Place) -> Database:
    from drillbook.providers.postgres.database import PostgresDatabase

    return PostgresDatabase(_server(place))


def _vitals(place: Place) -> DatabaseVitals:
    from drillbook.providers.postgres.vitals import PostgresVitals

    return PostgresVitals(_server(place))


def _folders(place: Place) -> MigrationFolders:
    from drillbook.providers.git import GitFolders

    return GitFolders(place.folder)


def _ledgers(place: Place) -> Ledgers:
    from drillbook.providers.postgres.ledgers import PostgresLedgers

    return PostgresLedgers(_server(place))


def _behaves(place: Place) -> Behaves:
    from drillbook.providers.postgres.behaviour import PostgresBehaves

    return PostgresBehaves(_server(place))


def _migrations(place: Place) -> Migrations:
    from drillbook.providers.postgres.migrations import PostgresMigrations

    return PostgresMigrations(_server(place))


def _linter(_place: Place) -> Linter:
    from drillbook.providers.squawk import SquawkLinter

    return SquawkLinter()


def _sessions(place: Place) -> Sessions:
    from drillbook.providers.postgres.sessions import PostgresSessions

    return PostgresSessions(_server(place))


def _role_limits(place: Place) -> RoleLimits:
    from drillbook.providers.postgres.role_limits import PostgresRoleLimits

    return PostgresRoleLimits(_server(place))


def _uptime(place: Place) -> Uptime:
    from drillbook.providers.postgres.uptime import PostgresUptime

    return PostgresUptime(_server(place))


def _side_tables(place: Place) -> SideTables:
    from drillbook.providers.postgres.side_tables import PostgresSideTables

    return PostgresSideTables(_server(place))


def _backups(place: Place) -> Backups:
    from drillbook.providers.postgres.backups import PostgresBackups
    from drillbook.providers.postgres.server import Server

    return PostgresBackups(
        _server(place), _backup_store(place), _commands(place),
        Server(place.replication_url, place.name),
    )  # fmt: skip


def _backup_room(place: Place) -> BackupRoom:
    from drillbook.providers.postgres.backups import PostgresBackupRoom

    return PostgresBackupRoom(_server(place), _backup_store(place))


def _restores(place: Place) -> Restores:
    from drillbook.providers.postgres.restores import PostgresRestores

    return PostgresRestores(
        _server(place), _backup_store(place), _commands(place), _physical_points(place)
    )


def _restore_points(place: Place) -> RestorePoints:
    return _physical_points(place)


def _physical_points(place: Place) -> "PhysicalPoints":
    from drillbook.providers.postgres.physical.points import PhysicalPoints

    return PhysicalPoints(
        _server(place), _backup_store(place), scratch_room(place), _commands(place),
        place.wal_archive(),
    )  # fmt: skip


def _rehearsals(place: Place) -> Rehearsals:
    from drillbook.providers.postgres.copies import Copies
    from drillbook.providers.postgres.rehearsal.rehearsals import PostgresRehearsals
    from drillbook.providers.postgres.server import Server

    backups = place.section.backups
    named = backups is not None and backups.replication is not None
    copies = Copies(
        _server(place),
        scratch_room(place),
        _commands(place),
        replication=Server(place.replication_url, place.name) if named else None,
        store=(lambda: _backup_store(place)) if backups is not None else None,
    )
    return PostgresRehearsals(copies)


def _kept_databases(place: Place) -> KeptDatabases:
    from drillbook.providers.postgres.kept import PostgresKeptDatabases

    return PostgresKeptDatabases(_server(place))


def _verifier(place: Place) -> Verifier:
    from drillbook.providers.postgres.verifying import PostgresVerifier

    return PostgresVerifier(
        _server(place), _backup_store(place), scratch_room(place), _commands(place)
    )


def _proven_backups(place: Place) -> ProvenBackups:
    from drillbook.providers.postgres.proven import StoredProofs

    return StoredProofs(_backup_store(place))


def _backup_keeping(place: Place) -> BackupKeeping:
    from drillbook.providers.postgres.storage.keeping import StoreKeeping

    return StoreKeeping(_backup_store(place), place.backups().rpo)


def _backup_store(place: Place) -> "BackupStore":
    from drillbook.stack.storing import backup_store

    return backup_store(
        place.backups(), folder=place.folder, staging=place.home() / "staging" / place.name
    )


def scratch_room(place: Place) -> "ScratchRoom":
    """Return where throw-away servers of an environment are made."""
    from drillbook.providers.postgres.scratch import ScratchRoom

    return ScratchRoom(place.scratch())


def _contents(place: Place) -> Contents:
    from drillbook.providers.postgres.contents import PostgresContents

    return PostgresContents(_server(place))


def _readings(place: Place) -> Readings:
    from drillbook.providers.postgres.readings import PostgresReadings

    return PostgresReadings(_server(place))


@dataclass(frozen=True, slots=True)
class _CheckedSystems:
    place: Place

    @property
    def environment(self) -> str:
        return self.place.name

    def app(self) -> Probe:
        return _probe(self.place)

    def database(self) -> Readings:
        return _readings(self.place)

    def secret(self, reference: str) -> str:
        return beside(reference, self.place.folder).reveal()


def _commands(place: Place) -> Commands:
    from drillbook.providers.process.commands import ProcessCommands

    return ProcessCommands(place.home() / "commands")


def _run_records(place: Place) -> RunRecords:
    from drillbook.stack.run_records import JournalRecords

    return JournalRecords(place)


def _team_commands(place: Place) -> TeamCommands:
    from drillbook.stack.team_commands import RecordedCommands

    return RecordedCommands(
        environment=place.name,
        sections=place.file.commands,
        folder=place.folder,
        records=place.home() / "command-records",
        commands=_commands(place),
    )


@dataclass(frozen=True, slots=True)
class _Systems:
    place: Place

    @property
    def environment(self) -> str:
        return self.place.name

    def find(self, port: type[T]) -> T | None:
        if not all(_is_named(self.place, system) for system in SYSTEMS.get(port, ())):
            return None
        return cast("T", build(self.place, port))


def _is_named(place: Place, system: str) -> bool:
    """Whether the stack names this system here, and the platform where one is asked for."""
    name, _, provider = system.partition(" from ")
    section = getattr(place.section, name)
    return section is not None and (not provider or section.provider == provider)


_BUILDERS: dict[type, Callable[[Place], object]] = {
    Probe: _probe,
    Logs: _logs,
    Database: _database,
    DatabaseVitals: _vitals,
    Linter: _linter,
    Migrations: _migrations,
    Sessions: _sessions,
    RoleLimits: _role_limits,
    Uptime: _uptime,
    SideTables: _side_tables,
    Behaves: _behaves,
    Ledgers: _ledgers,
    MigrationFolders: _folders,
    Backups: _backups,
    BackupRoom: _backup_room,
    Contents: _contents,
    Restores: _restores,
    RestorePoints: _restore_points,
    KeptDatabases: _kept_databases,
    Verifier: _verifier,
    ProvenBackups: _proven_backups,
    BackupKeeping: _backup_keeping,
    Rehearsals: _rehearsals,
    Readings: _readings,
    CheckedSystems: _CheckedSystems,
    Systems: _Systems,
    Commands: _commands,
    TeamCommands: _team_commands,
    RunRecords: _run_records,
    **outside.BUILDERS,
    **platforms.BUILDERS,
    **fixing.BUILDERS,
}
