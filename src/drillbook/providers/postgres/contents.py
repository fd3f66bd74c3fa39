"""The contents of a live database."""

from dataclasses import dataclass

from drillbook.ports.backups import TableContents
from drillbook.providers.postgres.proof.checksums import read_contents
from drillbook.providers.postgres.server import Server


@dataclass(frozen=True, slots=True)
class PostgresContents:
    """The `Contents` port on a live server."""

    server: Server

    def read(self) -> dict[str, TableContents]:
        """Count and sum up the rows of every table, in one snapshot."""
        return read_contents(self.server)
