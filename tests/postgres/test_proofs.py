"""Any difference between a database and what was taken of it is found, and nothing else is."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from drillbook.actions import backup
from drillbook.analysis.rows import content_differences
from drillbook.core.effect import Effect
from drillbook.core.errors import Damaged, Failed, Refused, Unavailable
from drillbook.local.server import PostgresServer
from drillbook.ports.backups import Proof, TableContents
from drillbook.providers.postgres.building import NO_SUMS
from drillbook.providers.postgres.proof import tables as proof_tables
from drillbook.providers.postgres.proof.checksums import (
    LARGE_OBJECTS,
    LARGE_OBJECTS_METHOD,
    read_contents,
    sums_of,
)
from drillbook.providers.postgres.proof.data import proof_data
from drillbook.providers.postgres.proof.sequences import behind, behind_their_data
from drillbook.providers.postgres.proven import StoredProofs
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.scratch import ScratchRoom
from drillbook.providers.postgres.server import Server
from drillbook.providers.postgres.storage.keeping import StoreKeeping
from drillbook.providers.postgres.verifying import PostgresVerifier
from postgres.conftest import Run
from postgres.parts import TAKEN, Parts

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE DOMAIN price AS numeric(12, 4);
CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, born date);
CREATE TABLE odd (a numeric, b json, c jsonb, d float8, e mood, f price, g text[], h interval,
    i char(3), j xml, k timestamptz, l point, m bpchar, n bytea, "O o" text);
CREATE TABLE bare ();
CREATE UNLOGGED TABLE quick (id int);
INSERT INTO plain (name, born) SELECT 'n' || g, '2026-01-01' FROM generate_series(1, 2000) g;
INSERT INTO odd SELECT 1.0, '{"a": 1}', '{"a": 1.0}', 0, 'glad', 2, '{a,b}', '1 day', 'ab',
    '<a/>', '2026-01-01 12:00+02', '(1,2)', 'x', '\\x00', NULL FROM generate_series(1, 5);
INSERT INTO bare SELECT FROM generate_series(1, 3);
INSERT INTO quick VALUES (1);
SELECT lo_from_bytea(4711, 'large');
"""

CHANGES = [
    ("UPDATE plain SET name = 'other' WHERE id = 7", "public.plain has other rows, 2000 as before"),
    ("DELETE FROM plain WHERE id = 7", "public.plain has 1 rows fewer"),
    (
        "INSERT INTO plain OVERRIDING SYSTEM VALUE VALUES (2001, 'n1', '2026-01-01')",
        "public.plain has 1 rows more",
    ),
    (
        "UPDATE plain SET name = 'n1' WHERE id = 2; UPDATE plain SET name = 'n2' WHERE id = 1",
        "public.plain has other rows, 2000 as before",
    ),
    ("UPDATE plain SET name = NULL WHERE id = 7", "public.plain has other rows"),
    ("UPDATE odd SET a = 1.00", "public.odd has other rows"),
    ("""UPDATE odd SET b = '{"a":1}'""", "public.odd has other rows"),
    ("""UPDATE odd SET c = '{"a": 1}'""", "public.odd has other rows"),
    ("UPDATE odd SET d = '-0'", "public.odd has other rows"),
    ("UPDATE odd SET d = 5e-324", "public.odd has other rows"),
    ("UPDATE odd SET e = 'sad'", "public.odd has other rows"),
    ("UPDATE odd SET f = 2.0001", "public.odd has other rows"),
    ("UPDATE odd SET g = '{{a,b}}'", "public.odd has other rows"),
    ("UPDATE odd SET h = '24 hours'", "public.odd has other rows"),
    ("UPDATE odd SET k = k + interval '1 microsecond'", "public.odd has other rows"),
    ("UPDATE odd SET m = 'x '", "public.odd has other rows"),
    ("""UPDATE odd SET "O o" = ''""", "public.odd has other rows"),
    ("UPDATE odd SET n = '\\x01'", "public.odd has other rows"),
    ("INSERT INTO bare DEFAULT VALUES", "public.bare has 1 rows more"),
    ("DELETE FROM quick", "public.quick has 1 rows fewer"),
    ("SELECT lo_put(4711, 0, 'L')", "large objects has other rows"),
    ("SELECT lo_unlink(4711)", "large objects has 1 rows fewer"),
]


def test_every_changed_row_is_found_and_named(server: Server, run: Run, database_url: str) -> None:
    run(SCHEMA)
    before = read_contents(server)
    unseen: list[object] = []
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement, sentence in CHANGES:
            connection.execute("BEGIN")
            connection.execute(statement.encode())
            snapshot = connection.execute("SELECT 1")  # the change is in this transaction only
            assert snapshot.fetchone() == (1,)
            said = content_differences(before, _inside(connection))
            connection.execute("ROLLBACK")
            if not any(sentence in one for one in said) or len(said) != 1:
                unseen.append((statement, said))

    assert unseen == []
    assert read_contents(server) == before


def _inside(connection: "psycopg.Connection[tuple[object, ...]]") -> dict[str, TableContents]:
    """Read the contents in a transaction that is taken back, as the workers do."""
    found: dict[str, TableContents] = {}
    for table in proof_tables.read_tables(connection):
        sums = sums_of(connection.execute(proof_tables.Chunk(table).statement).fetchone())
        found[table.name] = TableContents(
            rows=sums.rows, checksum=sums.checksum, method=table.method
        )
    sums = sums_of(connection.execute(query("proof", "large_objects")).fetchone())
    if sums.rows:
        found[LARGE_OBJECTS] = TableContents(
            rows=sums.rows, checksum=sums.checksum, method=LARGE_OBJECTS_METHOD
        )
    return found


def test_the_order_of_rows_and_settings_of_the_session_play_no_part(
    server: Server, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(SCHEMA)
    before = read_contents(server)
    odd = "-c TimeZone=Asia/Tokyo -c DateStyle=German -c bytea_output=escape -c search_path=x"
    other = Server(lambda: psycopg.conninfo.make_conninfo(database_url, options=odd), "production")
    run("CREATE TABLE again AS SELECT * FROM plain ORDER BY md5(name)")
    run("ALTER TABLE plain ALTER id DROP IDENTITY; DELETE FROM plain")
    run("INSERT INTO plain SELECT * FROM again; DROP TABLE again")

    assert read_contents(other) == before
    # Cut into ranges of one block each, the sums are the same.
    monkeypatch.setattr(proof_tables, "CHUNK_BLOCKS", 1)
    assert len(proof_tables.chunks_of(proof_data(server).frame.tables)) > 10
    assert read_contents(server, workers=3) == before


def test_plain_tables_are_hashed_as_they_are_and_odd_columns_as_text(
    server: Server, run: Run
) -> None:
    run(SCHEMA)
    found = proof_data(server)

    assert found.contents["public.plain"].method == "two sums of hash_record_extended"
    assert '"O o"' not in found.contents["public.odd"].method
    assert ", as text: a, b, c, d, e, f, g, h, j, l, m" in found.contents["public.odd"].method
    assert found.frame.unlogged == ("public.quick",)
    assert found.frame.extensions["plpgsql"]
    assert "postgres" in found.frame.roles


def test_a_role_that_does_not_see_all_rows_is_refused(
    server: Server, run: Run, database_url: str
) -> None:
    run("CREATE TABLE secrets (id int); ALTER TABLE secrets ENABLE ROW LEVEL SECURITY")
    name = "reader_" + database_url.rpartition("/")[2]
    run(f"CREATE ROLE {name} LOGIN PASSWORD 'x'; GRANT SELECT ON secrets TO {name}")
    try:
        asked = psycopg.conninfo.make_conninfo(database_url, user=name, password="x")

        with pytest.raises(Refused, match="row-level security"):
            read_contents(Server(lambda: asked, "production"))
    finally:
        run(f"DROP OWNED BY {name}")
        run(f"DROP ROLE {name}")


def test_a_table_that_somebody_holds_is_told_and_not_waited_for_forever(
    server: Server, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from drillbook.providers.postgres.proof import checksums

    run(SCHEMA)
    monkeypatch.setattr(checksums, "LOCK_MILLISECONDS", 100)
    with psycopg.connect(database_url) as holder:
        holder.execute("LOCK TABLE plain IN ACCESS EXCLUSIVE MODE")

        with pytest.raises(Unavailable, match="was not free in time"):
            read_contents(server)


def test_sequences_may_be_ahead_and_never_behind(server: Server, run: Run) -> None:
    run(SCHEMA + "CREATE SEQUENCE down INCREMENT -1; SELECT nextval('down')")
    then = proof_data(server).sequences
    run("SELECT nextval('plain_id_seq'), nextval('down')")
    with server.session() as session:
        assert then["public.plain_id_seq"] == 2000
        assert behind(session, then) == behind_their_data(session) == ()

        session.execute("SELECT setval('plain_id_seq', 1999), setval('down', -1, false)")

        assert behind(session, then) == (
            "sequence public.down is at 0, and was at -1",
            "sequence public.plain_id_seq is at 1999, and was at 2000",
        )
        assert behind_their_data(session) == (
            (
                "public.plain_id_seq",
                "sequence public.plain_id_seq is at 1999, and public.plain.id has 2000 already",
            ),
        )


@pytest.fixture
def verifier(parts: Parts, tmp_path: Path) -> PostgresVerifier:
    room = ScratchRoom(tmp_path / "room")
    return PostgresVerifier(parts.server, parts.backups.store, room, parts.backups.commands)


@pytest.fixture
def strange(parts: Parts, postgres_server: PostgresServer) -> Iterator[str]:
    """A role, an extension, a sequence and an event trigger in the booking database."""
    role = "owner_" + parts.server.parameters()["dbname"]
    parts.execute(f"CREATE ROLE {role}")
    parts.execute(
        f"CREATE EXTENSION pg_trgm; CREATE TABLE owned (id serial);"
        f"ALTER TABLE owned OWNER TO {role};"
        "CREATE FUNCTION ev() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER ev ON ddl_command_end EXECUTE FUNCTION ev();"
        "INSERT INTO owned DEFAULT VALUES; SELECT lo_from_bytea(0, 'large')"
    )
    yield role
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE starts_with(datname, %s)",
            [parts.server.parameters()["dbname"]],
        ).fetchall():
            with psycopg.connect(postgres_server.url(name), autocommit=True) as owned:
                owned.execute(f"DROP OWNED BY {role}".encode())
        connection.execute(f"DROP ROLE {role}".encode())


def test_a_backup_is_proven_equal_to_its_source_in_a_server_of_its_own(
    parts: Parts, verifier: PostgresVerifier, strange: str
) -> None:
    made = parts.backups.create("", TAKEN)

    verified = verifier.verify(made.id, Effect(key="r-1/2.1", run="r-1"))

    assert (verified.level, verified.warnings) == (4, ())
    assert verified.rows == sum(made.rows.values()) > 100
    assert strange in made.roles
    (proof,) = parts.backups.store.proofs(made.id)
    assert (proof.level, proof.by_run, proof.differences) == (4, "r-1", ())
    assert proof.seconds_to_restore > 0 < proof.seconds_to_prove
    assert list((verifier.room.folder).glob("scratch-*")) == []
    reported = backup.report.do(StoredProofs(verifier.store))
    assert (reported.count, reported.proven) == (1, 1)
    assert reported.says.startswith("1 backups, 1 proven equal to their source; at worst ")
    (record,) = reported.backups
    assert (record.id, record.level, record.rpo) == (made.id, 4, None)
    assert record.rto is not None
    assert abs(record.rto.total_seconds() - proof.seconds_to_restore) < 0.001
    assert reported.rpo == reported.proven_rpo
    with pytest.raises(Refused, match=r"of the database .*, and this one is postgres"):
        PostgresVerifier(
            parts.server.other("postgres"), verifier.store, verifier.room, verifier.commands
        ).verify(made.id, TAKEN)


def test_a_backup_that_restores_to_something_else_fails_and_the_proof_says_so(
    parts: Parts, verifier: PostgresVerifier
) -> None:
    made = parts.backups.create("", TAKEN)
    path = parts.backups.store.path / made.id / "manifest.json"  # type: ignore[attr-defined]  # a FolderStore
    key = next(key for key in made.objects if key.startswith("index "))
    sums = made.contents["public.bookings"].checksum
    text = path.read_text().replace(sums, sums + "1").replace(made.objects[key], "0" * 16)
    path.write_text(text)

    with pytest.raises(Failed, match=r"public\.bookings has other rows.*index .* differs"):
        verifier.verify(made.id, TAKEN)

    (proof,) = parts.backups.store.proofs(made.id)
    assert proof.level == 3
    assert any("public.bookings has other rows" in said for said in proof.differences)


def test_an_old_manifest_is_read_and_proves_no_more_than_it_knows(
    parts: Parts, verifier: PostgresVerifier
) -> None:
    made = parts.backups.create("", TAKEN)
    path = parts.backups.store.path / made.id / "manifest.json"  # type: ignore[attr-defined]  # a FolderStore
    told = json.loads(path.read_text())
    told |= {"format": 1, "rows": {name: one["rows"] for name, one in told["contents"].items()}}
    path.write_text(json.dumps({key: told[key] for key in told if key != "contents"}))
    away = "postgresql://postgres@127.0.0.1:1/" + parts.server.parameters()["dbname"]

    verified = PostgresVerifier(
        Server(lambda: away, "production"), verifier.store, verifier.room, verifier.commands
    ).verify(made.id, TAKEN)

    assert verified.level == 3
    assert verified.warnings == (NO_SUMS,)


def test_a_truncated_backup_is_refused_before_anything_is_started(
    parts: Parts, verifier: PostgresVerifier
) -> None:
    made = parts.backups.create("", TAKEN)
    file = next((parts.backups.store.path / made.id).glob("data/*.gz"))  # type: ignore[attr-defined]  # a FolderStore
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(Damaged, match="bytes, not"):
        verifier.verify(made.id, TAKEN)

    assert not verifier.room.folder.exists()


def test_a_backup_that_rots_after_its_proof_is_proven_no_more(
    parts: Parts, verifier: PostgresVerifier
) -> None:
    made = parts.backups.create("", TAKEN)
    keeping = StoreKeeping(verifier.store)
    verifier.store.note_proof(
        made.id,
        Proof(
            level=4, at=made.at, by_run="r-0", seconds_to_restore=1.0, seconds_to_prove=1.0, how=""
        ),
    )
    assert backup.watch.do(keeping, rpo=timedelta(days=1)).ok
    file = next((parts.backups.store.path / made.id).glob("data/*.gz"))  # type: ignore[attr-defined]  # a FolderStore
    file.write_bytes(file.read_bytes()[:-1])

    with pytest.raises(Damaged, match="bytes, not"):
        verifier.verify(made.id, TAKEN)

    watched = backup.watch.do(keeping, rpo=timedelta(days=1))
    assert not watched.ok
    assert watched.verdict == "none"
    assert "bytes, not" in watched.says
    with pytest.raises(Damaged, match="bytes, not"):
        backup.verify.do(parts.backups, verifier, TAKEN, backup=made.id, level="files")
    assert [proof.level for proof in verifier.store.proofs(made.id)] == [4, 0, 0]
    (record,) = backup.report.do(StoredProofs(verifier.store)).backups
    assert (record.level, record.rto) == (0, timedelta(seconds=1))


def test_a_write_while_the_dump_runs_is_in_neither_dump_nor_checksum(
    parts: Parts, verifier: PostgresVerifier
) -> None:
    parts.execute("CREATE TABLE ticks (n int)")
    ended = threading.Event()

    def write() -> None:
        with parts.server.session() as session:
            while not ended.wait(0.001):
                session.execute("INSERT INTO ticks VALUES (1)")
                session.execute("UPDATE ticks SET n = n + 1 WHERE ctid = '(0,1)'")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        made = parts.backups.create("", TAKEN)
    finally:
        ended.set()
        writer.join()

    assert verifier.verify(made.id, TAKEN).level == 4
