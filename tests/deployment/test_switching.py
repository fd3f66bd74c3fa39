"""Switches on the twin: asked for once, followed to the end, and what users get is what is said."""

from datetime import timedelta

import httpx
import pytest
from benchmarks.rollbacks.site import Site

from drillbook.actions import deployment
from drillbook.actions.deployment import building, giving, resuming
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.ports.deployments import Deployments, Switches
from drillbook.ports.probe import Probe
from drillbook.range.twins.vercel.switching import ask_for_switch
from drillbook.range.twins.weather import FAIR, Mode, Weather, set_weather
from drillbook.stack.stack import Stack

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

WITHIN = timedelta(seconds=20)


class Run:
    """One effect on production, with the ports its action takes."""

    def __init__(self, stack: Stack, key: str) -> None:
        self.effect = Effect(key=f"run:{key}")
        self.deployments = stack.port("production", Deployments)
        self.switches = stack.port("production", Switches)
        self.probe = stack.port("production", Probe)
        self.ports = (self.deployments, self.switches, self.probe, self.effect)

    def serving(self) -> str:
        found = self.deployments.hosting().serving
        assert found is not None
        return found.id


def switches_of(site: Site, kind: str, to: str) -> int:
    """Return how often the platform was really asked, by its own record."""
    jobs = site.hosting.documents.all("switch")
    return sum(job["type"] == kind and job["toDeploymentId"] == to for job in jobs)


def answered(site: Site) -> str:
    return str(httpx.get(site.cloud.app_url("production") + "/api/version").json()["deployment"])


@pytest.fixture
def builds(site: Site, pair: tuple[str, str]) -> tuple[str, str]:
    """An older build and the newer one that serves, nothing asked for yet."""
    hosting = site.hosting
    ask_for_switch(hosting, "production", pair[1], "promote")
    site.gives_users(pair[1])
    with hosting.documents.locked():
        for job in hosting.documents.all("switch"):
            hosting.documents.remove("switch", job["id"])
    hosting.change_project(autoAssignCustomDomains=True, lastAliasRequest=None)
    return pair


def test_a_rollback_is_really_there_and_can_be_taken_back(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, newer = builds
    run = Run(stack, "rollback")
    before = giving.remember(*run.ports, to=older)

    done = deployment.rollback.do(*run.ports, to=older, because="it throws", within=WITHIN)

    assert (done.id, done.from_id, done.automatic, done.crons_of) == (older, newer, False, older)
    assert answered(site) == older
    assert "automatic assignment is off" in done.says
    assert giving.look_rolled_back(*run.ports, to=older) is not None
    assert switches_of(site, "rollback", older) == 1

    again = giving.undo(before, *run.ports, to=older, within=WITHIN)

    assert isinstance(again, giving.GivenBack)
    assert (again.serving, again.was_switched, again.automatic) == (newer, True, True)
    assert answered(site) == newer
    twice = giving.undo(before, *run.ports, to=older)
    assert isinstance(twice, giving.GivenBack)
    assert not twice.was_switched


def test_an_answer_that_was_lost_is_looked_for_and_not_sent_again(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, newer = builds
    run = Run(stack, "lost")
    losing = Weather(mode=Mode.LOSING, methods=("POST",), path="rollback", first=1)
    set_weather(site.cloud.weather, "vercel", losing)
    try:
        done = deployment.rollback.do(*run.ports, to=older, within=WITHIN)
    finally:
        set_weather(site.cloud.weather, "vercel", FAIR)

    assert done.id == run.serving() == older
    assert switches_of(site, "rollback", older) == 1

    deployment.promote.do(*run.ports, to=newer, within=WITHIN)
    assert switches_of(site, "promote", newer) == 1
    assert run.deployments.hosting().automatic


def test_what_was_begun_by_a_killed_worker_is_followed_and_not_asked_for_again(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, _ = builds
    run = Run(stack, "killed")
    assert giving.look_rolled_back(*run.ports, to=older) is None
    run.switches.roll_back(older, run.effect.key, "")  # and here the worker dies

    seen = giving.look_rolled_back(*run.ports, to=older, within=WITHIN)

    assert seen is not None
    assert seen.id == answered(site) == older
    assert switches_of(site, "rollback", older) == 1


def test_a_switch_that_the_platform_fails_is_not_reported_done(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, newer = builds
    run = Run(stack, "failed")
    site.hosting.documents.put("fault", "alias", {"why": "test"})
    try:
        with pytest.raises(Failed, match=r"says that the rollback to .* failed"):
            deployment.rollback.do(*run.ports, to=older, within=WITHIN)
    finally:
        site.hosting.documents.remove("fault", "alias")

    assert run.serving() == answered(site) == newer


def test_platform_and_app_that_disagree_are_a_failure_that_names_both(
    site: Site, stack: Stack, builds: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older, newer = builds
    run = Run(stack, "disagree")
    seconds = timedelta(seconds=0.5)
    monkeypatch.setattr("drillbook.actions.deployment.switching.SEEN_BY_USERS_WITHIN", seconds)
    site.hosting.documents.put("fault", "edge", {"why": "test"})
    try:
        with pytest.raises(Failed, match="platform and app disagree") as caught:
            deployment.rollback.do(*run.ports, to=older, within=WITHIN)
        seen = deployment.serving.do(run.deployments, run.probe)
    finally:
        site.hosting.documents.remove("fault", "edge")

    commit = run.deployments.find(newer).commit
    assert f"the app says it is {commit[:7]} 3 of 3 times" in str(caught.value)
    assert (seen.id, seen.agree) == (older, False)


def test_undo_leaves_what_somebody_else_has_given_users_since(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, _ = builds
    run = Run(stack, "others")
    before = giving.remember(*run.ports, to=older)
    deployment.rollback.do(*run.ports, to=older, within=WITHIN)
    theirs = site.first
    ask_for_switch(site.hosting, "production", theirs, "promote")
    site.gives_users(theirs)

    with pytest.raises(Refused, match="which this task has not given the users"):
        giving.undo(before, *run.ports, to=older, within=WITHIN)

    assert run.serving() == theirs


def test_users_are_not_taken_from_what_somebody_else_has_given_them_meanwhile(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, newer = builds
    run = Run(stack, "meanwhile")
    run.switches.roll_back(older, run.effect.key, "")  # and here the worker dies
    site.gives_users(older)
    theirs = site.first
    ask_for_switch(site.hosting, "production", theirs, "promote")
    site.gives_users(theirs)

    assert giving.look_rolled_back(*run.ports, to=older, leaving=newer) is None
    with pytest.raises(Refused, match=f"take the users from {newer}, and by now they have"):
        deployment.rollback.do(*run.ports, to=older, leaving=newer, within=WITHIN)
    with pytest.raises(Refused, match="by now they have"):
        deployment.promote.do(*run.ports, to=newer, leaving=older, within=WITHIN)

    assert run.serving() == answered(site) == theirs
    assert switches_of(site, "rollback", older) == 1


def test_promoting_what_serves_already_turns_automatic_assignment_on(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, _ = builds
    run = Run(stack, "dark")
    deployment.rollback.do(*run.ports, to=older, within=WITHIN)
    assert giving.look_promoted(*run.ports, to=older) is None

    done = deployment.promote.do(*run.ports, to=older, within=WITHIN)

    assert (done.id, done.automatic, switches_of(site, "promote", older)) == (older, True, 0)
    assert giving.look_promoted(*run.ports, to=older) is not None


def test_while_a_rolling_release_lasts_nothing_is_back_before_it_is_ended(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    older, newer = builds
    run = Run(stack, "rolling")
    deployment.promote.do(*run.ports, to=older, within=WITHIN)
    stages = [{"targetPercentage": share, "requireApproval": True} for share in (40, 100)]
    site.hosting.change_project(rollingRelease={"target": "production", "stages": stages})
    try:
        before = giving.remember(*run.ports, to=newer)
        with pytest.raises(Unavailable, match=f"{newer} has a share of the users"):
            deployment.promote.do(*run.ports, to=newer, within=timedelta(seconds=1))
        seen = deployment.serving.do(run.deployments, run.probe)
        with pytest.raises(Unavailable):  # followed, and not asked for again
            giving.look_promoted(*run.ports, to=newer, within=timedelta(seconds=0.2))
        assert (seen.id, seen.agree, switches_of(site, "promote", newer)) == (older, False, 1)
        assert giving.look_rolled_back(*run.ports, to=older) is None
        with pytest.raises(Failed, match="does not serve"):
            deployment.follow.do(
                run.deployments, run.probe, run.effect, commit=seen.commit,
                within=timedelta(seconds=0.3),
            )  # fmt: skip

        again = giving.undo(before, *run.ports, to=newer, within=WITHIN)
    finally:
        site.hosting.change_project(rollingRelease=None)

    assert isinstance(again, giving.GivenBack)
    assert (again.serving, again.was_switched, again.automatic) == (older, True, True)
    assert site.hosting.project()["rollout"]["state"] == "ABORTED"
    assert {answered(site) for _ in range(5)} == {older}


def test_builds_that_cannot_serve_are_refused_before_anything_is_asked(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    run = Run(stack, "refused")
    staging = site.hosting.alias("staging")
    assert staging is not None

    with pytest.raises(Refused, match="was not built for this environment"):
        deployment.promote.do(*run.ports, to=staging["deploymentId"])
    with pytest.raises(NotFound):
        deployment.promote.do(*run.ports, to="dpl_nobody")
    with pytest.raises(Refused, match="at most 6h"):
        deployment.promote.do(*run.ports, to=builds[0], within=timedelta(days=1))

    assert run.serving() == builds[1]


def test_resume_turns_it_on_once_and_its_undo_off_again(site: Site, stack: Stack) -> None:
    run = Run(stack, "resume")
    ports = (run.deployments, run.switches, run.effect)
    site.hosting.change_project(autoAssignCustomDomains=False)
    before = resuming.remember_automatic(*ports)
    assert resuming.look_resumed(*ports) is None
    assert not deployment.automatic.do(run.deployments).is_on

    done = deployment.resume.do(*ports)

    assert done.automatic
    assert resuming.look_resumed(*ports) == done
    undone = resuming.undo_resume(before, *ports)
    assert isinstance(undone, resuming.Resumed)
    assert undone.automatic is False
    site.hosting.change_project(autoAssignCustomDomains=True)


def test_a_redeploy_is_built_once_whatever_is_lost_and_serves_with_the_values_of_now(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    _, newer = builds
    run = Run(stack, "redeploy")
    before = building.remember_redeploy(*run.ports)
    losing = Weather(mode=Mode.LOSING, methods=("POST",), path="v13/deployments", first=1)
    set_weather(site.cloud.weather, "vercel", losing)
    try:
        done = deployment.redeploy.do(*run.ports, within=WITHIN)
    finally:
        set_weather(site.cloud.weather, "vercel", FAIR)

    assert (done.serves, done.of, done.commit) == (True, newer, run.deployments.find(newer).commit)
    assert answered(site) == done.id
    assert giving.look_rolled_back(*run.ports, to=newer) is None  # built again is another build
    assert building.look_redeployed(*run.ports) is not None
    assert deployment.redeploy.do(*run.ports).id == done.id
    marks = [one for one in run.deployments.recent(20) if one.effect == run.effect.key]
    assert [one.id for one in marks] == [done.id]

    undone = building.undo_redeploy(before, *run.ports, within=WITHIN)

    assert isinstance(undone, giving.GivenBack)
    assert (undone.serving, answered(site)) == (newer, newer)


def test_a_build_made_in_the_dark_is_not_said_to_serve_and_cannot_be_stopped_any_more(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    run = Run(stack, "dark")
    ports = (run.deployments, run.switches, run.effect)
    site.hosting.change_project(autoAssignCustomDomains=False)

    dark = deployment.redeploy.do(*run.ports, within=WITHIN)

    assert (dark.serves, run.serving()) == (False, builds[1])
    assert "automatic assignment is off" in dark.says
    with pytest.raises(Refused, match="has never served"):
        deployment.rollback.do(*run.ports, to=dark.id)
    assert building.look_canceled(*ports, deployment=dark.id) is None
    with pytest.raises(Refused, match="has ended as ready: there is nothing left to stop"):
        deployment.cancel.do(*ports, deployment=dark.id)
    site.hosting.change_deployment(dark.id, state="CANCELED")
    stopped = deployment.cancel.do(*ports, deployment=dark.id)
    assert building.look_canceled(*ports, deployment=dark.id) == stopped


def test_a_build_that_came_too_late_is_stopped_by_its_commit_and_takes_nobodys_users(
    site: Site, stack: Stack, builds: tuple[str, str]
) -> None:
    run = Run(stack, "late")
    ports = (run.deployments, run.switches, run.effect)
    good = run.deployments.find(builds[1]).commit
    slow = {"vercel.json": '{"buildCommand": "sleep 60"}'}
    commit = site.commit(slow, "Build for ever", onto=good)
    within = timedelta(seconds=1)
    with pytest.raises(Failed, match=r"does not serve after .* is (building|queued)"):
        deployment.follow.do(*ports[:1], run.probe, run.effect, commit=commit, within=within)
    (late,) = run.deployments.of_commit(commit)
    assert building.look_canceled(*ports, commit=commit) is None

    stopped = deployment.cancel.do(*ports, commit=commit)

    assert (stopped.stopped, stopped.builds, stopped.commit) == ((late.id,), 1, commit)
    assert building.look_canceled(*ports, commit=commit) == stopped
    assert run.serving() == answered(site) == builds[1]
    over = deployment.cancel.do(*ports, commit=run.deployments.find(builds[0]).commit)
    assert (over.stopped, "no build was under way" in over.says) == ((), True)
    assert "if one comes yet, it will serve" in deployment.cancel.do(*ports, commit="a" * 40).says
    for wrong in ({}, {"commit": commit, "deployment": late.id}):
        with pytest.raises(Refused, match="one deployment, or all builds of one commit"):
            deployment.cancel.do(*ports, **wrong)
    site.deploy({}, "Build as ever", onto=good)
