"""The API of the project: its settings, promoting, rolling back, pausing, rolling releases."""

from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem, Said
from drillbook.range.twins.vercel.shapes import is_rollback_candidate, listed, project_shape
from drillbook.range.twins.vercel.switching import (
    OPEN,
    ask_for_switch,
    move_rollout,
    start_rollout,
)

SETTABLE = {"autoAssignCustomDomains": bool, "nodeVersion": str, "publicSource": bool}
SETTABLE |= {"gitForkProtection": bool, "skewProtectionMaxAge": int}


def list_projects(asked: Asked) -> object:
    """Answer GET /v10/projects (and v9)."""
    shown = [project_shape(asked.hosting)] if asked.has_team else []
    search = asked.query.get("search", "")
    shown = [each for each in shown if search in each["name"]]
    return {"projects": shown, "pagination": {"count": len(shown), "next": None, "prev": None}}


def get_project(asked: Asked) -> object:
    """Answer GET /v9/projects/{idOrName}."""
    asked.project()
    return project_shape(asked.hosting)


def change_project(asked: Asked) -> object:
    """Answer PATCH /v9/projects/{idOrName}."""
    project = asked.project()
    body = asked.body if isinstance(asked.body, dict) else {}
    for name, value in body.items():
        kind = SETTABLE.get(name)
        if kind is None:
            raise Problem(
                400,
                "bad_request",
                f"Invalid request: should NOT have additional property `{name}`.",
            )
        if type(value) is not kind:
            raise Problem(
                400, "bad_request", f"Invalid request: `{name}` should be {kind.__name__}."
            )
    settings = project["settings"] | body
    automatic = settings.pop("autoAssignCustomDomains", project["autoAssignCustomDomains"])
    asked.hosting.change_project(settings=settings, autoAssignCustomDomains=automatic)
    return project_shape(asked.hosting)


def promote(asked: Asked) -> object:
    """Answer POST /v10/projects/{projectId}/promote/{deploymentId}."""
    with asked.hosting.documents.locked():
        found = _may_switch(asked)
        if found["target"] != "production":
            raise Problem(422, "unprocessable_entity", "Only production deployments are promoted.")
        rollout = asked.hosting.project().get("rollout")
        ask_for_switch(asked.hosting, "production", found["id"], "promote")
    active = rollout is not None and rollout["state"] == "ACTIVE"
    return Said(202 if active else 201)


def roll_back(asked: Asked) -> object:
    """Answer POST /v1/projects/{projectId}/rollback/{deploymentId} (the CLI says v9)."""
    with asked.hosting.documents.locked():
        found = _may_switch(asked)
        if not is_rollback_candidate(found):
            raise Problem(
                422,
                "unprocessable_entity",
                "The deployment has not served production, so it is no rollback candidate.",
            )
        alias = asked.hosting.alias("production")
        rollout = asked.hosting.project().get("rollout") or {}
        if alias and alias["deploymentId"] == found["id"] and rollout.get("state") != "ACTIVE":
            raise Problem(409, "conflict", "The deployment is production's current one already.")
        because = asked.query.get("description", "")
        ask_for_switch(asked.hosting, "production", found["id"], "rollback", because)
    return Said(201)


def _may_switch(asked: Asked) -> Document:
    project, found = asked.project(), asked.deployment()
    last = project["lastAliasRequest"] or {}
    if last.get("jobStatus") in OPEN:
        raise Problem(409, "conflict", "Another promote or rollback is in progress.")
    if found["state"] != "READY":
        raise Problem(422, "unprocessable_entity", f"The deployment is {found['state']}.")
    return found


def switched_aliases(asked: Asked) -> object:
    """Answer GET …/promote/aliases and …/rollback/aliases: how the last switch went."""
    last = asked.project()["lastAliasRequest"] or {}
    status = last.get("jobStatus", "succeeded")
    alias = asked.hosting.alias("production")
    shown = [{"status": status, "alias": alias["alias"], "id": alias["uid"]}] if alias else []
    if asked.query.get("failedOnly") == "true" and status != "failed":
        shown = []
    return {"aliases": shown, "pagination": {"count": len(shown), "next": None, "prev": None}}


def rolling_release(asked: Asked) -> object:
    """Answer GET /v1/projects/{idOrName}/rolling-release."""
    rollout = asked.project().get("rollout")
    wanted = asked.query.get("state")
    if rollout is None or (wanted and rollout["state"] != wanted):
        return {"rollingRelease": None}
    return {"rollingRelease": _shown(asked, rollout)}


def rolling_config(asked: Asked) -> object:
    """Answer GET /v1/projects/{idOrName}/rolling-release/config."""
    return {"rollingRelease": asked.project()["rollingRelease"]}


def change_rolling_config(asked: Asked) -> object:
    """Answer PATCH …/rolling-release/config, and DELETE, which has no body."""
    asked.project()
    config: Document | None = None
    if asked.body:
        stages = [
            {
                "targetPercentage": stage["targetPercentage"],
                "requireApproval": stage.get("requireApproval", True),
            }
            for stage in asked.said("stages") or []
        ]
        if not stages or stages[-1]["targetPercentage"] != 100:  # noqa: PLR2004 - per cent
            raise Problem(400, "bad_request", "The last stage should give 100 %.")
        config = {"target": "production", "stages": stages}
    asked.hosting.change_project(rollingRelease=config)
    return {"rollingRelease": config}


def start_rolling(asked: Asked) -> object:
    """Answer POST …/rolling-release/start {canaryDeploymentId}."""
    with asked.hosting.documents.locked():
        project, alias = asked.project(), asked.hosting.alias("production")
        found = asked.hosting.deployment(str(asked.said("canaryDeploymentId")))
        if found is None or alias is None:
            raise Problem(404, "not_found", "The deployment could not be found")
        if not project["rollingRelease"] or (project.get("rollout") or {}).get("state") == "ACTIVE":
            raise Problem(409, "conflict", "Not configured, or one is active.")
        rollout = start_rollout(asked.hosting, alias["deploymentId"], found["id"])
    return {"rollingRelease": _shown(asked, rollout)}


def approve_stage(asked: Asked) -> object:
    """Answer POST …/rolling-release/approve-stage {nextStageIndex, canaryDeploymentId}."""
    with asked.hosting.documents.locked():
        rollout = _active(asked)
        index = asked.said("nextStageIndex")
        if index != rollout["index"] + 1:
            raise Problem(409, "conflict", f"The next stage is {rollout['index'] + 1}.")
        moved = move_rollout(asked.hosting, rollout, index)
    return {"rollingRelease": _shown(asked, moved)}


def complete_rolling(asked: Asked) -> object:
    """Answer POST …/rolling-release/complete {canaryDeploymentId}."""
    with asked.hosting.documents.locked():
        rollout = _active(asked)
        moved = move_rollout(asked.hosting, rollout, len(rollout["stages"]) - 1)
    return {"rollingRelease": _shown(asked, moved)}


def _active(asked: Asked) -> Document:
    rollout = asked.project().get("rollout")
    if not rollout or rollout["state"] != "ACTIVE":
        raise Problem(404, "not_found", "There is no active rolling release.")
    if asked.said("canaryDeploymentId") != rollout["canaryDeployment"]:
        raise Problem(409, "conflict", "Another deployment is being released.")
    found: Document = rollout
    return found


def _shown(asked: Asked, rollout: Document) -> Document:
    stages = [
        {"index": index, "isFinalStage": index == len(rollout["stages"]) - 1, **stage}
        for index, stage in enumerate(rollout["stages"])
    ]
    active = stages[rollout["index"]]
    deployments = {
        name: listed(found) if (found := asked.hosting.deployment(rollout[name])) else None
        for name in ("currentDeployment", "canaryDeployment")
    }
    return {
        **deployments,
        "state": rollout["state"],
        "queuedDeploymentId": None,
        "advancementType": "manual-approval",
        "stages": stages,
        "activeStage": active if rollout["state"] == "ACTIVE" else None,
        "nextStage": None if active["isFinalStage"] else stages[rollout["index"] + 1],
        "startedAt": rollout["startedAt"],
        "updatedAt": rollout["updatedAt"],
    }


_ROLLING = "/v1/projects/{project}/rolling-release"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v9/projects", list_projects),
    ("GET", "/v10/projects", list_projects),
    ("GET", "/v9/projects/{project}", get_project),
    ("PATCH", "/v9/projects/{project}", change_project),
    ("POST", "/v10/projects/{project}/promote/{deployment}", promote),
    ("POST", "/v1/projects/{project}/rollback/{deployment}", roll_back),
    ("POST", "/v9/projects/{project}/rollback/{deployment}", roll_back),
    ("GET", "/v1/projects/{project}/promote/aliases", switched_aliases),
    ("GET", "/v9/projects/{project}/promote/aliases", switched_aliases),
    ("GET", "/v9/projects/{project}/rollback/aliases", switched_aliases),
    ("GET", _ROLLING, rolling_release),
    ("GET", f"{_ROLLING}/config", rolling_config),
    ("PATCH", f"{_ROLLING}/config", change_rolling_config),
    ("DELETE", f"{_ROLLING}/config", change_rolling_config),
    ("POST", f"{_ROLLING}/start", start_rolling),
    ("POST", f"{_ROLLING}/approve-stage", approve_stage),
    ("POST", f"{_ROLLING}/complete", complete_rolling),
)
