"""What several ask of one log at once is read once for all of them, and nobody waits for ever."""

from collections.abc import Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event, Thread
from time import monotonic
from weakref import finalize

import pytest

from drillbook.core.effect import deadline
from drillbook.core.errors import Unavailable
from drillbook.core.waiting import bounded
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


def test_whoever_asked_first_with_little_time_left_fails_nobody_who_has_more() -> None:
    @dataclass
    class Bounded(SlowLogs):
        """A log that keeps to the deadline of whoever it works for."""

        left: float = 0.0

        def between(self, start: datetime, end: datetime) -> LogSpan:
            self.left = deadline.get().left(at_most=100.0)
            return super().between(start, end)

    logs, shared = Bounded(), Sharing()
    with (
        bounded(timedelta(seconds=0.3)),
        pytest.raises(Unavailable, match="it was not read within 0"),
    ):
        shared.look(logs, (), HALF_HOUR)
    logs.may.set()

    assert len(shared.look(logs, (), HALF_HOUR).read.requests) == 2
    assert (logs.asked, logs.left) == (1, 100.0)


def test_a_read_that_hangs_is_left_to_itself_by_those_who_come_much_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hanging = Event()

    @dataclass
    class HangsOnce(SlowLogs):
        def between(self, start: datetime, end: datetime) -> LogSpan:  # noqa: ARG002 - the port's
            self.asked += 1
            if self.asked == 1:
                hanging.wait(20)
            return LogSpan((LogLine(start, status=200, path="/a"),))

    logs, shared = HangsOnce(), Sharing()
    try:
        with pytest.raises(Unavailable, match="took too long"):
            shared.look(logs, (), HALF_HOUR, 0.05)
        later = sharing.JOINED_SECONDS + 1.0
        monkeypatch.setattr(sharing, "monotonic", lambda: monotonic() + later)

        assert len(shared.look(logs, (), HALF_HOUR, 5.0).read.requests) == 1
        assert logs.asked == 2
    finally:
        hanging.set()


def test_who_has_more_time_waits_for_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    logs, shared = SlowLogs(), Sharing()
    waited: list[float] = []

    def waits(found: list[Future[object]], seconds: float) -> None:
        waited.append(seconds)
        wait(found, seconds)

    monkeypatch.setattr(sharing, "wait", waits)
    logs.may.set()
    shared.look(logs, (), HALF_HOUR, 300.0)  # and so does its own read of the lines

    assert len(waited) == 2
    assert min(waited) >= 300.0


def test_a_worker_that_nobody_asks_any_more_holds_no_lines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sharing, "FRESH_SECONDS", 0.05)
    logs, shared, forgotten = SlowLogs(), Sharing(), Event()
    logs.may.set()
    finalize(logs, forgotten.set)
    assert len(shared.look(logs, (), HALF_HOUR).span.lines) == 2
    del logs

    assert forgotten.wait(5)
