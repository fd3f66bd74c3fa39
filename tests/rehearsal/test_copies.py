"""Copies of production: like it, without it, and gone afterwards."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from drillbook.core.effect import Effect
from drillbook.core.errors import NotFound, Refused
from drillbook.local.server import PostgresServer
from drillbook.ports.database import CatalogState
from drillbook.providers.postgres.backups import PostgresBackups
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.copies import Copies
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.folder import FolderStore
from rehearsal.conftest import EFFECT


def state(server: Server) -> CatalogState:
    with server.session() as session:
        return read_state(session)


def one(server: Server, statement: str) -> object:
    with server.session() as session:
        row = session.execute(statement.encode()).fetchone()
    return row[0] if row else None


SUM = "SELECT sum(hashtextextended(b::text, 0))::text FROM bookings b"


def test_a_physical_copy_is_like_production_and_goes_with_its_block(
    copies: Copies, tmp_path: Path
) -> None:
    with copies.taken(EFFECT) as copy:
        assert copy.kind == "physical"
        assert state(copy.server).fingerprint == state(copies.server).fingerprint
        assert one(copy.server, SUM) == one(copies.server, SUM)
        assert one(copy.server, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        one(copy.server, "DELETE FROM payments RETURNING 1")

    assert one(copies.server, "SELECT count(*) > 0 FROM payments")
    assert [place.name for place in (tmp_path / "scratch").iterdir()] == ["lock"]


OWNER = "owner_of_rehearsal"


@pytest.fixture
def weak(booking_url: str, copies: Copies, postgres_server: PostgresServer) -> Iterator[Copies]:
    """Copies taken by a login that may read everything and not replicate."""
    parts = psycopg.conninfo.conninfo_to_dict(booking_url)
    with psycopg.connect(booking_url, autocommit=True) as session:
        session.execute(f"DROP ROLE IF EXISTS {OWNER}".encode())
        session.execute(f"CREATE ROLE {OWNER} LOGIN BYPASSRLS PASSWORD 'secret-words'".encode())
        session.execute(f"GRANT pg_read_all_data TO {OWNER}".encode())
        session.execute(f"ALTER ROLE {OWNER} SET work_mem = '7MB'".encode())
    address = psycopg.conninfo.make_conninfo(
        **(parts | {"user": OWNER, "password": "secret-words"})
    )
    yield Copies(Server(lambda: address, "production"), copies.room, copies.commands)
    with psycopg.connect(postgres_server.url(), autocommit=True) as session:
        session.execute(f"DROP ROLE {OWNER}".encode())


def test_a_login_that_may_not_replicate_gets_a_dump_with_roles_and_settings(
    weak: Copies, copies: Copies, tmp_path: Path
) -> None:
    with weak.taken(EFFECT) as copy:
        assert (copy.kind, copy.role) == ("logical", OWNER)
        assert state(copy.server).fingerprint == state(copies.server).fingerprint
        assert one(copy.server, SUM) == one(copies.server, SUM)
        assert one(copy.server, f"SELECT rolbypassrls FROM pg_roles WHERE rolname = '{OWNER}'")
        assert one(copy.server.other("postgres"), "SHOW work_mem") == "7MB"
        assert one(copy.server, "SHOW full_page_writes") == "on"

    assert [place.name for place in (tmp_path / "scratch").iterdir()] == ["lock"]


def test_a_login_that_may_not_replicate_is_told_when_files_must_be_copied(weak: Copies) -> None:
    with pytest.raises(Refused, match="may not replicate"):
        weak.taken(EFFECT, physical=True).__enter__()


def test_a_copy_is_built_from_the_newest_backup(copies: Copies, tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "backups")
    with_store = Copies(copies.server, copies.room, copies.commands, store=lambda: store)
    with pytest.raises(NotFound, match="no logical backup"):
        with_store.taken(EFFECT, backup="latest").__enter__()
    with pytest.raises(Refused, match="has no backups"):
        copies.taken(EFFECT, backup="latest").__enter__()
    PostgresBackups(copies.server, store, copies.commands).create("", Effect(key="r-1/1.1"))
    one(copies.server, "DELETE FROM payments RETURNING 1")

    with with_store.taken(EFFECT, backup="latest") as copy:
        assert copy.kind == "backup"
        assert one(copy.server, "SELECT count(*) > 0 FROM payments")
