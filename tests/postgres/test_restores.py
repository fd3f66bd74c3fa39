"""A restore swaps a proven copy in, keeps what was there, and can be taken back."""

import os
import subprocess
import threading
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from drillbook.actions import backup
from drillbook.core.errors import Damaged, Failed, Refused, Unavailable, UndoImpossible
from drillbook.core.postgres_tools import tool_for_server
from drillbook.local.server import PostgresServer
from drillbook.providers.postgres import programs
from drillbook.providers.postgres.kept import PostgresKeptDatabases
from postgres.parts import RESTORED, TAKEN, Parts


def test_a_restore_brings_the_backup_keeps_the_old_and_counts_what_was_lost(parts: Parts) -> None:
    before = parts.database.catalog().fingerprint
    then = parts.bookings()
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int); INSERT INTO later VALUES (1), (2)")
    parts.execute("DELETE FROM bookings WHERE id IN (SELECT id FROM bookings LIMIT 5)")

    told: list[tuple[str, float | None]] = []
    effect = replace(RESTORED, progress=lambda says, fraction: told.append((says, fraction)))
    restored = backup.restore.do(parts.restores, parts.database, effect, backup=made.id)

    tables = len(parts.backups.get(made.id).contents)
    assert [fraction for says, fraction in told if f"(table {tables} of {tables}" in says]
    assert {says.partition(" ")[0] for says, _ in told} >= {"making", "restoring", "comparing"}
    assert parts.bookings() == then
    assert parts.database.catalog().fingerprint == before
    assert restored.written_since["public.later"] == 2
    assert restored.lost_rows == sum(restored.written_since.values())
    assert parts.names() == {"", "_before_"}
    assert parts.server.other(restored.kept_as).parameters()["dbname"] == restored.kept_as
    found = backup.look_restored(parts.restores, parts.database, RESTORED, backup=made.id)
    assert found is not None
    assert found.kept_as == restored.kept_as


def test_restore_twice_is_restore_once(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)
    parts.execute("CREATE TABLE after_restore (id int)")

    backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    assert parts.execute("SELECT to_regclass('after_restore') IS NOT NULL") == [(True,)]


def test_undo_of_a_restore_swaps_back_and_keeps_the_restored_one(parts: Parts) -> None:
    undo = backup.restore.undo
    assert undo is not None
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int)")
    before = undo.remember(parts.restores, parts.database, RESTORED, backup=made.id)
    backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    for _ in range(2):
        undo.take_back(before, parts.restores, parts.database, RESTORED, backup=made.id)

    assert parts.database.catalog().fingerprint == before.fingerprint
    assert parts.names() == {"", "_restore_"}
    assert backup.look_restored(parts.restores, parts.database, RESTORED, backup=made.id) is None
    with pytest.raises(Refused, match="taken back"):
        backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)


def test_undo_before_the_swap_changes_nothing(parts: Parts) -> None:
    undo = backup.restore.undo
    assert undo is not None
    before = undo.remember(parts.restores, parts.database, RESTORED, backup="x")

    undone = undo.take_back(before, parts.restores, parts.database, RESTORED, backup="x")

    assert undone is not None
    assert undone.model_dump()["was_restored"] is False
    assert parts.names() == {""}


def test_settings_grants_owner_and_comment_of_the_database_stay(
    parts: Parts, postgres_server: PostgresServer
) -> None:
    name = parts.server.parameters()["dbname"]
    role = f"role_{name}"
    facts = sql.SQL(
        "SELECT pg_get_userbyid(datdba), datconnlimit, datcollate,"
        " array(SELECT unnest(datacl)::text ORDER BY 1),"
        " shobj_description(oid, 'pg_database'),"
        " array(SELECT setrole || unnest(setconfig) FROM pg_db_role_setting"
        " WHERE setdatabase = d.oid ORDER BY 1) FROM pg_database d WHERE datname = {}"
    ).format(sql.Literal(name))
    with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
        for statement in (
            "CREATE ROLE {role} LOGIN",
            "ALTER DATABASE {name} OWNER TO {role}",
            "ALTER DATABASE {name} SET search_path = public, \"a b\", 'c'",
            "ALTER DATABASE {name} SET default_transaction_read_only = off",
            "ALTER ROLE {role} IN DATABASE {name} SET statement_timeout = '7s'",
            "ALTER DATABASE {name} CONNECTION LIMIT 90",
            "REVOKE CONNECT ON DATABASE {name} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {name} TO postgres WITH GRANT OPTION",
            "COMMENT ON DATABASE {name} IS 'the bookings'",
        ):
            connection.execute(
                sql.SQL(statement).format(name=sql.Identifier(name), role=sql.Identifier(role))
            )
        then = connection.execute(facts).fetchone()
    try:
        made = backup.create.do(parts.backups, TAKEN)
        backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

        with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
            assert connection.execute(facts).fetchone() == then
    finally:
        with psycopg.connect(postgres_server.url(), autocommit=True) as connection:
            for (database,) in connection.execute(
                "SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [name]
            ).fetchall():
                connection.execute(
                    sql.SQL("ALTER DATABASE {} OWNER TO postgres").format(sql.Identifier(database))
                )
                connection.execute(
                    sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(
                        sql.Identifier(database), sql.Identifier(role)
                    )
                )
                connection.execute(
                    sql.SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(
                        sql.Identifier(role), sql.Identifier(database)
                    )
                )
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


def test_clients_that_connect_again_and_again_do_not_stop_the_swap(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    ended = threading.Event()
    reached = []

    def knock() -> None:
        while not ended.is_set():
            try:
                with parts.server.session() as session:
                    for _ in range(50):
                        session.execute("SELECT 1")
                        reached.append(1)
            except (Refused, Unavailable):
                continue

    knockers = [threading.Thread(target=knock) for _ in range(3)]
    for knocker in knockers:
        knocker.start()
    try:
        restored = backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)
    finally:
        ended.set()
        for knocker in knockers:
            knocker.join()

    assert restored.kept_as
    assert reached


def test_a_damaged_backup_is_never_restored(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    file = next((parts.backups.store.path / made.id / "data").glob("*.dat.gz"))
    file.write_bytes(file.read_bytes() + b"x")

    with pytest.raises(Damaged, match="bytes, not"):
        backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    assert parts.names() == {""}


def test_a_restore_that_does_not_give_what_was_backed_up_is_not_swapped_in(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    path = parts.backups.store.path / made.id / "manifest.json"
    then = parts.backups.get(made.id).contents["public.bookings"]
    path.write_text(path.read_text().replace(then.checksum, f"{then.checksum}1"))

    with pytest.raises(
        Failed,
        match=rf"public\.bookings has other rows, {then.rows} as before; nothing was swapped",
    ):
        backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    assert parts.names() == {""}
    assert parts.bookings() == then.rows


def test_a_prepared_transaction_or_a_second_restore_is_named(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    with parts.server.other("postgres").session(application="drillbook r-9/5.1") as session:
        session.execute(
            "SELECT pg_advisory_lock(hashtextextended('drillbook restore ' || %s, 0))",
            [parts.server.parameters()["dbname"]],
        )

        with pytest.raises(Refused, match=r"is being restored by pid \d+ \(drillbook r-9/5.1"):
            backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)


def test_what_was_written_after_the_point_is_counted_by_the_columns_that_tell(
    parts: Parts,
) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute(
        "SET session_replication_role = replica;"
        "CREATE TABLE notes (id int, at timestamptz DEFAULT now()); INSERT INTO notes VALUES (1);"
        "DELETE FROM bookings WHERE id IN (SELECT max(id) FROM bookings);"
        "UPDATE bookings SET updated_at = now() WHERE id IN (SELECT id FROM bookings LIMIT 3)"
    )

    restored = backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    by = {one.table: (one.rows, one.changed, one.by) for one in restored.lost}
    assert by == {"public.notes": (1, 0, "at"), "public.bookings": (0, 3, "updated_at")}
    assert restored.says.startswith("1 notes and changes to 3 bookings after 2")
    assert restored.says.endswith(" UTC")
    assert 0 < restored.rpo_seconds < 600 > restored.rto_seconds > 0
    assert (restored.level, restored.point) == (4, parts.backups.get(made.id).at)


def test_a_restore_into_a_new_database_leaves_the_serving_one_and_is_undone_by_dropping_it(
    parts: Parts,
) -> None:
    undo = backup.restore.undo
    assert undo is not None
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("CREATE TABLE later (id int)")
    new = parts.server.parameters()["dbname"] + "_copy"
    before = undo.remember(parts.restores, parts.database, RESTORED, backup=made.id, into=new)

    for _ in range(2):
        restored = backup.restore.do(
            parts.restores, parts.database, RESTORED, backup=made.id, into=new
        )

    assert (restored.database, restored.kept_as) == (new, "")
    assert parts.execute("SELECT to_regclass('later') IS NOT NULL") == [(True,)]
    with parts.server.other(new).session() as session:
        row = session.execute("SELECT count(*) FROM public.bookings").fetchone()
    assert row == (parts.bookings(),)
    with pytest.raises(Refused, match=f"there is a database {new} already"):
        backup.restore.do(parts.restores, parts.database, TAKEN, backup=made.id, into=new)
    for _ in range(2):
        undo.take_back(before, parts.restores, parts.database, RESTORED, backup=made.id, into=new)
    assert parts.names() == {""}


def test_the_old_database_is_forgotten_when_confirmed_and_then_no_undo_pretends(
    parts: Parts,
) -> None:
    undo = backup.restore.undo
    assert undo is not None
    kept = PostgresKeptDatabases(parts.server)
    made = backup.create.do(parts.backups, TAKEN)
    before = undo.remember(parts.restores, parts.database, RESTORED, backup=made.id)
    restored = backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)
    assert restored.kept_as in {one.database for one in backup.kept.do(kept).databases}
    assert backup.look_forgotten(kept, TAKEN, database=restored.kept_as) is None
    with pytest.raises(Refused, match="no database that a restore"):
        backup.forget_before.do(kept, TAKEN, database=parts.server.parameters()["dbname"])

    gone = backup.forget_before.do(kept, TAKEN, database=restored.kept_as)

    assert gone.size_bytes > 1_000_000
    assert backup.look_forgotten(kept, TAKEN, database=restored.kept_as) is not None
    assert parts.names() == {""}
    with pytest.raises(UndoImpossible, match="was dropped"):
        undo.take_back(before, parts.restores, parts.database, RESTORED, backup=made.id)


def test_a_backup_of_another_server_or_database_is_restored_only_when_that_is_meant(
    parts: Parts,
) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    path = parts.backups.store.path / made.id / "manifest.json"  # type: ignore[attr-defined]  # a FolderStore
    own = parts.backups.get(made.id).system_identifier
    path.write_text(path.read_text().replace(f'"{own}"', '"4711"'))

    for wanted in ({"backup": made.id}, {"point": made.id}):
        with pytest.raises(Refused, match=f"of the server 4711, and this one is {own}"):
            backup.restore.do(parts.restores, parts.database, RESTORED, **wanted)

    assert parts.names() == {""}
    restored = backup.restore.do(
        parts.restores, parts.database, RESTORED, point=made.id, of_another_system=True
    )
    assert restored.kept_as


def test_what_was_odd_at_the_source_stops_no_restore(parts: Parts) -> None:
    parts.execute("""
        CREATE TABLE named (id int, t int); INSERT INTO named VALUES (1, 2);
        CREATE TABLE heir_of (a int); CREATE TABLE heir (own int) INHERITS (heir_of);
        ALTER TABLE heir_of ADD COLUMN b text; INSERT INTO heir (a, own, b) VALUES (1, 2, 'x');
        CREATE TABLE late (id serial PRIMARY KEY); INSERT INTO late VALUES (10);
        CREATE TABLE made (what text);
        CREATE FUNCTION note_it() RETURNS event_trigger LANGUAGE plpgsql AS
            'BEGIN INSERT INTO public.made VALUES (tg_tag); END';
        CREATE EVENT TRIGGER noting ON ddl_command_end EXECUTE FUNCTION note_it();
    """)
    made = backup.create.do(parts.backups, TAKEN)

    restored = backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    assert restored.level == 4
    assert restored.warnings == (
        "sequence public.late_id_seq is at 0, and public.late.id has 10 already, as it was",
    )
    assert parts.execute("SELECT a, own, b FROM heir") == [(1, 2, "x")]
    assert parts.execute("SELECT what FROM made") == []
    assert "no row was added after" in restored.says


def test_a_client_that_decodes_the_wal_does_not_stop_the_swap(parts: Parts) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    parts.execute("SELECT pg_create_logical_replication_slot('r1', 'test_decoding')")
    name = f"--dbname={parts.server.parameters()['dbname']}"
    words = [tool_for_server("pg_recvlogical", 17), name, "--slot=r1", "--start", "--file=-"]
    environment = {**os.environ, **programs.environment(parts.server, "r-0")}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL) as reading:
        try:
            while not parts.execute("SELECT 1 FROM pg_replication_slots WHERE active"):
                assert reading.poll() is None

            restored = backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

            assert restored.warnings == (f"1 replication slots stay with {restored.kept_as}",)
        finally:
            reading.kill()
    with parts.server.other(restored.kept_as).session() as session:
        session.execute("SELECT pg_drop_replication_slot('r1')")


def test_roles_and_extensions_that_are_missing_are_named_before_anything_is_built(
    parts: Parts,
) -> None:
    made = backup.create.do(parts.backups, TAKEN)
    path = parts.backups.store.path / made.id / "manifest.json"  # type: ignore[attr-defined]  # a FolderStore
    text = path.read_text().replace('"roles": [', '"roles": ["clerk", ')
    path.write_text(text.replace('"extensions": {', '"extensions": {"postgis": "3.4", '))

    with pytest.raises(Refused, match=r"extension postgis \(version 3\.4\), role clerk"):
        backup.restore.do(parts.restores, parts.database, RESTORED, backup=made.id)

    assert parts.names() == {""}


def test_a_restore_wants_a_backup_or_a_point(parts: Parts) -> None:
    with pytest.raises(Refused, match="exactly one"):
        backup.restore.do(parts.restores, parts.database, RESTORED)
    with pytest.raises(Refused, match="only archived WAL and a physical backup lead to"):
        backup.restore.do(parts.restores, parts.database, RESTORED, point="2026-01-01 12:00")
