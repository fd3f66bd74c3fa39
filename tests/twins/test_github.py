"""The GitHub twin: git is the truth, CI really runs, and every answer is as the documents say."""

import base64
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from drillbook.local.sockets import listen
from drillbook.range.cloud import Cloud
from drillbook.range.twins.github.git import BareRepository, Moved
from drillbook.range.twins.github.workflow import WorkflowInvalid, read_workflow, skips
from repository.hub import GREEN, RED, WORKFLOW, Hub, a_hub, serving
from twins import contract

OFFICIAL = "api.github.com.json"
LONGEST_SECONDS = 20.0
RULES = {
    "required_status_checks": {"strict": False, "contexts": ["test"]},
    "enforce_admins": True,
    "required_pull_request_reviews": {"required_approving_review_count": 1},
    "restrictions": None,
}


@pytest.fixture(scope="module")
def held() -> contract.Contract:
    return contract.load("github", OFFICIAL)


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, held: contract.Contract) -> Iterator[Hub]:
    """A repository whose pipeline runs; every exchange is held to the documents."""
    folder = tmp_path_factory.mktemp("twin") / "range"
    with a_hub(folder, ci=True, around=held.checked) as made:
        yield made


@pytest.fixture(autouse=True)
def _as_the_documents_say(held: contract.Contract) -> Iterator[None]:
    yield
    found, held.violations = held.violations, []
    assert found == []


def _until(look: Callable[[], Any]) -> Any:
    """Wait for what happens on its own, and return it."""
    until = time.monotonic() + LONGEST_SECONDS
    while not (found := look()):
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.03)
    return found


def _ended(hub: Hub, sha: str) -> dict[str, Any]:
    """Return the only check run of a commit once it has ended."""

    def look() -> Any:
        found = hub.person("dana").get(f"/commits/{sha}/check-runs").json()["check_runs"]
        return [one for one in found if one["status"] == "completed"]

    (check,) = _until(look)
    return check


def test_a_merge_is_a_merge_commit_of_both_and_the_second_time_nothing(hub: Hub) -> None:
    dana = hub.person("dana")
    before = hub.sha("main")
    head = hub.commit("merges", {"m.txt": "m"}, "Add m [skip ci]", onto="develop")
    said = {"base": "main", "head": head, "commit_message": "Bring m"}

    reply = dana.post("/merges", json=said)

    assert reply.status_code == 201
    assert hub.git("rev-list", "--parents", "-1", "main").split() == [
        reply.json()["sha"],
        before,
        head,
    ]
    assert hub.git("show", "main:m.txt") == "m"
    assert hub.git("log", "-1", "--format=%s by %an", "main") == "Bring m by dana"
    assert dana.post("/merges", json=said).status_code == 204


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"base": "nowhere", "head": "main"}, 404, "Base does not exist"),
        ({"base": "main", "head": "0" * 40}, 404, "Head does not exist"),
        ({"base": "main"}, 422, 'Invalid request.\n\n"head" wasn\'t supplied.'),
        ({"base": "main", "head": 7}, 422, 'Invalid request.\n\n"head" wasn\'t supplied.'),
    ],
)
def test_a_merge_of_nothing_is_refused(
    hub: Hub, said: dict[str, Any], status: int, words: str
) -> None:
    reply = hub.person("dana").post("/merges", json=said)

    assert (reply.status_code, reply.json()["message"]) == (status, words)


def test_a_conflict_changes_nothing(hub: Hub) -> None:
    hub.commit("ours", {"same.txt": "ours"}, "Ours [skip ci]", onto="develop")
    theirs = hub.commit("theirs", {"same.txt": "theirs"}, "Theirs [skip ci]", onto="develop")

    reply = hub.person("dana").post("/merges", json={"base": "theirs", "head": "ours"})

    assert (reply.status_code, reply.json()["message"]) == (409, "Merge conflict")
    assert hub.sha("theirs") == theirs


def test_a_branch_is_moved_only_from_where_it_was_seen(hub: Hub) -> None:
    seen = hub.commit("moving", {"a.txt": "a"}, "One [skip ci]", onto="develop")
    now = hub.commit("moving", {"a.txt": "b"}, "Two [skip ci]")
    repository = BareRepository(hub.cloud.repository)

    with pytest.raises(Moved):
        repository.set_branch("moving", hub.sha("main"), seen)
    assert hub.sha("moving") == now


def test_merges_at_the_same_moment_are_each_one_merge(hub: Hub) -> None:
    before = hub.commit("busy", {"b.txt": "b"}, "Begin [skip ci]", onto="develop")
    heads = [
        hub.commit(f"busy-{n}", {f"{n}.txt": "x"}, "Say [skip ci]", onto="develop")
        for n in range(3)
    ]
    number = hub.propose("busy-2", "busy")

    def merge(head: str) -> int:
        said = {"base": "busy", "head": head}
        return hub.person("dana").post("/merges", json=said).status_code

    def merge_pull(_: int) -> int:
        return hub.person("dana").put(f"/pulls/{number}/merge", json={}).status_code

    with ThreadPoolExecutor(8) as pool:
        direct = list(pool.map(merge, [*heads, *heads]))
        pulled = list(pool.map(merge_pull, range(3)))

    assert sorted(direct) == [201, 201, 201, 204, 204, 204]
    assert pulled == [405, 405, 405]
    assert len(hub.git("rev-list", "--first-parent", f"{before}..busy").split()) == len(heads)
    assert all(hub.git("merge-base", head, "busy") == head for head in heads)


def test_a_pull_request_is_merged_only_as_it_was_seen_and_reviewed_by_others(hub: Hub) -> None:
    dana, riku = hub.person("dana"), hub.person("riku")
    hub.commit("kept", {"k.txt": "k"}, "Keep [skip ci]", onto="develop")
    assert dana.put("/branches/kept/protection", json=RULES).status_code == 200
    seen = hub.commit("asked", {"q.txt": "q"}, onto="kept")
    number = hub.propose("asked", "kept")
    own = dana.post(f"/pulls/{number}/reviews", json={"event": "APPROVE"})
    assert (own.status_code, own.json()["errors"]) == (
        422,
        ["Can not approve your own pull request"],
    )
    _ended(hub, seen)

    def merge(sha: str) -> tuple[int, str]:
        reply = dana.put(f"/pulls/{number}/merge", json={"sha": sha})
        return reply.status_code, reply.json()["message"]

    assert merge("0" * 40)[0] == 409
    assert merge(seen) == (
        405,
        "At least 1 approving review is required by reviewers with write access.",
    )
    riku.post(f"/pulls/{number}/reviews", json={"event": "APPROVE"})
    newer = hub.commit("asked", {"q.txt": "qq"})
    assert merge(seen) == (409, "Head branch was modified. Review and try the merge again.")
    _ended(hub, newer)
    assert merge(newer) == (200, "Pull Request successfully merged")
    assert hub.git("rev-list", "--parents", "-1", "kept").split()[2] == newer
    assert dana.get(f"/pulls/{number}/merge").status_code == 204
    assert merge(newer)[0] == 405
    direct = dana.post("/merges", json={"base": "kept", "head": "develop"})
    assert direct.status_code in {204, 409}


def test_the_pipeline_runs_the_commands_of_that_very_commit(hub: Hub) -> None:
    dana = hub.person("dana")
    red = hub.commit("works", {"check.sh": RED}, "Break it", onto="develop")
    bad = _ended(hub, red)
    green = hub.commit("works", {"check.sh": f"{GREEN}\nenv | sort"}, "Mend it")
    good = _ended(hub, green)

    assert (bad["conclusion"], bad["head_sha"]) == ("failure", red)
    assert (good["conclusion"], good["head_sha"]) == ("success", green)
    said = dana.get(f"/check-runs/{bad['id']}/annotations").json()
    assert said[0]["message"] == "Process completed with exit code 3."
    log = dana.get(f"/actions/jobs/{good['id']}/logs")
    text = httpx.get(log.headers["location"]).text
    assert "all well" in text
    assert f"GITHUB_SHA={green}" in text
    assert hub.cloud.token("github") not in text
    runs = dana.get("/actions/runs", params={"head_sha": red, "status": "failure"}).json()
    assert [run["event"] for run in runs["workflow_runs"]] == ["push"]
    assert not list(hub.cloud.folder.glob("ci/checkout-*"))


def test_a_commit_that_skips_the_pipeline_has_no_check(hub: Hub) -> None:
    skipped = hub.commit("skips", {"a.txt": "a"}, "Say it [skip ci]", onto="develop")
    later = hub.commit("skips-not", {"a.txt": "a"}, "Say it", onto="develop")

    _ended(hub, later)

    assert hub.person("dana").get(f"/commits/{skipped}/check-runs").json()["total_count"] == 0


def test_a_job_that_takes_too_long_is_ended_and_a_rerun_is_another_try(hub: Hub) -> None:
    dana = hub.person("dana")
    marker = hub.cloud.range / "second-time"
    slow = f"test -f {marker} && exit 0; touch {marker}; sleep 60"
    files = {"check.sh": slow, ".github/workflows/ci.yml": WORKFLOW.replace("0.05", "0.004")}
    sha = hub.commit("slow", files, onto="develop")

    first = _ended(hub, sha)
    (run,) = dana.get("/actions/runs", params={"head_sha": sha}).json()["workflow_runs"]
    path = f"/actions/runs/{run['id']}"
    _until(lambda: dana.get(path).json()["status"] == "completed")
    assert dana.post(f"{path}/cancel").status_code == 409
    assert dana.post(f"{path}/rerun-failed-jobs").status_code == 201
    second = _ended(hub, sha)

    assert (first["conclusion"], second["conclusion"]) == ("timed_out", "success")
    assert first["id"] != second["id"]
    _until(lambda: dana.get(path).json()["conclusion"] == "success")
    assert dana.get(path).json()["run_attempt"] == 2


def test_a_run_can_be_cancelled_and_dispatched(hub: Hub) -> None:
    dana = hub.person("dana")
    files = {
        "check.sh": "sleep 60",
        ".github/workflows/ci.yml": WORKFLOW.replace("  push:\n  pull_request:\n", ""),
    }
    sha = hub.commit("by-hand", files, onto="develop")
    said = {"ref": "by-hand", "return_run_details": True}

    number = dana.post("/actions/workflows/ci.yml/dispatches", json=said).json()["workflow_run_id"]
    _until(lambda: dana.get(f"/actions/runs/{number}").json()["status"] == "in_progress")
    assert dana.post(f"/actions/runs/{number}/cancel").status_code == 202

    assert _ended(hub, sha)["conclusion"] == "cancelled"
    assert (
        dana.post("/actions/workflows/no.yml/dispatches", json={"ref": "main"}).status_code == 404
    )


def test_a_commit_older_than_the_twin_is_run_when_somebody_asks_and_again_after_a_kill(
    tmp_path: Path,
) -> None:
    with a_hub(tmp_path / "range") as hub:
        cloud = hub.cloud
        tries = cloud.range / "tries"
        slow = f"echo try >> {tries}; test $(wc -l < {tries}) -gt 1 || sleep 60"
        sha = hub.commit("main", {"check.sh": slow}, "Take long")
        hub.git("update-ref", "-d", "refs/heads/develop")
    twin = _in_a_process_of_its_own(cloud)
    try:
        dana = Hub(cloud, cloud.url("github")).person("dana")
        assert dana.get("/actions/runs").json()["total_count"] == 0
        assert dana.get(f"/commits/{sha}/check-runs").json()["total_count"] == 0
        _until(tries.exists)
        dana.close()
    finally:
        os.kill(twin.pid, signal.SIGKILL)
        twin.wait()
    with serving(cloud, ci=True) as hub:
        check = _ended(hub, sha)

    assert check["conclusion"] == "success"
    assert tries.read_text() == "try\ntry\n"


def _in_a_process_of_its_own(cloud: Cloud) -> "subprocess.Popen[bytes]":
    with listen(cloud.port("github")) as handle:
        words = ["drillbook.range.twins.serving", "serve", str(cloud.range)]
        return subprocess.Popen(
            [sys.executable, "-m", *words, f"github={handle.fileno()}"],
            pass_fds=(handle.fileno(),),
            stdin=subprocess.DEVNULL,
        )


def test_lists_come_in_pages_and_unchanged_answers_are_not_sent_again(hub: Hub) -> None:
    dana = hub.person("dana")
    for n in range(3):
        said = {"title": f"Issue {n}", "labels": ["pages"]}
        assert dana.post("/issues", json=said).status_code == 201
    query = {"labels": "pages", "per_page": 2}

    first = dana.get("/issues", params=query)
    second = dana.get(first.links["next"]["url"])

    assert [one["title"] for one in first.json() + second.json()] == [
        "Issue 2",
        "Issue 1",
        "Issue 0",
    ]
    assert first.links["last"]["url"] == first.links["next"]["url"]
    assert "next" not in second.links
    again = dana.get("/issues", params=query, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert int(first.headers["x-ratelimit-remaining"]) < int(first.headers["x-ratelimit-limit"])


def test_strangers_and_broken_requests_are_refused(hub: Hub) -> None:
    url = str(hub.person("dana").base_url)
    for header in ("", "Bearer no", "Basic abc", "Bearer ghp_dana_0123"):
        assert httpx.get(f"{url}branches", headers={"Authorization": header}).status_code == 401
    dana = hub.person("dana")

    broken = dana.post("/check-runs", content=b"{", headers={"content-type": "application/json"})
    assert broken.status_code == 400
    for path in ("/pulls/999", "/pulls/x", "/branches/none", "/contents/none", "/issues/999"):
        assert dana.get(path).status_code == 404, path
    assert dana.get("/commits/none").status_code == 422
    wrong = {"name": "x", "head_sha": hub.sha("main"), "conclusion": "fine"}
    assert dana.post("/check-runs", json=wrong).status_code == 422


def test_every_other_answer_is_as_the_documents_say(hub: Hub, held: contract.Contract) -> None:
    dana = hub.person("dana")
    sha = hub.commit("all", {"deep.txt": "früher"}, "Say all [skip ci]", onto="develop")
    number = hub.propose("all")
    reads = [
        "/pulls?state=all", f"/pulls/{number}", f"/pulls/{number}/commits",
        f"/pulls/{number}/files", "/commits?per_page=1", f"/commits/{sha}",
        f"/commits/{sha}/pulls", "/compare/main...all",
        f"/commits/{sha}/status", "/branches", "/branches/main", "/rules/branches/main",
        "/actions/runs", "/actions/workflows", f"/git/trees/{sha}?recursive=1",
        "/collaborators/dana/permission",
    ]  # fmt: skip
    for path in reads:
        assert dana.get(path).status_code == 200, path
    assert dana.get(f"/pulls/{number}").json()["mergeable_state"] == "clean"
    file = dana.get("/contents/deep.txt", params={"ref": "all"}).json()
    assert base64.b64decode(file["content"]).decode() == "früher"
    writes: list[tuple[str, str, dict[str, Any], int]] = [
        ("POST", "/git/refs", {"ref": "refs/heads/made", "sha": sha}, 201),
        ("POST", "/git/refs", {"ref": "refs/heads/made", "sha": sha}, 422),
        ("POST", f"/statuses/{sha}", {"state": "success", "context": "x"}, 201),
        ("PATCH", f"/pulls/{number}", {"title": "Another"}, 200),
        ("PUT", "/branches/made/protection", RULES, 200),
        ("PUT", "/branches/made/protection", {}, 422),
        ("DELETE", "/branches/made/protection", {}, 204),
        ("DELETE", "/branches/made/protection", {}, 404),
        ("POST", "/deployments", {"ref": "all", "environment": "staging"}, 201),
    ]
    for method, path, body, status in writes:
        reply = dana.request(method, path, json=body or None)
        assert reply.status_code == status, (path, reply.text)
    deployment = dana.get("/deployments").json()[0]
    path = f"/deployments/{deployment['id']}/statuses"
    assert dana.post(path, json={"state": "success"}).status_code == 201
    assert dana.get(path).json()[0]["state"] == "success"
    outside = httpx.Client(base_url=hub.address, headers=dana.headers)
    assert outside.get("/user").json()["login"] == "dana"
    assert outside.get("/rate_limit").json()["rate"]["limit"] == 5000
    assert len(held.seen) > len(reads)


def test_a_workflow_file_is_read_as_far_as_it_is_carried_out() -> None:
    found = read_workflow("ci.yml", WORKFLOW)

    assert set(found.events) == {"push", "pull_request", "workflow_dispatch"}
    assert [(job.name, job.timeout_seconds) for job in found.jobs] == [("test", 3.0)]
    assert found.jobs[0].steps[-1].command == "sh ./check.sh"
    some = read_workflow("x", "on: {push: {branches: [main, 'release/*']}}\njobs: {}")
    assert some.runs_on("push", "release/1")
    assert not some.runs_on("push", "other")
    assert not some.runs_on("pull_request", "main")
    for text in ("", "jobs: 7", "on: push\njobs: {a: {}}", "a: [", "jobs: {}"):
        with pytest.raises(WorkflowInvalid):
            read_workflow("x", text)
    assert skips("Write [skip ci]")
    assert not skips("Write ci")
