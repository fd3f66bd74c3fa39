"""The lookout: an incident is opened once, starts its run once, and closes when it is over."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import pytest

from drillbook.compiler.reader import read_book
from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.stack.books import BookFile, Books
from drillbook.stack.lookout import watched
from drillbook.stack.stack import load_stack
from drillbook.watch.buckets import block_of
from drillbook.watch.incidents import Incident, IncidentBook
from drillbook.watch.lookout import Event, Lookout
from drillbook.watch.service import alone, keep, restore, watch
from drillbook.watch.symptoms import Standing, environment_of, symptoms_of
from watch.logs import NOW, Log, value

BOOK = """# B

## Runbook: Hot
### Symptoms
- Too many `@when errors.over("1m", 0.05) for 20s, severity=high`
- Away `@when probes.failing("20s") || errors.rate("1m") > 0.9, severity=critical`
- Users write
### Steps
1. **Look**
   - Look `@checks.health on=production`
"""
QUIET = timedelta(seconds=60)


@dataclass
class Starting:
    """What starts runs: it can be told to fail, and counts what it was asked."""

    trouble: str = ""
    started: list[str] = field(default_factory=list[str])

    def planned(self, incident: Incident) -> tuple[str, str]:
        return f"r-{incident.id}", "{}"

    def start(self, incident: Incident, plan: str) -> None:
        assert plan == "{}"
        if self.trouble:
            raise Unavailable(self.trouble)
        self.started.append(incident.run)


@dataclass
class Ground:
    """A home, a log, and the lookout that is looking now; `again` is another process."""

    home: Path
    log: Log
    starter: Starting = field(default_factory=Starting)
    lookout: Lookout | None = None

    def again(self) -> Lookout:
        symptoms, _ = symptoms_of(read_book(BOOK, name="b.md").runbooks[0], "production")
        self.lookout = Lookout(
            symptoms=tuple(symptoms),
            sights={"production": self.log.sight(NOW - timedelta(hours=1))},
            incidents=IncidentBook(self.home),
            starter=self.starter,
            quiet=QUIET,
        )
        return self.lookout

    def look(self, seconds: float) -> list[Event]:
        lookout = self.lookout or self.again()
        now = NOW + timedelta(seconds=seconds)
        reader = lookout.sights["production"].reader
        assert reader is not None
        reader.read(now)
        return lookout.look(now)

    def kinds(self, seconds: float) -> list[str]:
        return [event.kind for event in self.look(seconds) if event.kind != "symptom"]


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    log = Log(tmp_path / "app.log").requests(begin=600, end=0)
    return Ground(tmp_path / "home", log.requests(begin=0, end=-60, bad=0.5))


def test_an_incident_is_opened_when_a_symptom_held_long_enough_and_starts_one_run(
    ground: Ground,
) -> None:
    assert ground.kinds(0) == []
    assert ground.kinds(20) == []
    assert ground.kinds(30) == []
    assert ground.kinds(45) == ["opened", "started"]
    assert ground.kinds(50) == []

    (incident,) = IncidentBook(ground.home).all()
    assert incident.severity == "high"
    assert incident.began_at == NOW + timedelta(seconds=20)
    assert incident.opened_at == NOW + timedelta(seconds=45)
    assert "requests failed, surely more than 5.0%" in incident.noticed[0].says
    assert ground.starter.started == [incident.run]


def test_a_lookout_killed_at_any_moment_opens_no_second_incident(ground: Ground) -> None:
    for seconds in (0, 20, 45):
        ground.look(seconds)
    (incident,) = IncidentBook(ground.home).all()
    # Killed after the incident was kept, and before its run was known to be started.
    IncidentBook(ground.home).save(incident.model_copy(update={"started": False}))

    ground.again()
    assert ground.kinds(50) == ["started"]
    ground.again()
    assert ground.kinds(55) == []

    assert len(IncidentBook(ground.home).all()) == 1
    assert set(ground.starter.started) == {incident.run}


def test_an_incident_whose_runbook_left_the_books_is_closed_and_no_other(ground: Ground) -> None:
    for seconds in (0, 20, 45):
        ground.look(seconds)
    book = IncidentBook(ground.home)
    (hot,) = book.all()
    cold = hot.model_copy(update={"id": "i-cold", "runbook": "Cold"})
    book.open(cold)
    lookout = ground.again()
    assert list(lookout.leave_gone(NOW)) == []  # nobody said which runbooks there are

    lookout.in_books = frozenset({"Hot"})
    (event,) = lookout.leave_gone(NOW)

    assert event.says == "its runbook Cold is in no book any more"
    assert [each.id for each in book.all(only_open=True)] == [hot.id]


def test_damaged_incidents_are_said_in_one_sentence_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "incidents.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    with pytest.raises(Failed, match="are damaged") as found:
        IncidentBook(tmp_path)
    assert "move incidents.db* to another folder" in found.value.hint

    home = tmp_path / "other"
    book = IncidentBook(home)
    with closing(sqlite3.connect(home / "incidents.db")) as database, database:
        database.execute("INSERT INTO incidents VALUES ('i-1', 'Hot', 'p', '', NULL, '', '{', '')")
    with pytest.raises(Failed, match="are damaged: an incident in it has 1 faults"):
        book.all()


def test_two_lookouts_that_notice_at_once_open_one_incident(ground: Ground) -> None:
    for seconds in (0, 20, 45):
        ground.look(seconds)
    book = IncidentBook(ground.home)
    (first,) = book.all()
    book.close(first.id, at=NOW, because="again")
    news = [first.model_copy(update={"id": f"i-{n}", "closed_at": None}) for n in range(8)]
    opened: list[bool] = []

    threads = [Thread(target=lambda new=new: opened.append(book.open(new)[1])) for new in news]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(opened) == [False] * 7 + [True]
    assert len(book.all(only_open=True)) == 1


def test_it_closes_when_nothing_was_there_for_a_while_and_not_in_silence(ground: Ground) -> None:
    for seconds in (0, 20, 45):
        ground.look(seconds)
    assert [ground.kinds(at) for at in (200, 400, 1000)] == [[], [], []]  # nobody came: unknown

    ground.log.requests(begin=-1000, end=-1200)
    assert ground.kinds(1061) == []
    assert ground.kinds(1100) == []
    assert ground.kinds(1130) == ["closed"]

    (incident,) = IncidentBook(ground.home).all()
    assert not incident.is_open
    assert "no symptom was there since" in incident.closed_because


def test_a_run_that_cannot_be_started_is_told_once_and_tried_again(ground: Ground) -> None:
    ground.starter.trouble = "the store is away"
    for seconds in (0, 20):
        ground.look(seconds)

    assert ground.kinds(45) == ["opened", "not started"]
    assert ground.kinds(50) == []
    assert IncidentBook(ground.home).all()[0].problem == "the store is away"
    assert ground.kinds(76) == []
    ground.starter.trouble = ""
    assert ground.kinds(107) == ["started"]
    assert IncidentBook(ground.home).all()[0].problem == ""


def test_a_worse_symptom_joins_the_incident_and_raises_its_severity(ground: Ground) -> None:
    ground.log.requests(begin=-60, end=-140, bad=1.0)
    for seconds in (0, 20, 45):
        ground.look(seconds)
    ground.look(139)

    (incident,) = IncidentBook(ground.home).all()
    assert incident.severity == "critical"
    assert [each.severity for each in incident.noticed] == ["high", "critical"]


def test_what_is_unknown_neither_holds_nor_ends_what_is_true(ground: Ground) -> None:
    lookout = ground.again()
    symptom = lookout.symptoms[0]
    ground.look(0)
    ground.look(30)
    assert lookout.looks[symptom.key].standing is Standing.BEGINS
    began = lookout.looks[symptom.key].since

    lookout.look(NOW + timedelta(seconds=200))  # not read on: a minute later it is unknown
    look = lookout.looks[symptom.key]

    assert look.standing is Standing.UNKNOWN
    assert look.since == began
    assert "not read for more than a minute" in look.says


def test_true_or_unknown_is_true(ground: Ground) -> None:
    lookout = ground.again()
    ground.log.requests(begin=-60, end=-140, bad=1.0)
    away = lookout.symptoms[1]  # there are no probes, and all requests fail

    ground.look(139)

    assert lookout.looks[away.key].standing is Standing.HOLDS


def test_what_was_raised_is_not_usual_for_the_next_lookout_either(ground: Ground) -> None:
    ground.log.requests(begin=-60, end=-120, bad=1.0)
    lookout = ground.again()
    ground.look(119)
    sight = lookout.sights["production"]
    assert value(sight, 'errors.raised("5m")', NOW + timedelta(seconds=119)).value is True
    keep(lookout)

    other = ground.again()
    restore(other)

    assert other.sights["production"].bad()["errors"] == sight.bad()["errors"] != []


def test_a_home_has_one_lookout(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(Refused, match="watches already"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_a_runbook_is_watched_where_it_acts(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(
        '[environments.staging.logs]\npath = "s.log"\n'
        '[environments.production.logs]\npath = "p.log"\n'
    )
    stack = load_stack(tmp_path / "stack.toml")
    books = Books(own=(BookFile("b.md", BOOK.encode()),))

    found = watched(stack, books)

    assert {symptom.environment for symptom in found.symptoms} == {"production"}
    assert [each.text for each in found.unwatched] == ["Users write"]
    assert set(watched(stack, books, on="staging").sights) == {"staging"}
    runbook = read_book(BOOK.replace("production", "staging"), name="b.md").runbooks[0]
    assert environment_of(runbook, ("production", "staging")) == "staging"
    assert environment_of(runbook, ()) == ""
    with pytest.raises(NotFound, match="no runbook 'Hit' to watch"):
        watched(stack, books, runbooks=["Hit"])
    silent = Books(own=(BookFile("b.md", BOOK.replace("`@when", "`@wenn").encode()),))
    with pytest.raises(NotFound, match="names a signal"):
        watched(stack, silent)


def test_what_a_person_closed_meanwhile_stays_closed_and_knows_its_run(ground: Ground) -> None:
    for seconds in (0, 20, 45):
        ground.look(seconds)
    book = IncidentBook(ground.home)
    (as_read,) = book.all()
    closed = book.close(as_read.id, at=NOW, because="ana: a test of ours")

    book.save(as_read.model_copy(update={"problem": "as the lookout read it before"}))

    (incident,) = book.all()
    assert (incident.closed_at, incident.closed_because) == (NOW, closed.closed_because)
    assert incident.problem == "as the lookout read it before"
    assert book.current("Hot", "production") is None


def test_a_clock_that_is_set_back_keeps_nobody_waiting_and_no_line_of_the_future(
    ground: Ground,
) -> None:
    for seconds in (0, 20):
        ground.look(seconds)
    early = -3500
    ground.log.requests(begin=3600, end=3400, bad=0.7)  # written with the clock that is right

    ground.look(early)
    lookout = ground.lookout
    assert lookout is not None
    reader = lookout.sights["production"].reader
    assert reader is not None
    assert reader.buckets.newest is not None
    assert reader.buckets.newest <= block_of(NOW + timedelta(seconds=early))
    assert lookout.looks[lookout.symptoms[0].key].standing is Standing.BEGINS
    assert ground.kinds(early + 25) == ["opened", "started"]


def test_incidents_that_cannot_be_kept_for_a_while_end_no_lookout(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.watch.service.MOST_OF_A_CORE", 1.0)  # no long naps between
    lookout, stop, told = ground.again(), Flag(), list[Event]()
    database = ground.home / "incidents.db"
    kept = database.read_bytes()

    def tell(event: Event) -> None:
        told.append(event)
        if event.kind == "trouble":
            database.write_bytes(kept)
        elif event.kind == "recovered":
            stop.set()
        elif not database.read_bytes().startswith(b"what"):
            for each in ground.home.glob("incidents.db*"):
                each.unlink()
            database.write_bytes(b"what a broken disk left of a database" * 30)

    reader = lookout.sights["production"].reader
    assert reader is not None
    every = timedelta(milliseconds=10)
    watch(lookout, tell, stop, every=every, probe_every=every)

    (trouble,) = (event for event in told if event.kind == "trouble")
    assert "are damaged" in trouble.says
    assert told[-1].kind == "recovered"
