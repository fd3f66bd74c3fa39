"""The parts of a write stand in the record, each once, whoever dies meanwhile."""

import pytest

from drillbook.cli.live.faces import PlainFace
from drillbook.cli.live.words import line_of
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.outcome import State
from drillbook.web.report.sentences import says
from engine.conftest import Bench, bound, plan


def notes(bench: Bench, run: str) -> list[Recorded]:
    return [entry for entry in bench.runs.entries(run) if entry.kind == EntryKind.TASK_NOTED]


def tells() -> Plan:
    return plan(bound("1.1", "world.tell", {"word": "hello"}))


def test_each_part_of_a_write_is_noted_and_shown_by_all_faces(
    bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    run = bench.start(tells(), unattended=True)
    assert bench.ended(run).state is State.DONE
    first, second = notes(bench, run)

    assert first.data == {"says": "told part 0", "line": 0, "seconds": 0.5}
    assert (first.task, second.data["says"]) == ("1.1", "told part 1")
    assert says(first) == "told part 0, 500 ms"
    assert line_of(first, tells()).says.endswith("(told part 0, 0.5 s)")
    PlainFace(tells()).show(first)
    assert capsys.readouterr().out == ""
    PlainFace(tells(), every=True).show(first)
    assert "told part 0" in capsys.readouterr().out


@pytest.mark.parametrize("moment", ["die-told-0", "die-told"])
def test_a_kill_neither_doubles_nor_loses_a_note(quiet_bench: Bench, moment: str) -> None:
    quiet_bench.plant(moment)
    victim = quiet_bench.worker()
    run = quiet_bench.start(tells(), unattended=True)
    assert victim.wait(60) == -9

    quiet_bench.worker()

    assert quiet_bench.ended(run).state is State.DONE
    noted = [(entry.data["says"], entry.data["seconds"]) for entry in notes(quiet_bench, run)]
    assert noted == [("told part 0", 0.5), ("told part 1", 0.5)]
    assert len(quiet_bench.world.effects()) == 1
