"""What the parts of a triage tell is put together without inventing what was not read."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from drillbook.analysis.culprit import judge
from drillbook.core.errors import Unavailable
from drillbook.core.incident import FixKind
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.ports.systems import Systems
from drillbook.stack.stack import load_stack
from drillbook.triage import gathering
from drillbook.triage.gathering import Gathered, gather

HALF_HOUR = timedelta(minutes=30)
NOBODY = "http://127.0.0.1:1"


@dataclass
class Told:
    """A log that tells a request each second, or nothing at all."""

    away: bool = False
    until: datetime = field(default_factory=lambda: datetime.now(UTC))

    def between(self, start: datetime, end: datetime) -> LogSpan:  # noqa: ARG002 - the port's
        if self.away:
            raise Unavailable("the log is away", hint="Wait.")
        times = (self.until - timedelta(seconds=ago) for ago in range(1800, -1, -1))
        return LogSpan(tuple(LogLine(at, status=200, path="/a", milliseconds=9) for at in times))

    def newest(self) -> datetime | None:
        return self.until


@pytest.fixture
def away(tmp_path: Path) -> Systems:
    """An app at whose address nobody listens."""
    (tmp_path / "stack.toml").write_text(
        f'[environments.test.app]\nurl = {json.dumps(NOBODY)}\nhealth = "/health"\n'
    )
    return load_stack(tmp_path / "stack.toml").port("test", Systems)


def look(logs: Told, systems: Systems) -> Gathered:
    return gather(logs, systems, gathering.datetime.now(UTC) - HALF_HOUR, migrations="")


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
        def now(cls, tz: object = None) -> datetime:
            assert tz is UTC
            return datetime.now(UTC) + timedelta(seconds=20)

    monkeypatch.setattr(gathering, "datetime", Later)  # as if the read had begun 20 s before
    gathered = look(Told(), away)

    assert gathered.scene.door is not None
    assert gathered.scene.trouble is None, gathered.felt.says


def test_nobody_answered_and_a_log_that_stands_still_is_silence_since_its_last_line(
    away: Systems,
) -> None:
    last = datetime.now(UTC) - timedelta(seconds=60)
    trouble = look(Told(until=last), away).scene.trouble

    assert trouble is not None
    assert trouble.onset.earliest == last.timestamp()
