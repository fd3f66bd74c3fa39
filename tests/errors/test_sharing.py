"""What several ask of one log at once is read once for all of them, and nobody waits for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Thread
from time import monotonic

import pytest

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.triage import sharing
from drillbook.triage.sharing import Found, Sharing

HALF_HOUR = timedelta(minutes=30)


@dataclass
class SlowLogs:
    """A log that tells nothing before it may."""

    may: Event = field(default_factory=Event)
    asked: int = 0
    away: bool = False

    def between(self, start: datetime, end: datetime) -> LogSpan:
        self.asked += 1
        self.may.wait(5)
        if self.away:
            raise Unavailable("the log is away", hint="Wait.")
        at = start + (end - start) / 2
        return LogSpan((LogLine(at, status=200, path="/a"), LogLine(at, status=200, path="/up")))

    def newest(self) -> datetime | None:
        return datetime.now(UTC)


@contextmanager
def together(many: int, logs: SlowLogs, shared: Sharing) -> Iterator[list[Found]]:
    found: list[Found] = []
    ready = Barrier(many + 1)

    def look(number: int) -> None:
        ready.wait(5)
        found.append(shared.look(logs, ("/up",), HALF_HOUR + timedelta(seconds=number)))

    asking = [Thread(target=look, args=(number,)) for number in range(many)]
    for one in asking:
        one.start()
    ready.wait(5)
    yield found
    for one in asking:
        one.join(5)


def test_those_who_ask_at_once_have_one_answer() -> None:
    logs, shared = SlowLogs(), Sharing()
    with together(6, logs, shared) as found:
        logs.may.set()

    assert logs.asked == 1
    assert len(found) == 6
    assert len({id(one) for one in found}) == 1
    assert (len(found[0].read.requests), len(found[0].read.health)) == (1, 1)
    assert shared.lines(logs, HALF_HOUR).span is found[0].span


def test_another_log_window_or_path_of_ours_is_another_question() -> None:
    logs, other, shared = SlowLogs(), SlowLogs(), Sharing()
    logs.may.set()
    other.may.set()
    first = shared.look(logs, ("/up",), HALF_HOUR)

    assert shared.look(logs, ("/up",), HALF_HOUR / 2) is not first
    assert shared.look(other, ("/up",), HALF_HOUR) is not first
    assert len(shared.look(logs, (), HALF_HOUR).read.requests) == 2
    assert (logs.asked, other.asked) == (2, 1)


def test_what_is_older_than_two_seconds_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, shared = SlowLogs(), Sharing()
    logs.may.set()
    first = shared.look(logs, (), HALF_HOUR)
    monkeypatch.setattr(sharing, "monotonic", lambda: monotonic() + sharing.FRESH_SECONDS + 0.1)

    assert shared.look(logs, (), HALF_HOUR).now > first.now
    assert logs.asked == 2


def test_a_log_that_hangs_took_too_long_and_its_answer_serves_who_asks_again() -> None:
    logs, shared = SlowLogs(), Sharing()
    with pytest.raises(Unavailable, match="took too long: it was not read within"):
        shared.look(logs, (), HALF_HOUR, 0.05)
    logs.may.set()

    assert len(shared.look(logs, (), HALF_HOUR).read.requests) == 2
    assert logs.asked == 1


def test_an_error_rises_for_all_and_is_not_kept() -> None:
    logs, shared = SlowLogs(away=True), Sharing()
    logs.may.set()
    with pytest.raises(Unavailable, match="the log is away"):
        shared.look(logs, (), HALF_HOUR)
    logs.away = False

    assert len(shared.look(logs, (), HALF_HOUR).read.requests) == 2
