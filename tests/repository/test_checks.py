"""`repository.checks`: green for exactly this commit, and what is not is said."""

from datetime import timedelta
from threading import Event, Thread

import pytest

from drillbook.actions.repository import checks, rerun
from drillbook.actions.repository.checking import standing
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.ports.repository import Check, Outcome, Stage
from drillbook.range.twins.github import GitHub
from drillbook.range.twins.github.pipeline import new_run
from drillbook.range.twins.weather import Mode, Weather
from repository.hub import Hub

AT_ONCE = {"wait": timedelta(seconds=0.2), "appear": timedelta(0)}


def _checks(hub: Hub, effect: Effect, **values: object) -> object:
    provider = hub.provider()
    return checks.do(provider, provider, effect, **(AT_ONCE | values))


def test_green_for_exactly_this_commit_is_green(hub: Hub, branch: str, effect: Effect) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(sha)
    hub.check(sha, "skipped", "preview")

    found = _checks(hub, effect, commit=sha)

    assert (found.commit, found.green, found.required) == (sha, ("test",), ())
    assert found.without_verdict == ("preview was skipped",)
    assert f"test green for exactly {sha[:7]}" in found.says


@pytest.mark.parametrize(
    ("conclusion", "says"),
    [
        ("failure", "test is red"),
        ("cancelled", "test has been cancelled"),
        ("timed_out", "test has timed out"),
        ("action_required", "test has stopped: it waits for somebody"),
    ],
)
def test_what_ended_badly_is_said(
    hub: Hub, branch: str, effect: Effect, conclusion: str, says: str
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(sha, conclusion)
    hub.check(sha, "success", "lint")

    with pytest.raises(Failed, match=f"not green for {sha[:7]}: {says}"):
        _checks(hub, effect, commit=sha)


def test_green_for_another_commit_never_counts(hub: Hub, branch: str, effect: Effect) -> None:
    older = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(older)
    newer = hub.commit(branch, {"a.txt": "more"}, "Write [skip ci]")

    with pytest.raises(Failed, match=f"not green for {newer[:7]}: it has no check at all"):
        _checks(hub, effect, commit=newer)


def test_a_required_check_that_is_missing_or_was_skipped_holds_it(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(sha, "success", "lint")

    with pytest.raises(Failed, match="test is missing"):
        _checks(hub, effect, commit=sha, names=("test",))
    hub.check(sha, "skipped", "test")
    with pytest.raises(Failed, match="test was skipped and is required"):
        _checks(hub, effect, commit=sha, names=("test",))
    hub.check(sha, "success", "test")
    assert _checks(hub, effect, commit=sha, names=("test",)).green == ("test",)


def test_it_waits_with_progress_until_the_checks_have_ended(hub: Hub, branch: str) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    bot = hub.person("build-bot")
    said = {"name": "test", "head_sha": sha, "status": "in_progress"}
    number = bot.post("/check-runs", json=said).json()["id"]
    told: list[str] = []
    waits = Event()

    def progress(says: str, _fraction: float | None) -> None:
        told.append(says)
        waits.set()

    def end() -> None:
        waits.wait(10)
        bot.patch(f"/check-runs/{number}", json={"conclusion": "success"})

    ending = Thread(target=end)
    ending.start()
    effect = Effect(key="k", progress=progress)
    found = _checks(hub, effect, commit=sha, wait=timedelta(seconds=20))
    ending.join()

    assert found.green == ("test",)
    assert told[0] == f"{sha[:7]}: test is running"


def test_when_the_time_is_over_it_says_what_still_runs(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    said = {"name": "test", "head_sha": sha, "status": "queued"}
    hub.person("build-bot").post("/check-runs", json=said)

    with pytest.raises(Failed, match="test is queued") as failed:
        _checks(hub, effect, commit=sha)
    assert "Wait longer" in failed.value.hint


def test_a_platform_that_stumbles_meanwhile_does_not_end_the_wait(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(sha)

    with hub.weather(Weather(mode=Mode.FAILING, status=502, methods=("GET",), first=2)):
        assert _checks(hub, effect, commit=sha, wait=timedelta(seconds=20)).green == ("test",)


@pytest.mark.parametrize("commit", ["main", "", "abc1234", "F" * 40, "#1"])
def test_only_the_full_id_of_a_commit_is_taken(hub: Hub, effect: Effect, commit: str) -> None:
    with pytest.raises(Refused, match="must be the full id of one commit"):
        _checks(hub, effect, commit=commit)


def test_bad_times_and_commits_nobody_knows_are_refused(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")

    with pytest.raises(Refused, match="wait is 0s"):
        _checks(hub, effect, commit=sha, wait=timedelta(0))
    with pytest.raises(Refused, match="into is"):
        _checks(hub, effect, commit=sha, into="two words")
    with pytest.raises(NotFound, match="has no commit, branch or tag 0000000"):
        _checks(hub, effect, commit="0" * 40)


def test_a_red_status_counts_wherever_it_stands_in_the_list(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    said = {"sha": sha, "by": "bot", "at": "2026-01-01T00:00:00Z", "target_url": None}
    said |= {"description": ""}
    documents = hub.cloud.documents("github")
    for number in range(900_000, 900_101):
        last = number == 900_100
        word = {"context": f"part {number}", "state": "failure" if last else "success"}
        documents.put("status", str(number), {**said, **word, "id": number})

    with pytest.raises(Failed, match="part 900100 is red"):
        _checks(hub, effect, commit=sha)


@pytest.mark.parametrize(
    ("status", "conclusion", "says"),
    [
        ("in_progress", None, "CI is running"),
        ("queued", None, "CI is queued"),
        ("completed", "startup_failure", "CI is red"),
        ("completed", "action_required", "CI has stopped: it waits for somebody"),
    ],
)
def test_a_workflow_whose_jobs_have_not_appeared_is_not_green(
    hub: Hub, branch: str, effect: Effect, status: str, conclusion: str | None, says: str
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.check(sha, "success", "lint")
    twin = GitHub(hub.cloud)
    run = new_run(twin, "ci.yml", branch, sha, "push") | {"name": "CI", "status": status}
    number = str(run["id"])
    twin.documents.put("run", number, run | {"conclusion": conclusion})

    with pytest.raises(Failed, match=says):
        _checks(hub, effect, commit=sha)
    twin.documents.put("run", number, run | {"status": "completed", "conclusion": "success"})
    assert _checks(hub, effect, commit=sha).green == ("lint",)


def test_of_two_checks_of_one_name_both_must_be_green() -> None:
    def check(outcome: Outcome, stage: Stage = Stage.DONE) -> Check:
        return Check(name="test", stage=stage, outcome=outcome, commit="a")

    assert standing([check(Outcome.GREEN), check(Outcome.GREEN)], ()).is_green
    assert standing([check(Outcome.GREEN), check(Outcome.RED)], ()).bad == ("test is red",)
    running = standing([check(Outcome.GREEN), check(Outcome.NONE, Stage.RUNNING)], ())
    assert running.unfinished == ("test is running",)
    assert not standing([], ()).is_green
    assert not standing([check(Outcome.SKIPPED)], ()).is_green


def test_a_rerun_is_not_asked_for_where_nothing_ended_badly(
    hub: Hub, branch: str, effect: Effect
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    provider = hub.provider()

    assert rerun.look(provider, effect, commit=sha) is None
    hub.check(sha, "failure")
    assert rerun.look(provider, effect, commit=sha) is None
    hub.check(sha)
    assert rerun.look(provider, effect, commit=sha).running == ()
