"""A project of the range's cloud on a database of the test server's."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
from psycopg import sql

from drillbook.local.server import PostgresServer
from drillbook.range.cloud import Cloud
from drillbook.range.twins.auth.database import LOGIN, make_auth
from drillbook.range.twins.supabase.project import Project

PASSWORD = "a password of the practice"
LOGIN_PASSWORD = "secret-of-auth"


@contextmanager
def project_on(server: PostgresServer, template: str, folder: Path) -> Iterator[Project]:
    """Make a database with logins for its customers, and the files the twins read."""
    name = f"project_{uuid4().hex[:12]}"
    made = Project(Cloud(folder), "production")
    made.folder.mkdir(parents=True)
    (made.folder / "postgres").symlink_to(server.folder)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        words = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(words.format(sql.Identifier(name), sql.Identifier(template)))
        assert make_auth(server.url(name), password=PASSWORD)
        words = sql.SQL("ALTER ROLE {} PASSWORD {}")
        connection.execute(words.format(sql.Identifier(LOGIN), sql.Literal(LOGIN_PASSWORD)))
        place = f"127.0.0.1:{server.port}/{name}"
        (made.folder / "auth-database.url").write_text(
            f"postgresql://{LOGIN}:{LOGIN_PASSWORD}@{place}"
        )
        (made.folder / "database.url").write_text(server.url(name))
        try:
            yield made
        finally:
            words = sql.SQL("DROP DATABASE {} WITH (FORCE)")
            connection.execute(words.format(sql.Identifier(name)))
