"""What is kept of a triage tells one onset, the one of the answer."""

from dataclasses import replace
from datetime import UTC, datetime

from culprit.scenes import NOW, START, fails, felt, requests, scene
from drillbook.actions.errors.picture import WIDTH, picture
from drillbook.actions.errors.table import evidence_table
from drillbook.analysis.culprit import judge
from drillbook.triage.gathering import Gathered
from drillbook.triage.lines import Read


def clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%H:%M:%S}"


def test_table_and_picture_tell_the_onset_of_the_answer() -> None:
    users = requests(fails("no such column", one_in=3))
    seen = scene(users)
    trouble, judged = seen.trouble, judge(seen)
    assert trouble is not None
    onset = trouble.onset
    sharp = replace(onset, at=onset.at + 7, earliest=onset.at + 6, latest=onset.at + 8)
    judged = replace(judged, onset=sharp)
    gathered = Gathered(seen, felt(users), Read(tuple(users), (), ()), START)
    now, changes = NOW.timestamp(), seen.changes or ()

    table = evidence_table(gathered, judged, NOW)

    said = f"Since {clock(sharp.at)} UTC, between {clock(sharp.earliest)} and {clock(sharp.latest)}"
    assert said in table
    told = replace(judged, onset=None)
    assert f"Since {clock(onset.at)} UTC" in evidence_table(gathered, told, NOW)
    drawn, blurred = (picture(trouble, one, changes, now).decode() for one in (judged, told))
    # The shaded part is as long as what the answer says, of what the picture shows.
    shown = max(120.0, 3 * (now - sharp.at))
    assert f'width="{2.0 / shown * (WIDTH - 56 - 16):.1f}"' in drawn
    assert drawn != blurred
