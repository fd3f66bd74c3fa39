"""A project of the range's cloud on a database of the test server's."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from drillbook.local.server import PostgresServer
from drillbook.range.cloud import Cloud
from drillbook.range.twins.auth.database import LOGIN, make_auth
from drillbook.range.twins.supabase.project import Project

PASSWORD = "a password of the practice"
LOGIN_PASSWORD = "secret-of-auth"


def wait_until(look: Callable[[], Any], status: str) -> dict[str, Any]:
    """Look until what is seen, or the first of it, has this status."""
    found: Any = None
    for _ in range(600):
        found = look()
        found = found[0] if isinstance(found, list) and found else found
        if found and found["status"] == status:
            return dict(found)
        time.sleep(0.02)
    raise AssertionError(f"still {found}")


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
