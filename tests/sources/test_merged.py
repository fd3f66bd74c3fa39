"""Several sources as one log: each request once, and a source that fails hinders no other."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import Fetched, LogLine, LogSpan
from drillbook.providers.kept import KeptLogs
from drillbook.providers.logfile import FileLogs
from drillbook.stack.log_sources import following
from drillbook.stack.log_sources.following import Following
from drillbook.stack.log_sources.joining import Joining
from drillbook.stack.log_sources.merged import MergedLogs
from drillbook.stack.log_sources.source import Local, Told

NOW = datetime.now(UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@dataclass
class Lines:
    """The Logs port on lines at hand."""

    lines: Sequence[LogLine]

    def between(self, start: datetime, end: datetime) -> LogSpan:
        return LogSpan(tuple(line for line in self.lines if start <= line.at < end))

    def newest(self) -> datetime | None:
        return max((line.at for line in self.lines), default=None)


@dataclass
class Platform:
    """A platform's log: it answers when it is let, and tells what it was asked."""

    lines: list[LogLine] = field(default_factory=list[LogLine])
    keeps: timedelta = timedelta(hours=1)
    asked: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])
    lets: Event = field(default_factory=Event)
    problem: str = ""

    def fetch(self, start: datetime, end: datetime, seconds: float) -> Fetched:
        self.asked.append((start, end))
        assert self.lets.wait(seconds + 20)
        if self.problem:
            raise Unavailable(self.problem)
        return Fetched(tuple(line for line in self.lines if start <= line.at < end), start)


def request(
    number: int, seconds: float, status: int = 200, **values: Any
) -> LogLine:  # Any: fields
    return LogLine(ago(seconds), status, path="/", request=f"r{number}", **values)


def platform_line(number: int, seconds: float, status: int = 200) -> LogLine:
    return replace(request(number, seconds, status), source="platform", deployment="dpl_1")


def followed(folder: Path, platform: Platform) -> Following:
    platform.lets.set()
    return Following("platform", "vercel", platform, KeptLogs(folder))


@settings(max_examples=150, deadline=None)
@given(
    app=st.sets(st.integers(0, 40)),
    seen=st.sets(st.integers(0, 40)),
    covered=st.tuples(st.integers(0, 400), st.integers(0, 400)),
    data=st.data(),
)
def test_each_request_is_told_of_at_most_once(
    app: set[int], seen: set[int], covered: tuple[int, int], data: st.DataObject
) -> None:
    oldest, newest = max(covered), min(covered)
    late = data.draw(st.integers(0, 400))
    told = Told(
        LogSpan(tuple(platform_line(number, number * 10) for number in sorted(seen))),
        holds=lambda at: ago(oldest) <= at < ago(newest),
        is_late=lambda at: at >= ago(late),
    )
    lines = [request(number, number * 10, message="m", user="u") for number in sorted(app)]

    found = Joining().joined(told, lines)

    requests = [line.request for line in found.lines if line.status]
    assert len(requests) == len(set(requests))
    beyond = {f"r{number}" for number in app if not told.holds(ago(number * 10))}
    assert beyond <= set(requests)
    if found.platform_tells:
        assert {f"r{number}" for number in seen} <= set(requests)
        both = [line for line in found.lines if int(line.request[1:]) in app & seen]
        assert all(line.source == "platform" and line.user == "u" for line in both)


def test_the_platform_tells_of_requests_that_no_app_answered(tmp_path: Path) -> None:
    stack = "ValueError: no day\n  at book"
    app = Lines([request(number, 300 - number, commit="abc1234") for number in range(50)])
    broken = request(60, 200, 500, message="boom", stack=stack, user="u1", commit="abc1234")
    dead = [platform_line(number, 200 - number, 502) for number in range(100, 110)]
    known = [
        replace(line, source="platform", commit="abc1234fedcba", user="", milliseconds=9.0)
        for line in app.lines
    ]
    seen = replace(broken, source="platform", message="", stack="", user="", commit="abc1234fed")
    platform = Platform([*known, seen, *dead])
    logs = MergedLogs(
        (Local("app", "file", Lines([*app.lines, broken])), followed(tmp_path, platform))
    )

    span = logs.between(ago(400), datetime.now(UTC))

    assert len([line for line in span.lines if line.status]) == 61
    assert len([line for line in span.lines if line.status == 502]) == 10
    joined = next(line for line in span.lines if line.status == 500)
    assert (joined.message, joined.stack, joined.user) == ("boom", stack, "u1")
    assert {line.commit for line in span.lines if line.commit} == {"abc1234"}
    assert not span.cut
    assert [state.silent for state in span.sources] == [False, False] or span.sources[0].silent


def test_a_platform_that_hangs_holds_nobody_up_and_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(following, "LITTLE_PATIENCE_SECONDS", 0.01)
    platform = Platform([platform_line(1, 100)])
    logs = MergedLogs((
        Local("app", "file", Lines([request(number, 100 + number, 500) for number in range(9)])),
        Following("platform", "vercel", platform, KeptLogs(tmp_path)),
    ))  # fmt: skip

    span = logs.between(ago(200), NOW)
    platform.lets.set()

    assert [line.status for line in span.lines] == [500] * 9
    state = span.sources[1]
    assert state.silent
    assert state.says.startswith("cannot be read: no answer within")
    assert len(platform.asked) == 1


def test_what_a_platform_said_is_not_asked_again_and_outlives_it(tmp_path: Path) -> None:
    platform = Platform([platform_line(number, 100 + number) for number in range(20)])
    first = MergedLogs((followed(tmp_path, platform),)).between(ago(200), NOW)
    asked = len(platform.asked)

    again = followed(tmp_path, platform)
    platform.problem = "it is away"
    again.ask(ago(200), NOW)
    later = MergedLogs((again,)).between(ago(200), ago(80))

    assert len(first.lines) == len(later.lines) == 20
    assert not later.sources[0].silent
    assert all(start >= ago(70) for start, _ in platform.asked[asked:])


def test_what_comes_late_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LATE_ONES_EVERY", timedelta(0))
    # What is late is looked for near now, and this file may have been read minutes ago.
    monkeypatch.setitem(globals(), "NOW", datetime.now(UTC))
    platform = Platform([platform_line(1, 100)])
    source = replace(followed(tmp_path, platform), fresh=timedelta(0))
    logs = MergedLogs((source,))
    assert len(logs.between(ago(200), datetime.now(UTC)).lines) == 1

    platform.lines.append(platform_line(2, 30, 504))
    span = logs.between(ago(200), datetime.now(UTC))

    assert [line.status for line in span.lines] == [200, 504]


def test_a_record_of_a_part_only_is_not_believed(tmp_path: Path) -> None:
    app = Lines([request(number, 100 + number, 500) for number in range(50)])
    platform = Platform([platform_line(number, 100 + number, 500) for number in range(5)])
    logs = MergedLogs((Local("app", "file", app), followed(tmp_path, platform)))

    span = logs.between(ago(200), ago(80))

    assert len([line for line in span.lines if line.status == 500]) == 50
    assert "not believed: it tells of 5 requests where the app tells of 50" in span.sources[1].says


def test_a_source_that_stopped_is_silent_and_one_that_never_spoke_too() -> None:
    spoke = Lines([request(number, 600 - number) for number in range(60)])
    logs = MergedLogs((Local("app", "file", spoke), Local("jobs", "file", Lines([]))))

    app, jobs = logs.between(ago(600), NOW).sources

    assert app.silent
    assert "silent since" in app.says
    assert "lines a minute before" in app.says
    assert jobs.silent
    assert jobs.says == "silent: no line of it is known"


def test_one_source_away_is_said_and_all_away_is_an_error(tmp_path: Path) -> None:
    alive = Local("app", "file", Lines([request(1, 10)]))
    away = Local("jobs", "file", FileLogs(tmp_path / "jobs.log"))
    also_away = Local("web", "file", FileLogs(tmp_path / "web.log"))

    span = MergedLogs((alive, away)).between(ago(60), NOW)

    assert len(span.lines) == 1
    assert "jobs.log cannot be read: No such file" in span.sources[1].says
    with pytest.raises(Unavailable, match="none of 2 log sources can be read"):
        MergedLogs((away, also_away)).between(ago(60), NOW)


def test_two_apps_that_both_tell_of_requests_are_not_added_up() -> None:
    web = Lines([request(number, 10 + number) for number in range(5)])
    proxy = Lines([request(number, 10 + number, message="passed on") for number in range(5)])

    span = MergedLogs((Local("web", "file", web), Local("proxy", "file", proxy))).between(
        ago(60), NOW
    )

    assert sum(line.status != 0 for line in span.lines) == 5
    assert sum(line.message == "passed on" for line in span.lines) == 5


def test_what_a_function_wrote_is_its_requests_message(tmp_path: Path) -> None:
    failed = replace(platform_line(1, 100, 500), level="error")
    wrote = LogLine(ago(100), level="error", message="no day", request="r1", source="app")
    also = replace(wrote, message="and no hour")
    platform = Platform([failed, wrote, also])

    span = MergedLogs((followed(tmp_path, platform),)).between(ago(200), ago(80))

    assert [(line.status, line.message) for line in span.lines] == [
        (500, "no day"),
        (0, "and no hour"),
    ]
