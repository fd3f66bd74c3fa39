"""A project's database, dumped and put back: restored beside it, then swapped in by name."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from drillbook.core.errors import Failed
from drillbook.local.server import PostgresServer
from drillbook.range.twins.supabase.database import OWNER
from drillbook.range.twins.supabase.project import Project

_END = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s"
_NAMES = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"


@dataclass(frozen=True, slots=True)
class Dumps:
    """The dumps of one project's database, as files in a folder of the cloud."""

    project: Project

    @property
    def folder(self) -> Path:
        """Where the dumps lie."""
        return self.project.cloud.folder / "backups" / self.project.ref

    def file(self, name: str) -> Path:
        """Return the file of a dump."""
        return self.folder / f"{name}.dump"

    def take(self, name: str) -> int:
        """Dump the database; return the size in bytes. The file is whole or not there."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        unfinished = self.folder / f"{name}.unfinished"
        unfinished.unlink(missing_ok=True)
        self._run(
            "pg_dump",
            self._database,
            ["--format=custom", "--compress=1", "--file", str(unfinished)],
        )
        unfinished.replace(self.file(name))
        return self.file(name).stat().st_size

    def put_back(self, name: str) -> None:
        """Make the database as it was in a dump; begun again after a kill, it goes on."""
        database = self._database
        building, old = f"{database}_restoring", f"{database}_replaced"
        with self._server() as server:
            names = self._there(server, database, building, old)
            if not {building, old} <= names or database in names:
                self._build(server, building, name)
            if database in names:
                self._drop(server, old)
                self._set_aside(server, database, old)
            server.execute(_named("ALTER DATABASE {} RENAME TO {}", building, database))
            self._drop(server, old)

    def _build(self, server: psycopg.Connection[tuple[str]], building: str, name: str) -> None:
        self._drop(server, building)
        server.execute(_named("CREATE DATABASE {}", building))
        try:
            self._run("pg_restore", building, ["--exit-on-error", str(self.file(name))])
        except Failed:
            self._drop(server, building)
            raise

    def _set_aside(self, server: psycopg.Connection[tuple[str]], name: str, old: str) -> None:
        # Who comes between the end of the sessions and the new name is kept out.
        server.execute(_named("ALTER DATABASE {} ALLOW_CONNECTIONS false", name))
        try:
            server.execute(_END, (name,))
            server.execute(_named("ALTER DATABASE {} RENAME TO {}", name, old))
        except psycopg.Error:
            server.execute(_named("ALTER DATABASE {} ALLOW_CONNECTIONS true", name))
            raise

    @property
    def _database(self) -> str:
        return str(conninfo_to_dict(self.project.url(OWNER))["dbname"])

    def _server(self) -> psycopg.Connection[tuple[str]]:
        place = make_conninfo(self.project.url(OWNER), dbname="postgres")
        return psycopg.connect(place, autocommit=True, application_name="supabase_backup")

    def _there(self, server: psycopg.Connection[tuple[str]], *names: str) -> set[str]:
        return {name for (name,) in server.execute(_NAMES, (list(names),))}

    def _drop(self, server: psycopg.Connection[tuple[str]], name: str) -> None:
        server.execute(_named("DROP DATABASE IF EXISTS {} WITH (FORCE)", name))

    def _run(self, program: str, database: str, words: Sequence[str]) -> None:
        place = conninfo_to_dict(self.project.url(OWNER))
        tools = PostgresServer(self.project.folder / "postgres").tools
        environment = {"PATH": os.environ.get("PATH", ""), "PGPASSWORD": str(place["password"])}
        shown = make_conninfo(
            host=place["host"], port=place["port"], user=place["user"], dbname=database
        )
        done = subprocess.run(
            [str(tools.folder / program), "--no-password", "--dbname", shown, *words],
            env=environment,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise Failed(f"{program} ended with {done.returncode}: {said}")


def _named(statement: str, *names: str) -> sql.Composed:
    return sql.SQL(statement).format(*map(sql.Identifier, names))
