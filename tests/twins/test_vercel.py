import json
from collections.abc import Iterator
from typing import Any

import pytest

from drillbook.range.cloud import TEAM, VERCEL_PROJECT_ID
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.twins.vercel import watching
from drillbook.range.twins.vercel.founding import found
from twins import standin
from twins.vercel_cloud import PROJECT, VercelCloud, vercel_cloud


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VercelCloud]:
    with vercel_cloud(tmp_path_factory.mktemp("vercel")) as running:
        yield running
        violations = running.contract.violations
        assert not violations, "\n".join(sorted(set(violations)))


def test_the_range_begins_with_earlier_releases_and_one_that_serves(twin: VercelCloud) -> None:
    listed = twin.get("/v7/deployments", projectId=VERCEL_PROJECT_ID)["deployments"]
    old, serving = (twin.deployment_of(twin.commits[release]) for release in ("1.0", "2.0"))

    assert [each["readyState"] for each in listed] == ["READY"] * 3
    assert twin.users()["release"] == "2.0"
    assert twin.users("staging")["GREETING"] == "hello from staging"
    alias = twin.get(f"/v4/aliases/{twin.cloud.app_url('production').removeprefix('http://')}")
    assert alias["deploymentId"] == serving
    project = twin.get(PROJECT)
    assert project["targets"]["production"]["id"] == serving
    assert project["autoAssignCustomDomains"] is True
    assert twin.get(f"/v13/deployments/{old}")["readySubstate"] == "PROMOTED"
    assert not found(twin.cloud, values={}, production=(), staging="")


def test_a_rollback_is_followed_turns_automatic_off_and_promote_turns_it_on(
    twin: VercelCloud,
) -> None:
    old, new = (twin.deployment_of(twin.commits[release]) for release in ("1.0", "2.0"))

    asked = twin.ask(
        "POST", f"/v1/projects/{VERCEL_PROJECT_ID}/rollback/{old}", description="it throws"
    )
    last = twin.switched()

    assert (asked.status_code, asked.content) == (201, b"")
    assert (last["jobStatus"], last["type"]) == ("succeeded", "rollback")
    assert (last["fromDeploymentId"], last["toDeploymentId"]) == (new, old)
    assert twin.users()["release"] == "1.0"
    project = twin.get(PROJECT)
    assert project["autoAssignCustomDomains"] is False
    assert project["lastRollbackTarget"]["deploymentId"] == old
    assert project["crons"]["deploymentId"] == old
    again = twin.ask("POST", f"/v9/projects/booking/rollback/{old}", {})
    assert again.status_code == 409

    promoted = twin.ask("POST", f"/v10/projects/booking/promote/{new}", {})
    assert promoted.status_code == 201
    assert twin.switched()["jobStatus"] == "succeeded"
    assert twin.users()["release"] == "2.0"
    project = twin.get(PROJECT)
    assert project["autoAssignCustomDomains"] is True
    assert project["lastRollbackTarget"] is None


def test_a_push_is_built_and_given_users_only_while_assignment_is_automatic(
    twin: VercelCloud,
) -> None:
    first = standin.commit(twin.cloud.repository, "main", "3.0")
    twin.until(lambda: twin.users()["release"] == "3.0")
    assert twin.ask("PATCH", PROJECT, {"autoAssignCustomDomains": False}).status_code == 200

    second = standin.commit(twin.cloud.repository, "main", "3.1")
    staged = twin.until(lambda: twin.deployment_of(second))
    shape = twin.until(
        lambda: (got := twin.get(f"/v13/deployments/{staged}"))["readyState"] == "READY" and got
    )

    assert shape["readySubstate"] == "STAGED"
    assert shape["aliasAssigned"] is False
    assert twin.users()["VERCEL_GIT_COMMIT_SHA"] == first
    host = twin.client.get(twin.cloud.app_url("production"), headers={"Host": shape["url"]})
    assert host.json()["release"] == "3.1"
    refused = twin.ask("POST", f"/v1/projects/booking/rollback/{staged}")
    assert refused.status_code == 422
    twin.ask("POST", f"/v10/projects/booking/promote/{staged}", {})
    assert twin.switched()["jobStatus"] == "succeeded"
    assert twin.users()["release"] == "3.1"
    assert twin.get(PROJECT)["autoAssignCustomDomains"] is True


def test_a_commit_that_does_not_build_ends_in_error_with_its_log(twin: VercelCloud) -> None:
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    commit = standin.commit(
        twin.cloud.repository, "main", "3.2", {"booking/broken.py": "def f(:\n"}
    )

    broken = twin.until(lambda: twin.deployment_of(commit))
    shape = twin.until(
        lambda: (got := twin.get(f"/v13/deployments/{broken}"))["readyState"] == "ERROR" and got
    )

    assert shape["errorCode"] == "BUILD_FAILED"
    log = twin.get(f"/v3/deployments/{broken}/events", builds="1", follow="0")
    assert log[0]["text"].startswith("Cloning the repository")
    assert log[-1]["type"] == "stderr"
    assert twin.users()["VERCEL_DEPLOYMENT_ID"] == serving
    assert twin.ask("POST", f"/v10/projects/booking/promote/{broken}", {}).status_code == 422
    standin.commit(twin.cloud.repository, "main", "3.3", {"booking/broken.py": ""})
    twin.until(lambda: twin.users()["release"] == "3.3")


def test_values_belong_to_a_build_until_it_is_made_again(twin: VercelCloud) -> None:
    env = "/v10/projects/booking/env"
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    wish = {"key": "GREETING", "value": "good day", "type": "encrypted", "target": ["production"]}

    refused = twin.ask("POST", env, wish)
    changed = twin.ask("POST", env, wish, upsert="true")

    assert refused.json()["error"]["code"] == "ENV_CONFLICT"
    assert changed.status_code == 201
    record = changed.json()["created"]
    assert record["updatedAt"] > twin.get(f"/v13/deployments/{serving}")["createdAt"]
    assert twin.users()["GREETING"] == "hello"
    for sealed in (record, *twin.get(env)["envs"]):
        assert "good day" not in json.dumps(sealed)
    assert twin.get(f"/v1/projects/booking/env/{record['id']}")["value"] == "good day"
    again = twin.ask(
        "POST",
        "/v13/deployments",
        {"name": "booking", "deploymentId": serving, "target": "production", "meta": {"a": "b"}},
        forceNew="1",
    ).json()
    twin.until(lambda: twin.users()["VERCEL_DEPLOYMENT_ID"] == again["id"])
    assert twin.users()["GREETING"] == "good day"
    assert again["meta"]["a"] == "b"
    assert again["meta"]["originalDeploymentId"] == serving
    assert "GREETING" in again["env"]
    assert b"good day" not in (twin.cloud.folder / "vercel.db").read_bytes()


def test_values_are_made_changed_and_removed_for_targets_and_branches(twin: VercelCloud) -> None:
    env = "/v10/projects/booking/env"
    many = [
        {"key": "A_FLAG", "value": "1", "type": "plain", "target": ["preview"]},
        {"key": "A_KEY", "value": "s", "type": "sensitive", "target": ["production"]},
    ]

    created = twin.ask("POST", env, many).json()["created"]
    plain, sensitive = created
    patched = twin.ask("PATCH", f"{PROJECT}/env/{plain['id']}", {"value": "2"}).json()

    assert (plain["value"], patched["value"]) == ("1", "2")
    assert twin.get(f"/v1/projects/booking/env/{sensitive['id']}")["value"] == ""
    keys = [each["key"] for each in twin.get(env, target="production")["envs"]]
    assert "A_KEY" in keys
    assert "A_FLAG" not in keys
    assert twin.ask("POST", env, {"key": "X", "type": "plain", "value": "1"}).status_code == 400
    for each in created:
        assert twin.ask("DELETE", f"{PROJECT}/env/{each['id']}").status_code == 200
    assert twin.ask("DELETE", f"{PROJECT}/env/{plain['id']}").status_code == 404


def test_lists_are_paged_and_filtered(twin: VercelCloud) -> None:
    pages: list[Any] = []
    until: dict[str, Any] = {}
    while not pages or pages[-1]["pagination"]["next"]:
        pages.append(twin.get("/v7/deployments", limit=2, **until))
        until = {"until": pages[-1]["pagination"]["next"]}

    listed = [each["uid"] for page in pages for each in page["deployments"]]
    assert len(listed) == len(set(listed))
    assert len(listed) >= 3
    assert listed == [each["uid"] for each in twin.get("/v6/deployments")["deployments"]]
    candidates = twin.get("/v7/deployments", rollbackCandidate="true")["deployments"]
    assert all(each["readySubstate"] == "PROMOTED" for each in candidates)
    assert twin.get("/v7/deployments", branch="develop", state="READY,ERROR")["deployments"]
    assert not twin.get("/v7/deployments", sha="0" * 40)["deployments"]
    assert twin.ask("GET", "/v7/deployments", limit="many").status_code == 400


def test_who_may_not_ask_is_told_so(twin: VercelCloud) -> None:
    bare = twin.client.get(f"{twin.url}/v2/user")
    wrong = twin.client.get(f"{twin.url}/v2/user", headers={"Authorization": "Bearer nobody"})
    other = twin.ask("GET", PROJECT, teamId="team_other")
    headers = {"Authorization": f"Bearer {twin.cloud.token('vercel')}"}
    alone = twin.client.get(f"{twin.url}{PROJECT}", headers=headers)

    assert (bare.status_code, wrong.status_code) == (401, 403)
    assert wrong.json()["error"]["invalidToken"] is True
    assert (other.status_code, other.json()["error"]["code"]) == (403, "forbidden")
    assert (alone.status_code, alone.json()["error"]["code"]) == (404, "not_found")
    assert twin.ask("GET", "/v13/deployments/dpl_nothing").status_code == 404
    assert twin.get("/v2/user")["user"]["defaultTeamId"] == TEAM
    assert twin.get(f"/v2/teams/{TEAM}")["id"] == twin.get("/v2/teams")["teams"][0]["id"]


def test_a_rolling_release_gives_users_by_stages_and_a_rollback_ends_it(twin: VercelCloud) -> None:
    rolling = f"/v1/projects/{VERCEL_PROJECT_ID}/rolling-release"
    stable = twin.users()["VERCEL_DEPLOYMENT_ID"]
    stages = [{"targetPercentage": 10}, {"targetPercentage": 50}, {"targetPercentage": 100}]
    twin.ask("PATCH", f"{rolling}/config", {"stages": stages})

    commit = standin.commit(twin.cloud.repository, "main", "4.0", {"booking/broken.py": ""})
    shown = twin.until(lambda: twin.get(rolling)["rollingRelease"])
    canary = twin.deployment_of(commit)

    assert shown["activeStage"]["targetPercentage"] == 10
    assert shown["canaryDeployment"]["uid"] == canary
    forced = twin.client.get(twin.cloud.app_url("production"), params={"vcrrForceCanary": "true"})
    assert forced.json()["release"] == "4.0"
    twin.client.cookies.clear()
    body = {"nextStageIndex": 1, "canaryDeploymentId": canary}
    assert twin.ask("POST", f"{rolling}/approve-stage", body).status_code == 200
    assert twin.ask("POST", f"{rolling}/approve-stage", body).status_code == 409
    twin.ask("POST", f"/v1/projects/booking/rollback/{stable}")
    assert twin.switched()["jobStatus"] == "succeeded"
    assert twin.users()["VERCEL_DEPLOYMENT_ID"] == stable
    assert twin.get(rolling)["rollingRelease"]["state"] == "ABORTED"
    twin.ask("PATCH", PROJECT, {"autoAssignCustomDomains": True})
    start = {"canaryDeploymentId": canary}
    assert twin.ask("POST", f"{rolling}/start", start).status_code == 200
    assert twin.ask("POST", f"{rolling}/complete", start).status_code == 200
    assert twin.users()["release"] == "4.0"
    twin.ask("DELETE", f"{rolling}/config")


def test_ready_is_not_serving_when_the_alias_fails(
    twin: VercelCloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    documents = twin.cloud.documents("vercel")
    documents.put("fault", "alias", {})
    try:
        commit = standin.commit(twin.cloud.repository, "main", "5.0", {"booking/broken.py": ""})
        failed = twin.until(
            lambda: (
                (name := twin.deployment_of(commit))
                and (got := twin.get(f"/v13/deployments/{name}"))["aliasError"]
                and got
            )
        )
    finally:
        documents.remove("fault", "alias")

    assert failed["readyState"] == "READY"
    assert failed["aliasAssigned"] is False
    assert twin.users()["VERCEL_DEPLOYMENT_ID"] == serving
    documents.put("fault", "edge", {})
    try:
        twin.ask("POST", f"/v10/projects/booking/promote/{failed['id']}", {})
        assert twin.switched()["jobStatus"] == "succeeded"
        assert twin.users()["VERCEL_DEPLOYMENT_ID"] == serving
        ready = twin.get("/v7/deployments", target="production", state="READY")["deployments"]
        nobodys = next(one["uid"] for one in ready if one["uid"] not in {serving, failed["id"]})
        idle = AppProcess(twin.cloud.deployments / nobodys)
        idle.start(tied=True)
        before = AppProcess(twin.cloud.deployments / serving).identity()
        monkeypatch.setattr(watching, "IDLE_SECONDS", 0.0)
        twin.until(lambda: idle.identity() is None)
        monkeypatch.undo()
        # Whom the edge gives users to is not idle, whatever the record says.
        assert AppProcess(twin.cloud.deployments / serving).identity() == before
    finally:
        documents.remove("fault", "edge")
    twin.until(lambda: twin.users()["release"] == "5.0")
    documents.close()


def test_a_build_may_be_cancelled_and_one_that_ended_may_not(twin: VercelCloud) -> None:
    settings = {"vercel.json": '{"buildCommand": "sleep 60"}'}
    commit = standin.commit(twin.cloud.repository, "develop", "6.0", settings)
    body = {
        "name": "booking",
        "gitSource": {"type": "github", "org": "drillbook-range", "repo": "booking"},
    }
    body["gitSource"] |= {"ref": "develop", "sha": commit}  # type: ignore[operator]  # a mixed dict

    slow = twin.until(lambda: twin.deployment_of(commit, target="preview"))
    twin.until(lambda: twin.get(f"/v13/deployments/{slow}")["readyState"] == "BUILDING")
    same = twin.ask("POST", "/v13/deployments", body).json()
    cancelled = twin.ask("PATCH", f"/v12/deployments/{slow}/cancel").json()

    assert same["id"] == slow
    assert cancelled["readyState"] == "CANCELED"
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    assert twin.ask("DELETE", f"/v13/deployments/{serving}").status_code == 400
    assert twin.ask("PATCH", f"/v12/deployments/{slow}/cancel").status_code == 400
    assert twin.ask("DELETE", f"/v13/deployments/{slow}").json()["state"] == "DELETED"
    assert twin.ask("GET", f"/v13/deployments/{slow}").status_code == 404
    assert not (twin.cloud.deployments / slow).exists()
    assert twin.users("staging")["release"] == "2.1"


def test_checks_logs_aliases_and_the_firewall_are_kept(twin: VercelCloud) -> None:
    serving = twin.users()["VERCEL_DEPLOYMENT_ID"]
    checks = f"/v1/deployments/{serving}/checks"
    firewall = "/v1/security/firewall/config"
    ip = {"hostname": "*", "ip": "203.0.113.7", "action": "deny"}

    check = twin.ask("POST", checks, {"name": "smoke", "blocking": True}).json()
    twin.ask("PATCH", f"{checks}/{check['id']}", {"status": "completed", "conclusion": "failed"})
    logs = twin.ask("GET", f"/v1/projects/booking/deployments/{serving}/runtime-logs")
    patch = {"action": "ip.insert", "value": ip}
    twin.ask("PATCH", firewall, patch, projectId=VERCEL_PROJECT_ID)
    attack = {"projectId": VERCEL_PROJECT_ID, "attackModeEnabled": True}

    assert twin.get(checks)["checks"][0]["conclusion"] == "failed"
    lines = [json.loads(line) for line in logs.text.splitlines()]
    assert lines[-1]["responseStatusCode"] == 200
    assert twin.get(f"/v2/deployments/{serving}/aliases")["aliases"]
    active = twin.get(f"{firewall}/active", projectId=VERCEL_PROJECT_ID)
    assert active["ips"][0]["ip"] == "203.0.113.7"
    assert twin.ask("POST", "/v1/security/attack-mode", attack).json()["attackModeEnabled"]
    assert twin.get(PROJECT)["security"]["attackModeEnabled"] is True
