"""Check runs and commit statuses: what is said of exactly one commit."""

from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page, wrong
from drillbook.range.twins.github.people import number_of
from drillbook.range.twins.github.shapes import MADE, node
from drillbook.range.twins.github.twin import PAST, GitHub, now

STATUSES = {"queued", "in_progress", "completed", "waiting", "requested", "pending"}
CONCLUSIONS = {
    "success", "failure", "neutral", "cancelled", "skipped", "timed_out", "action_required",
}  # fmt: skip
_WORDS = {"error", "failure", "pending", "success"}
FIRST = 300_001


def put(hub: GitHub, name: str, sha: str, run: int = 0) -> Json:
    """Remember a new check run, queued; call it inside `documents.locked()`."""
    number = hub.next_number("check", FIRST)
    check: Json = {
        "id": number, "name": name, "head_sha": sha, "status": "queued", "conclusion": None,
        "started_at": now(), "completed_at": None, "run": run, "external_id": "",
        "output": {"title": None, "summary": None, "text": None}, "by": "github-actions",
    }  # fmt: skip
    hub.documents.put("check", str(number), check)
    return check


def create(hub: GitHub, asked: Asked) -> Reply:
    """Say something of a commit, as a program other than the workflow does."""
    name, sha = asked.text("name"), asked.text("head_sha")
    hub.sha(sha, 422, f"No commit found for SHA: {sha}")
    with hub.documents.locked():
        check = put(hub, name, sha) | {"by": asked.login}
        _change(check, asked)
        hub.documents.put("check", str(check["id"]), check)
    return Reply(201, shown(hub, check))


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show a check run."""
    return Reply(200, shown(hub, hub.find("check", asked.number("check"))))


def change(hub: GitHub, asked: Asked) -> Reply:
    """Say how a check run goes on."""
    with hub.documents.locked():
        check = hub.find("check", asked.number("check"))
        _change(check, asked)
        hub.documents.put("check", str(check["id"]), check)
    return Reply(200, shown(hub, check))


def _change(check: Json, asked: Asked) -> None:
    status, conclusion = asked.optional("status"), asked.optional("conclusion")
    if (status and status not in STATUSES) or (conclusion and conclusion not in CONCLUSIONS):
        raise wrong("unknown status or conclusion")
    if status == "completed" and not conclusion:
        raise wrong("conclusion is missing")
    if conclusion:
        check |= {"status": "completed", "conclusion": conclusion, "completed_at": now()}
    elif status:
        check |= {"status": status, "conclusion": None, "completed_at": None}
    output = asked.body.get("output")
    if isinstance(output, dict):
        check["output"] |= {key: output.get(key) for key in ("title", "summary", "text")}


def of_commit(hub: GitHub, asked: Asked) -> Reply:
    """List the check runs of a commit; of each name the latest, unless all are asked for."""
    ref = asked.path["ref"]
    sha = hub.sha(ref, 422, f"No commit found for SHA: {ref}")
    hub.documents.remove(PAST, sha)
    found = [one for one in hub.documents.all("check") if one["head_sha"] == sha]
    if asked.query.get("filter", "latest") == "latest":
        found = list({one["name"]: one for one in found}.values())
    name, status = asked.query.get("check_name"), asked.query.get("status")
    chosen = [
        one for one in found if name in {None, one["name"]} and status in {None, one["status"]}
    ]
    return page(asked, [shown(hub, one) for one in reversed(chosen)], "check_runs")


def set_status(hub: GitHub, asked: Asked) -> Reply:
    """Set a commit status."""
    sha = asked.path["ref"]
    if hub.sha(sha, 422, f"No commit found for SHA: {sha}") != sha:
        raise Said(422, "Sha is not a full id")
    state = asked.text("state")
    if state not in _WORDS:
        raise Said(422, "Validation Failed", [{"resource": "Status", "field": "state"}])
    with hub.documents.locked():
        number = hub.next_number("status", 400_001)
        status: Json = {
            "id": number, "sha": sha, "state": state, "by": asked.login, "at": now(),
            "context": asked.optional("context", "default"),
            "description": asked.optional("description"),
            "target_url": asked.optional("target_url") or None,
        }  # fmt: skip
        hub.documents.put("status", str(number), status)
    creator = {"creator": hub.shapes.user(asked.login)}
    return Reply(201, _status(hub, status) | creator)


def combined(hub: GitHub, asked: Asked) -> Reply:
    """Show the latest status of each context of a commit, and all of them in one word."""
    sha = hub.sha(asked.path["ref"])
    latest = {one["context"]: one for one in hub.documents.all("status") if one["sha"] == sha}
    states = {one["state"] for one in latest.values()}
    bad, unfinished = states & {"error", "failure"}, not states or "pending" in states
    state = "failure" if bad else "pending" if unfinished else "success"
    url = f"{hub.shapes.api}/commits/{sha}"
    reply = page(asked, [_status(hub, one) for one in latest.values()])
    return Reply(200, {
        "state": state, "sha": sha, "total_count": len(latest), "statuses": reply.body,
        "repository": hub.shapes.minimal_repository(), "commit_url": url, "url": f"{url}/status",
    }, reply.headers)  # fmt: skip


def _status(hub: GitHub, status: Json) -> Json:
    face = hub.shapes.user(status["by"])["avatar_url"]
    return {
        "id": status["id"], "node_id": node("SC", status["id"]), "state": status["state"],
        "context": status["context"], "description": status["description"],
        "target_url": status["target_url"], "avatar_url": face,
        "url": f"{hub.shapes.api}/statuses/{status['sha']}", "created_at": status["at"],
        "updated_at": status["at"],
    }  # fmt: skip


def shown(hub: GitHub, check: Json) -> Json:
    """Show a check run."""
    url = f"{hub.shapes.api}/check-runs/{check['id']}"
    web = f"{hub.shapes.web}/runs/{check['id']}"
    if check["run"]:
        web = f"{hub.shapes.web}/actions/runs/{check['run']}/job/{check['id']}"
    output = check["output"] | {"annotations_count": 0, "annotations_url": f"{url}/annotations"}
    return {
        "id": check["id"], "node_id": node("CR", check["id"]), "head_sha": check["head_sha"],
        "name": check["name"], "url": url, "html_url": web, "details_url": web,
        "external_id": check["external_id"], "status": check["status"],
        "conclusion": check["conclusion"], "started_at": check["started_at"],
        "completed_at": check["completed_at"], "output": output, "pull_requests": [],
        "check_suite": {"id": check["run"] or check["id"]}, "app": _app(hub, check["by"]),
    }  # fmt: skip


def _app(hub: GitHub, slug: str) -> Json:
    return {
        "id": number_of(slug), "slug": slug, "node_id": node("A", slug), "name": slug,
        "owner": hub.shapes.user("github"), "description": "", "created_at": MADE,
        "external_url": f"{hub.shapes.hub}/features/actions", "updated_at": MADE,
        "html_url": f"{hub.shapes.hub}/apps/{slug}", "permissions": {}, "events": [],
    }  # fmt: skip
