"""Entries that a replay makes again are the entries that were there."""

from datetime import UTC, datetime

from drillbook.engine.entries import ending_of
from drillbook.engine.messages import Start
from drillbook.engine.outcome import Status, TaskOutcome
from drillbook.engine.scope import Scope
from engine.conftest import look, plan
from engine.world import CATALOG

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def test_the_end_of_a_read_is_told_as_of_when_it_ended_however_late_it_is_written() -> None:
    task = look("1.1")
    scope = Scope(plan(task), Start(run="r-one", by="ana", at=NOON), CATALOG)
    ended = NOON.replace(second=3)
    outcome = TaskOutcome(status=Status.DONE, result={"count": 1}, began=NOON, ended=ended)

    entry = ending_of(scope, task, "1.1/1", outcome, 3.0)

    assert entry.at == ended
    assert entry == ending_of(scope, task, "1.1/1", outcome, 3.0)
