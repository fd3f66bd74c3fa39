"""What the parts of a triage tell is put together without inventing what was not read."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from threading import Event
from typing import Self, cast

import pytest
from typing_extensions import override

from culprit.scenes import WELL
from drillbook.analysis.culprit import judge
from drillbook.core.errors import SettingsInvalid, Unavailable
from drillbook.core.incident import FixKind
from drillbook.core.vitals import Vitals
from drillbook.ports.app_values import AppValues, ValueState
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.ports.systems import Systems
from drillbook.ports.vitals import DatabaseVitals
from drillbook.stack.stack import load_stack
from drillbook.triage import gathering
from drillbook.triage.gathering import Gathered, gather

HALF_HOUR = timedelta(minutes=30)
NOBODY = "http://127.0.0.1:1"


@dataclass
class Told:
    """A log that tells a request each second, or nothing at all."""

    away: bool = False
    fails: str = ""
    until: datetime = field(default_factory=lambda: datetime.now(UTC))

    def between(self, start: datetime, end: datetime) -> LogSpan:  # noqa: ARG002 - the port's
        if self.away:
            raise Unavailable("the log is away", hint="Wait.")
        return LogSpan(tuple(map(self._line, range(1800, -1, -1))))

    def _line(self, ago: int) -> LogLine:
        at, fails = self.until - timedelta(seconds=ago), self.fails if ago < 60 else ""
        status, user = 500 if fails else 200, f"u{ago % 17}"
        return LogLine(at, status, path="/a", milliseconds=9, user=user, message=fails)

    def newest(self) -> datetime | None:
        return self.until


@dataclass
class Parts:
    """A database that tells how it is once, and a stack that holds some values."""

    environment: str = "test"
    holds: tuple[str, ...] = ()
    fails: bool = False
    asked: int = 0
    ends: Event = field(default_factory=Event)

    def find(self, port: type[object]) -> object | None:
        return self if port in {DatabaseVitals, AppValues} else None

    def vitals(self) -> Vitals:
        self.asked += 1
        if self.asked > 1 and self.fails:
            raise Unavailable("the database turns us away", hint="Wait.")
        if self.asked > 1:
            self.ends.wait(20)
        return WELL

    def look(self, name: str) -> ValueState:
        if name not in self.holds:
            raise SettingsInvalid(f"{name} is not listed", hint="List it.")
        return ValueState(name=name, exists=False)


@pytest.fixture
def away(tmp_path: Path) -> Systems:
    """An app at whose address nobody listens."""
    (tmp_path / "stack.toml").write_text(
        f'[environments.test.app]\nurl = {json.dumps(NOBODY)}\nhealth = "/health"\n'
    )
    return load_stack(tmp_path / "stack.toml").port("test", Systems)


def look(
    logs: Told, systems: object, earlier: Gathered | None = None, clock: type[datetime] = datetime
) -> Gathered:
    start, parts = clock.now(UTC) - HALF_HOUR, cast("Systems", systems)
    if earlier is None:
        return gather(logs, parts, start, migrations="")
    return gather(logs, parts, start, migrations="", earlier=earlier, seconds=0.5)


def test_a_log_that_was_not_read_does_not_tell_that_nobody_comes(away: Systems) -> None:
    gathered = look(Told(away=True), away)
    judged = judge(gathered.scene)

    assert gathered.scene.door is not None
    assert set(gathered.scene.door.statuses) == {0}
    assert gathered.scene.trouble is None
    assert gathered.felt is gathering.UNREAD
    assert (judged.found, judged.onset) == (None, None)
    assert judged.fix.kind is not FixKind.NONE
    assert "could not be read" in judged.says


def test_a_log_read_a_while_ago_is_no_silence_since(
    away: Systems, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Later(datetime):
        @classmethod
        @override
        def now(cls, tz: tzinfo | None = None) -> Self:
            later = datetime.now(tz) + timedelta(seconds=20)
            return cls.fromtimestamp(later.timestamp(), tz)

    monkeypatch.setattr(gathering, "datetime", Later)  # as if the read had begun 20 s before
    gathered = look(Told(), away, clock=Later)

    assert gathered.scene.door is not None
    assert gathered.scene.trouble is None, gathered.felt.says


def test_nobody_answered_and_a_log_that_stands_still_is_silence_since_its_last_line(
    away: Systems,
) -> None:
    last = datetime.now(UTC) - timedelta(seconds=60)
    trouble = look(Told(until=last), away).scene.trouble

    assert trouble is not None
    assert trouble.onset.earliest == last.timestamp()


def test_of_a_part_that_is_late_the_earlier_answer_stays_and_says_how_old_it_is() -> None:
    parts = Parts()
    first = look(Told(), parts)
    try:
        second = look(Told(), parts, first)
    finally:
        parts.ends.set()
    told = [one for one in second.parts if one.name == "database"]

    assert parts.asked == 2
    assert second.scene.vitals == first.scene.vitals == WELL
    assert second.scene.unknown == {}
    assert len(told) == 1
    assert told[0].answered
    assert "s old, for this time database did not answer within 0.5 s" in told[0].says


def test_a_part_that_fails_is_unknown_whatever_it_said_before() -> None:
    parts = Parts(fails=True)
    second = look(Told(), parts, look(Told(), parts))

    assert second.scene.vitals is None
    assert "turns us away" in second.scene.unknown["database"]


def test_another_value_that_is_missing_is_looked_for_in_the_stack_anew() -> None:
    parts = Parts(holds=("MAIL_KEY",), fails=True)
    first = look(Told(fails="PAY_KEY is not set"), parts)
    second = look(Told(fails="MAIL_KEY is not set"), parts, first)

    assert (first.value, first.scene.restorable) == ("PAY_KEY", ())
    assert (second.value, second.scene.restorable) == ("MAIL_KEY", ("MAIL_KEY",))
