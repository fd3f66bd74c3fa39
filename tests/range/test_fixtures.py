"""The fixtures that every other test stands on."""

import psycopg

from drillbook.local.server import PostgresServer


def test_database_url_is_an_empty_database_of_the_tests_own(
    database_url: str, postgres_server: PostgresServer
) -> None:
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        ).fetchone()
        name = connection.execute("SELECT current_database()").fetchone()

    assert tables == (0,)
    assert name is not None
    assert database_url == postgres_server.url(str(name[0]))
