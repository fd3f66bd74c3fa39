"""Everything the tests of backups and restores need, on one booking database."""

from pathlib import Path

from drillbook.core.effect import Effect
from drillbook.ports.backups import Restored, SwappedBack, Wanted
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.restores import PostgresRestores
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from drillbook.providers.process.commands import ProcessCommands

TAKEN = Effect(key="r-1/1.2", run="r-1")
RESTORED = Effect(key="r-1/5.1", run="r-1")


class Parts:
    """Everything a restore needs, on one booking database."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.database = PostgresDatabase(server)
        where, commands = FolderStore(folder / "backups"), ProcessCommands(folder / "commands")
        self.backups = PostgresBackups(server, where, commands)
        self.restores = PostgresRestores(server, where, commands)

    def restore(self, backup: str, effect: Effect) -> Restored:
        return self.restores.restore(Wanted(backup=backup), effect)

    def swap_back(self, effect: Effect) -> SwappedBack:
        return self.restores.take_back(Wanted(backup="any"), "", effect)

    def execute(self, statement: str) -> list[tuple[object, ...]]:
        with self.server.session() as session:
            cursor = session.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def bookings(self) -> int:
        return int(str(self.execute("SELECT count(*) FROM bookings")[0][0]))

    def names(self) -> set[str]:
        name = self.server.parameters()["dbname"]
        with self.server.other("postgres").session() as session:
            rows = session.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]
            ).fetchall()
        return {str(row[0]).removeprefix(name).rstrip("0123456789abcdef") for row in rows}
