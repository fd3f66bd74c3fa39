"""The action tries what a file touches, and fails when something worked before."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from threading import Event

import psycopg
import pytest

from drillbook.actions.migration import Behaved, behave
from drillbook.core.errors import Failed
from drillbook.core.files import File
from drillbook.providers.postgres.behaviour import PostgresBehaves, behaviours
from drillbook.providers.postgres.server import Server

TABLES = """
CREATE TABLE orgs (id int PRIMARY KEY, name text);
CREATE TABLE members (id int PRIMARY KEY, org int REFERENCES orgs ON DELETE CASCADE);
CREATE TABLE far (id int PRIMARY KEY);
CREATE VIEW everybody AS SELECT m.id, o.name FROM members m JOIN orgs o ON o.id = m.org;
"""


def file(text: str) -> File:
    return File(name="1.sql", sha256=hashlib.sha256(text.encode()).hexdigest(), text=text)


BREAKS = file("ALTER TABLE members ADD COLUMN mail text NOT NULL")


class Desk:
    """A database and the action on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.behaves = PostgresBehaves(Server(lambda: url, "production"))
        self.run(TABLES)

    def run(self, script: str) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(script.encode())


@pytest.fixture
def desk(database_url: str) -> Desk:
    return Desk(database_url)


def test_a_file_means_its_tables_and_what_hangs_on_them(desk: Desk) -> None:
    found = behave.do(desk.behaves, file=file("ALTER TABLE orgs ADD COLUMN x int"))

    subjects = {one.subject for one in found.behaviours.behaviours}
    assert subjects == {"public.orgs", "public.members", "public.everybody"}
    assert found.tried > found.worked > 0
    assert f"{found.worked} of {found.tried} operations work" in found.says
    assert any("there is no row to try it with" in said for said in found.untried)
    assert found.remains


def test_what_is_broken_against_an_earlier_time_fails_the_task(desk: Desk) -> None:
    before = behave.do(desk.behaves, file=BREAKS)
    # As it comes back from the journal.
    earlier = Behaved.model_validate_json(before.model_dump_json()).behaviours
    same = behave.do(desk.behaves, file=BREAKS, against=earlier)
    assert (same.broken, same.compared) == ((), same.tried)
    desk.run(BREAKS.text)

    with pytest.raises(Failed, match=r"2 of .* worked before and fail now: insert on public\.mem"):
        behave.do(desk.behaves, file=BREAKS, against=earlier)
    told = behave.do(desk.behaves, file=BREAKS, against=earlier, at_most_broken=9)
    assert 'null value in column "mail"' in told.says


def test_without_a_file_everything_is_tried(desk: Desk) -> None:
    found = behave.do(desk.behaves, tables=("far",))
    every = behave.do(desk.behaves)

    assert {one.subject for one in found.behaviours.behaviours} == {"public.far"}
    assert {one.subject for one in every.behaviours.behaviours} > {"public.far", "public.orgs"}


def test_what_others_would_wait_for_is_not_tried_where_they_are(desk: Desk) -> None:
    desk.run("INSERT INTO orgs VALUES (1, 'a'); INSERT INTO members VALUES (1, 1)")
    wanted = ("public.orgs", "delete of a row others refer to")

    live = behave.do(desk.behaves).behaviours
    copy = behaviours(desk.behaves.server)

    (gentle,) = (b for b in live.behaviours if (b.subject, b.operation) == wanted)
    (rough,) = (b for b in copy.behaviours if (b.subject, b.operation) == wanted)
    assert not gentle.sure
    assert "takes rows of other tables along" in gentle.error
    assert rough.ok


def test_an_app_that_goes_on_meanwhile_is_no_finding_and_notices_nothing(desk: Desk) -> None:
    desk.run("INSERT INTO orgs SELECT n, 'a' FROM generate_series(1, 50) n")
    before = behave.do(desk.behaves)
    stopped, written = Event(), []

    def write() -> None:
        with psycopg.connect(desk.url, autocommit=True) as app:
            for number in count(100):
                app.execute("INSERT INTO orgs VALUES (%s, 'b')", [number])
                app.execute("UPDATE orgs SET name = 'c' WHERE id IN (1, 50)")
                written.append(number)
                if stopped.is_set():
                    return

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        after = behave.do(desk.behaves, against=before.behaviours)
        stopped.set()
        writing.result()

    assert written
    assert after.broken == ()
