"""`migration.rehearse`: a verdict, a sentence, and the evidence."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from drillbook.actions.migration.rehearsing import CopyKind, Rehearsed, Verdict, rehearse
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.providers.postgres.catalog import read_state
from drillbook.providers.postgres.copies import Copies, Copy
from drillbook.providers.postgres.rehearsal.rehearsals import PostgresRehearsals
from drillbook.providers.postgres.server import Server
from physical.parts import allows


class Room:
    """Rehearses on copies of a booking database and keeps what it is given to keep."""

    def __init__(self, rehearsals: PostgresRehearsals) -> None:
        self.rehearsals = rehearsals
        self.kind = CopyKind.AUTO
        self.kept: dict[str, bytes] = {}
        self.said: list[str] = []
        self.effect = Effect(
            key="r-1/2.1",
            run="r-1",
            keep=self._keep,
            progress=lambda says, _fraction: self.said.append(says),
        )

    def _keep(self, name: str, data: bytes, media_type: str) -> Evidence:
        self.kept[name] = data
        return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)

    def rehearse(self, text: str, *, dangerous: float = 0.1) -> Rehearsed:
        return rehearse.do(
            self.rehearsals,
            self.effect,
            file=File(
                name="1_change.sql", text=text, sha256=hashlib.sha256(text.encode()).hexdigest()
            ),
            kind=self.kind,
            dangerous=timedelta(seconds=dangerous),
        )


@dataclass(frozen=True)
class Clones:
    """Copies within the server of the tests: as real, and made in a moment."""

    server: Server

    @contextmanager
    def taken(
        self, _effect: Effect, *, physical: bool | None = None, backup: str = ""
    ) -> Iterator[Copy]:
        assert (physical, backup) == (None, "")
        yield Copy(self.server, "clone", "production", 0.1, 1, "", {})


@pytest.fixture
def room(booking_url: str) -> Room:
    """A room that rehearses on the test's own database, without the way back."""
    clones = Clones(Server(lambda: booking_url, "production"))
    return Room(PostgresRehearsals(clones, try_way_back=None))


def test_a_safe_migration_is_safe_and_production_stays_as_it_is(
    copies: Copies, tmp_path: Path
) -> None:
    room = Room(PostgresRehearsals(copies))
    with copies.server.session() as session:
        before = read_state(session)

    found = room.rehearse("ALTER TABLE bookings ADD COLUMN seats int", dangerous=5)

    with copies.server.session() as session:
        assert read_state(session) == before
        assert not session.execute("SELECT to_regnamespace('drillbook')").fetchall()[0][0]
    assert (found.verdict, found.failed, found.broken) == (Verdict.SAFE, None, ())
    assert found.says.startswith("nobody waits longer than")
    assert found.fingerprint_before == before.fingerprint != found.fingerprint
    assert {*found.objects} - {*before.objects} == {"column public.bookings.seats"}
    assert found.compared > 50
    assert found.way_back.script is not None
    assert (found.way_back.script.derived, found.way_back.script.proven) == (True, True)
    measured = json.loads(room.kept["rehearsal of 1_change.sql.json"])
    assert measured["statements"][0]["locks"][0]["mode"] == "AccessExclusive"
    assert [place.name for place in (tmp_path / "scratch").iterdir()] == ["lock"]
    assert any(says.startswith("copied 1") for says in room.said)
    assert any(says.startswith("rehearsing statement 1 of 1, line 1") for says in room.said)


@pytest.mark.skipif(not allows("--user", "--net"), reason="no network namespaces here")
def test_a_migration_that_calls_out_does_not_reach_production_from_the_copy(
    copies: Copies, booking_url: str
) -> None:
    calls = (
        "CREATE EXTENSION dblink; CREATE TABLE mails (n int);"
        f"SELECT dblink_exec('{booking_url}', 'CREATE TABLE sent ()')"
    )

    found = Room(PostgresRehearsals(copies, try_way_back=None)).rehearse(calls)

    assert found.verdict is Verdict.FAILS
    assert "Network is unreachable" in found.says
    assert found.says.endswith("; a copy has no network, so that nothing outside is called")
    assert found.copied.warnings == ()
    with copies.server.session() as session:
        assert session.execute("SELECT to_regclass('sent')").fetchone() == (None,)
        session.execute(calls.encode())
        assert session.execute("SELECT to_regclass('sent')").fetchone() == ("sent",)


def test_a_long_lock_is_dangerous_and_says_for_how_long(room: Room) -> None:
    found = room.rehearse("ALTER TABLE bookings ADD COLUMN a int; SELECT pg_sleep(0.2)")

    assert found.verdict is Verdict.DANGEROUS
    assert found.says.startswith("reads of bookings blocked ")
    assert found.forecast.blocked_seconds > 0.19


def test_a_migration_that_applies_and_breaks_every_insert_is_found(room: Room) -> None:
    found = room.rehearse(
        "CREATE FUNCTION next_reference() RETURNS text LANGUAGE plpgsql AS "
        "$$ BEGIN RETURN (SELECT no_such FROM bookings LIMIT 1); END $$;"
        "ALTER TABLE bookings ALTER COLUMN reference SET DEFAULT next_reference()"
    )

    assert found.verdict is Verdict.BREAKS
    assert any(b.operation.startswith("insert") and "bookings" in b.subject for b in found.broken)
    assert "no_such" in found.says


def test_a_migration_that_fails_is_named_by_statement(room: Room) -> None:
    found = room.rehearse("SELECT 1;\nALTER TABLE bookings ADD COLUMN a int NOT NULL")

    assert found.verdict is Verdict.FAILS
    assert found.failed is not None
    assert (found.failed.line, found.failed.sqlstate) == (2, "23502")
    assert found.says.startswith("line 2 (ALTER TABLE bookings ADD COLUMN a int NOT NULL) fails")
    assert found.fingerprint == found.fingerprint_before


def test_a_file_that_cannot_be_read_is_refused_before_any_copy(room: Room) -> None:
    with pytest.raises(Refused, match="syntax error"):
        room.rehearse("ALTER TABEL bookings")

    assert room.said == []
