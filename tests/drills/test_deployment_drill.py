"""The drill of deployments, in small: one case really played, and judged by more than one right."""

import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from benchmarks.campaign.cases import Case
from benchmarks.campaign.counting_deployments import count_deployment
from benchmarks.campaign.deployments import LANE, VARIANTS, DeploymentSite
from benchmarks.campaign.variants import Variant

from drillbook.core.errors import NotFound
from drillbook.core.process_identity import children_of, send_signal, wait_until_gone
from drillbook.drills.deployment import drill
from drillbook.drills.deployment.case import Harm, shipped, taken_back
from drillbook.drills.deployment.cases import CASES, FAULTS, HEALTHY, case_named
from drillbook.drills.deployment.ground import Ground, moment
from drillbook.drills.deployment.meddling import rolled_back_by_hand
from drillbook.drills.deployment.truth import Story, times_of, users_of, wrong_actions
from drillbook.engine.outcome import RunOutcome, State
from drillbook.engine.spawn import worker_alive
from drillbook.range.repository import force

DEPLOYED, BACK = VARIANTS


def end_worker(ground: Ground) -> None:
    for child in children_of(os.getpid()):
        home = f"DRILLBOOK_HOME={ground.stage.store.home}\0".encode()
        if home in Path(f"/proc/{child.pid}/environ").read_bytes():
            send_signal(child, signal.SIGKILL)
            wait_until_gone(child, 5.0)
    assert not worker_alive(ground.stage.store)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A change whose tests fail, handed to the shipped runbook."""
    folder = tmp_path_factory.mktemp("drill") / "case"
    # The stage's worker ends by itself when users come so slowly that it has nothing to do.
    case = replace(case_named("ci-red"), warm_requests=5, before=(end_worker,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drill, "CALM_SECONDS", 0.5)
        with drill.played(case, folder, lambda _: None, keep=False, seed=1) as played:
            yield played


def judged(story: Story, **changed: object) -> tuple[str, ...]:
    return wrong_actions(replace(story, case=replace(story.case, **changed)))  # type: ignore[arg-type]  # fields by name


def test_a_red_change_is_refused_before_anything_is_merged_and_users_do_not_notice(
    story: Story,
) -> None:
    users, times = users_of(story), times_of(story)

    assert judged(story) == ()
    assert story.outcome.state is State.REFUSED
    assert story.noticed()[1:] == ("0.2", "repository.checks")  # type: ignore[index]
    assert (users.harmed, users.after_failed) == (0, 0)
    assert not times.from_harm
    assert times.noticed is not None
    assert times.back is None


def test_what_did_not_happen_is_wrong_where_it_was_right(story: Story) -> None:
    for_a_healthy_one = judged(story, right=shipped())
    for_a_bad_one = judged(story, right=taken_back(Harm.FAILS, "deployment.watch"))

    assert "0 merges came onto main, and one was to come" in for_a_healthy_one
    assert "the run says refused" in " ".join(for_a_healthy_one)
    assert "the hosting was asked for [], and right was ['rollback']" in for_a_bad_one
    assert "0 tasks were left behind, and 1 was right" in for_a_bad_one
    assert any(wrong.startswith("first to object was 0.2") for wrong in for_a_bad_one)


def test_users_prove_nothing_where_they_met_nothing_and_their_harm_is_counted_in_every_case(
    story: Story,
) -> None:
    nobody = replace(story, requests=())
    failed = [
        met.model_copy(update={"ok": False}) if met.begun >= story.started else met
        for met in story.requests
    ]
    before = [met.model_copy(update={"begun": moment(0)}) for met in story.requests if met.ok]
    slow = [met.model_copy(update={"seconds": 3.0}) for met in story.requests]
    for_a_bad_one = judged(story, right=taken_back(Harm.FAILS, "deployment.watch"))

    assert wrong_actions(nobody) == ("nobody came afterwards, so nobody knows whether all is well",)
    assert "nobody met that requests fail, so the case shows nothing" in for_a_bad_one
    harmed = wrong_actions(replace(story, requests=tuple(failed)))
    assert any(wrong.endswith("requests failed meanwhile, and none was to") for wrong in harmed)
    assert any(wrong.endswith("requests still failed") for wrong in harmed)
    assert any(
        wrong.endswith("were still slow")
        for wrong in wrong_actions(replace(story, requests=(*before * 9, *slow)))
    )


def counted(story: Story, variant: Variant, outcome: RunOutcome) -> list[str]:
    """What the campaign of kills says of an outcome, on the range that the case has left."""
    ground = story.ground
    site = DeploymentSite(ground.stage.folder, ground.stage.folder)
    site.cloud, site.ground, site.home = ground.cloud, ground, ground.stage.store.home
    return count_deployment(site, Case(0, LANE, variant, (), in_undo=False), outcome).says


def test_the_campaign_of_kills_believes_no_end_that_the_world_does_not_show(story: Story) -> None:
    done = RunOutcome(state=State.DONE)
    kept = RunOutcome(state=State.PARTLY_TAKEN_BACK, kept=("2.1", "3.3"))

    assert counted(story, DEPLOYED, RunOutcome(state=State.REFUSED)) == []
    assert counted(story, DEPLOYED, done) == [
        "lost: the merge into main",
        "lost: the merge into develop",
    ]
    assert "false_done: what can never be so is said to be so" in counted(story, BACK, done)
    assert "lost: the merge of 3.3, which is said to be kept" in counted(story, BACK, kept)


def test_what_happened_is_wrong_where_it_was_not_right(story: Story) -> None:
    force(story.ground.cloud, "copy-text")
    rolled_back_by_hand(replace(story.ground))

    wrong = judged(story)

    assert "1 commits came onto main, and none was to come" in wrong
    assert "the hosting was asked for ['rollback'], and right was []" in wrong
    assert "automatic assignment is off" in wrong
    assert any(each.endswith("was the good one") for each in wrong)
    of_kills = counted(story, BACK, RunOutcome(state=State.PARTLY_TAKEN_BACK, kept=("2.1",)))
    assert "false_taken_back: main has a merge, and the run tells of none" in of_kills
    assert "lost: the reminder" in of_kills


def test_the_drill_has_every_fault_and_enough_that_is_to_be_left_alone() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert len(FAULTS) >= 11
    assert len(HEALTHY) >= 5
    assert {case.traffic for case in HEALTHY} >= {"low", "spike"}
    with pytest.raises(NotFound, match="no case 'thorws'"):
        case_named("thorws")
