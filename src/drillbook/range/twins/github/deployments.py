"""Deployments and their statuses, as a hosting platform writes them down."""

from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page
from drillbook.range.twins.github.shapes import node
from drillbook.range.twins.github.twin import GitHub, now

_STATES = {"error", "failure", "inactive", "pending", "success", "queued", "in_progress"}


def create(hub: GitHub, asked: Asked) -> Reply:
    """Write down that a commit goes to an environment."""
    ref = asked.text("ref")
    sha = hub.sha(ref, 422, f"No ref found for: {ref}")
    with hub.documents.locked():
        number = hub.next_number("deployment", 500_001)
        made: Json = {
            "id": number, "sha": sha, "ref": ref, "by": asked.login, "at": now(),
            "environment": asked.optional("environment", "production"),
            "description": asked.optional("description"), "task": asked.optional("task", "deploy"),
            "payload": asked.body.get("payload") or {},
        }  # fmt: skip
        hub.documents.put("deployment", str(number), made)
    return Reply(201, _shown(hub, made))


def list_(hub: GitHub, asked: Asked) -> Reply:
    """List deployments, the newest first."""
    wanted = {key: asked.query[key] for key in ("sha", "ref", "environment") if key in asked.query}
    found = [
        made
        for made in reversed(hub.documents.all("deployment"))
        if all(made[key] == value for key, value in wanted.items())
    ]
    return page(asked, [_shown(hub, made) for made in found])


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show a deployment."""
    return Reply(200, _shown(hub, hub.find("deployment", asked.number("deployment"))))


def say(hub: GitHub, asked: Asked) -> Reply:
    """Say how a deployment goes."""
    state = asked.text("state")
    if state not in _STATES:
        raise Said(422, "Validation Failed", [{"resource": "DeploymentStatus", "field": "state"}])
    with hub.documents.locked():
        deployment = hub.find("deployment", asked.number("deployment"))
        number = hub.next_number("deployment-status", 550_001)
        made: Json = {
            "id": number, "deployment": deployment["id"], "state": state, "by": asked.login,
            "description": asked.optional("description"), "at": now(),
            "environment": deployment["environment"], "target_url": asked.optional("target_url"),
            "environment_url": asked.optional("environment_url"),
            "log_url": asked.optional("log_url"),
        }  # fmt: skip
        hub.documents.put("deployment-status", str(number), made)
    return Reply(201, _status(hub, made))


def statuses(hub: GitHub, asked: Asked) -> Reply:
    """List what was said of a deployment, the newest first."""
    number = hub.find("deployment", asked.number("deployment"))["id"]
    found = [one for one in hub.documents.all("deployment-status") if one["deployment"] == number]
    return page(asked, [_status(hub, one) for one in reversed(found)])


def _shown(hub: GitHub, made: Json) -> Json:
    url = f"{hub.shapes.api}/deployments/{made['id']}"
    return {
        "id": made["id"], "node_id": node("DE", made["id"]), "url": url, "sha": made["sha"],
        "ref": made["ref"], "task": made["task"], "payload": made["payload"],
        "environment": made["environment"], "original_environment": made["environment"],
        "description": made["description"], "creator": hub.shapes.user(made["by"]),
        "created_at": made["at"], "updated_at": made["at"], "statuses_url": f"{url}/statuses",
        "repository_url": hub.shapes.api, "transient_environment": False,
        "production_environment": made["environment"] == "production",
    }  # fmt: skip


def _status(hub: GitHub, made: Json) -> Json:
    deployment = f"{hub.shapes.api}/deployments/{made['deployment']}"
    return {
        "id": made["id"], "node_id": node("DS", made["id"]), "state": made["state"],
        "url": f"{deployment}/statuses/{made['id']}", "creator": hub.shapes.user(made["by"]),
        "description": made["description"], "environment": made["environment"],
        "target_url": made["target_url"], "environment_url": made["environment_url"],
        "log_url": made["log_url"], "deployment_url": deployment,
        "repository_url": hub.shapes.api, "created_at": made["at"], "updated_at": made["at"],
    }  # fmt: skip
