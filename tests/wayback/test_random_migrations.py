"""Random migrations of random schemas: what is offered leads back, judged by pg_dump and rows."""

import os
from collections.abc import Iterable
from contextlib import suppress
from uuid import uuid4

import psycopg
from benchmarks.bench_ways_back import Oracle, check
from hypothesis import HealthCheck, given, note, settings

from drillbook.local.server import PostgresServer
from wayback.changing_schemas import EXTRAS, MIGRATIONS, tables

EXAMPLES = int(os.environ.get("DRILLBOOK_WAYS_BACK_EXAMPLES", "5"))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="DRILLBOOK_WAYS_BACK_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(schema=tables(), extras=EXTRAS, migration=MIGRATIONS)
def test_what_is_offered_leads_back_and_the_rest_is_not_offered(
    postgres_server: PostgresServer, schema: str, extras: list[str], migration: list[str]
) -> None:
    name = f"random_{uuid4().hex[:12]}"
    with psycopg.connect(postgres_server.url(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE {name}".encode())
    try:
        with psycopg.connect(postgres_server.url(name), autocommit=True) as session:
            session.execute(schema.encode())
            _working(session, extras)
        with psycopg.connect(postgres_server.url(name)) as session:
            session.execute("SELECT 1")
            up = ";\n".join(_working(session, migration))
            broken = _breaks_deferred(session)
            session.rollback()
        if broken or not up:
            return
        found, held_against = check(postgres_server, Oracle(postgres_server), name, up, name)
    finally:
        with psycopg.connect(postgres_server.url(), autocommit=True) as session:
            session.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    note(up)
    assert found is not None, held_against
    assert held_against == ""
    assert found.proven == (found.why_not == "")


def _breaks_deferred(session: psycopg.Connection[tuple[object, ...]]) -> bool:
    """Tell whether a check that waits for the end will refuse what was done."""
    try:
        session.execute("SET CONSTRAINTS ALL IMMEDIATE")
    except psycopg.Error:
        return True
    return False


def _working(session: psycopg.Connection[tuple[object, ...]], said: Iterable[str]) -> list[str]:
    """Run what can be run, one after the other, and return that."""
    done = []
    for statement in said:
        with suppress(psycopg.Error), session.transaction():
            session.execute(statement.encode())
            done.append(statement)
    return done
