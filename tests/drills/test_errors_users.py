"""Harm, by what the clients themselves wrote down, with the clients' own recorder."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from drillbook.drills.errors import users as reading
from drillbook.drills.errors.users import WELL_REQUESTS, Harm, Users, harm_of
from drillbook.range.traffic import recorder as writing
from drillbook.range.traffic.recorder import Answered, Recorder

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
GOOD, BAD = Answered(200, "1.9.0"), Answered(500, "1.9.0", "500 out of order")
FAST, SLOW = 0.01, 0.4


class Clients:
    """Writes a record as the clients do, at moments of the test's own."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("a", encoding="utf-8")
        self.recorder = Recorder(self.file)
        self.now = BEGAN

    def ask(self, *answers: Answered | None, seconds: float = FAST) -> None:
        """Send a request a second; None: no answer comes."""
        for answer in answers:
            number = self._begun()
            if answer is not None:
                self.recorder.end(number, seconds, answer)
            self.now += timedelta(seconds=1)

    def _begun(self) -> int:
        said, writing._now = writing._now, self.now.isoformat
        try:
            return self.recorder.begin("reads", "GET /api/slots")
        finally:
            writing._now = said


def clients_and_users(folder: Path) -> tuple[Clients, Users]:
    clients, users = Clients(folder / "traffic.jsonl"), Users(folder / "traffic.jsonl")
    clients.ask(*[GOOD] * 30)
    users.learn(BEGAN, clients.now)
    return clients, users


def met(users: Users, clients: Clients, *, slow: bool = False) -> Harm:
    return harm_of(users, BEGAN, clients.now, slow=slow)


def test_harm_counts_from_the_first_that_failed_and_ends_when_nobody_fails_any_more(
    tmp_path: Path,
) -> None:
    clients, users = clients_and_users(tmp_path)
    clients.ask(BAD, GOOD, BAD, GOOD, BAD, *[GOOD] * WELL_REQUESTS)

    harm = met(users, clients)

    assert (harm.harmed, harm.is_real) == (3, True)
    assert harm.first == BEGAN + timedelta(seconds=30)
    assert harm.well_since == BEGAN + timedelta(seconds=35)
    assert harm.errors == ("3 of 500 out of order",)


def test_nobody_is_well_who_still_fails_or_of_whom_too_few_came(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    clients.ask(BAD, BAD, BAD)
    at_its_height = met(users, clients)
    clients.ask(*[GOOD] * (WELL_REQUESTS - 1))
    too_few = met(users, clients)
    clients.ask(GOOD)

    assert at_its_height.well_since is None
    assert too_few.well_since is None
    assert met(users, clients).well_since == BEGAN + timedelta(seconds=33)


def test_rare_harm_is_over_only_when_many_came_who_were_not_harmed(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    for _ in range(5):
        clients.ask(BAD, *[GOOD] * 9)
    clients.ask(*[GOOD] * 20)
    by_chance = met(users, clients)
    clients.ask(*[GOOD] * 20)

    assert by_chance.well_since is None
    assert met(users, clients).well_since == BEGAN + timedelta(seconds=71)


def test_one_failure_is_no_harm(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    clients.ask(BAD, *[GOOD] * 5)

    assert not met(users, clients).is_real


def test_who_waits_is_harmed_and_well_is_after_the_answer_that_failed_late(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    clients.ask(None, None, None)
    clients.now += timedelta(seconds=reading.STALL_SECONDS)
    waiting = met(users, clients)
    clients.recorder.end(31, 12.0, BAD)
    clients.recorder.end(32, 8.0, BAD)
    clients.recorder.end(33, 8.0, BAD)
    clients.ask(*[GOOD] * (WELL_REQUESTS + 10))

    assert (waiting.harmed, waiting.errors) == (3, ("3 of no answer",))
    assert met(users, clients).well_since == BEGAN + timedelta(seconds=42)


def test_slow_answers_are_harm_only_where_slowness_is_the_harm(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    clients.ask(*[GOOD] * 4, seconds=SLOW)
    clients.ask(*[GOOD] * 30)
    clients.ask(GOOD, seconds=SLOW)
    clients.ask(*[GOOD] * 30)

    slow = met(users, clients, slow=True)

    assert met(users, clients).harmed == 0
    assert (slow.harmed, slow.errors) == (5, ("5 of slow",))
    # The one that came later is what a busy machine does.
    assert slow.well_since == BEGAN + timedelta(seconds=34)
    assert users.are_well(BEGAN + timedelta(seconds=34))
    assert not users.are_well(BEGAN + timedelta(seconds=30))


def test_a_record_is_read_on_and_half_a_line_is_read_when_it_is_whole(tmp_path: Path) -> None:
    clients, users = clients_and_users(tmp_path)
    before = len(users.requests(BEGAN))
    clients.file.write('{"n": 31, "kind": "reads", "what": "GET /api/slots", ')
    clients.file.flush()
    half = len(users.requests(BEGAN))
    clients.file.write(f'"at": "{clients.now.isoformat()}"}}\n')
    clients.file.flush()

    assert (before, half, len(users.requests(BEGAN))) == (30, 30, 31)
