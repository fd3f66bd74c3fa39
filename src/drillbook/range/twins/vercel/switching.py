"""Giving users another deployment: asked for in one moment, carried out in a later one."""

from contextlib import suppress

from drillbook.core.errors import DrillbookError
from drillbook.range.hosting.alias import Alias, read_alias, write_alias
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.records import Hosting, new_id, now_ms

OPEN = ("pending", "in-progress")
# How long a new app may take to start before its users wait for it.
WARM_SECONDS = 5.0


def ask_for_switch(
    hosting: Hosting, environment: str, deployment: str, kind: str, because: str = ""
) -> Document:
    """Note that an environment's users are to be given a deployment: assign, promote, rollback."""
    with hosting.documents.locked():
        alias = hosting.alias(environment)
        job = {
            "id": new_id("job_"),
            "environment": environment,
            "type": kind,
            "fromDeploymentId": alias["deploymentId"] if alias else "",
            "toDeploymentId": deployment,
            "jobStatus": "pending",
            "requestedAt": now_ms(),
            "description": because,
        }
        _put(hosting, job)
    hosting.due.set()
    return job


def gives_by_itself(hosting: Hosting) -> bool:
    """Whether a new build is given production's users; a rollback counts from its request on."""
    jobs = hosting.documents.all("switch")
    leaving = any(job["type"] == "rollback" and job["jobStatus"] in OPEN for job in jobs)
    return bool(hosting.project()["autoAssignCustomDomains"]) and not leaving


def due_switches(hosting: Hosting) -> list[Document]:
    """Return the switches to be carried out, oldest first; a promote waits for a rollout's end."""
    rollout = hosting.project().get("rollout") or {}
    waits = "promote" if rollout.get("state") == "ACTIVE" else ""
    jobs = hosting.documents.all("switch")
    return [job for job in jobs if job["jobStatus"] in OPEN and job["type"] != waits]


def carry_out_switch(hosting: Hosting, job: Document) -> None:
    """Carry a switch out, also one whose worker was killed in the middle of it."""
    with hosting.documents.locked():
        if _is_late(hosting, job):
            _put(hosting, job | {"jobStatus": "skipped"})
            return
        job = job | {"jobStatus": "in-progress"}
        _put(hosting, job)
    app = AppProcess(hosting.folder(job["toDeploymentId"]))
    # An app that does not start serves its errors, as the platform would let it.
    with suppress(DrillbookError, OSError):
        app.start(tied=hosting.tied)
        app.wait_until_it_takes_requests(WARM_SECONDS)
    carry_out_without_app(hosting, job)


def carry_out_without_app(hosting: Hosting, job: Document) -> None:
    """Carry a switch out and leave the start of the app to the first request."""
    with hosting.documents.locked():
        if (hosting.documents.get("switch", job["id"]) or {}).get("jobStatus") not in OPEN:
            return  # called off while the app started
        if hosting.fault("alias") is not None:
            _fail(hosting, job)
        else:
            _switch(hosting, job)


def rollout_starts(hosting: Hosting, job: Document) -> bool:
    """Whether a switch gives users to the new release by and by."""
    config = hosting.project()["rollingRelease"]
    return bool(config) and job["environment"] == "production" and job["type"] != "rollback"


def _switch(hosting: Hosting, job: Document) -> None:
    environment, to = job["environment"], job["toDeploymentId"]
    alias = hosting.documents.get("alias", environment)
    if rollout_starts(hosting, job) and alias and alias["deploymentId"] != to:
        start_rollout(hosting, alias["deploymentId"], to)
    else:
        give_all(hosting, environment, to)
    if job["type"] == "rollback":
        target = {"deploymentId": to, "fromDeploymentId": job["fromDeploymentId"]}
        target["description"] = job["description"]
        hosting.change_project(autoAssignCustomDomains=False, lastRollbackTarget=target)
    elif job["type"] == "promote":  # it ends what a rollback left: users get new builds again
        hosting.change_project(autoAssignCustomDomains=True, lastRollbackTarget=None)
    _put(hosting, job | {"jobStatus": "succeeded", "endedAt": now_ms()})


def give_all(hosting: Hosting, environment: str, to: str) -> None:
    """Give all users of an environment to a deployment."""
    made = now_ms()
    alias = hosting.documents.get("alias", environment)
    if alias is None:
        alias = {"uid": new_id("als_", 20), "environment": environment, "createdAt": made}
    hosting.documents.put("alias", environment, alias | {"deploymentId": to, "updatedAt": made})
    if environment == "production":
        hosting.change_deployment(to, substate="PROMOTED")
        _end_rollout(hosting)
    hosting.change_deployment(to, aliasAssigned=made, aliasError=None)
    # With this fault the record says one thing and the edge does another.
    if hosting.fault("edge") is None:
        write_alias(hosting.cloud.environment(environment), Alias(to))


def align_edge(hosting: Hosting) -> None:
    """Let each edge do what the record says, unless the fault that keeps them apart is on."""
    if hosting.fault("edge") is not None:
        return
    for alias in hosting.aliases():
        folder = hosting.cloud.environment(alias["environment"])
        found, wanted = read_alias(folder), _wanted(hosting, alias)
        if found != wanted:
            write_alias(folder, wanted)


def start_rollout(hosting: Hosting, stable: str, canary: str) -> Document:
    """Begin to give a deployment the first stage's share of production's users."""
    stages = hosting.project()["rollingRelease"]["stages"]
    rollout = {
        "state": "ACTIVE",
        "currentDeployment": stable,
        "canaryDeployment": canary,
        "stages": stages,
        "index": 0,
        "startedAt": now_ms(),
        "updatedAt": now_ms(),
    }
    hosting.change_deployment(canary, substate="ROLLING")
    return move_rollout(hosting, rollout, 0)


def move_rollout(hosting: Hosting, rollout: Document, index: int) -> Document:
    """Go to a stage of a rollout; the last stage gives the canary everybody."""
    rollout = rollout | {"index": index, "updatedAt": now_ms()}
    share = rollout["stages"][index]["targetPercentage"]
    if share >= 100:  # noqa: PLR2004 - per cent
        rollout["state"] = "COMPLETE"
        give_all(hosting, "production", rollout["canaryDeployment"])
        hosting.change_project(rollout=rollout)
        return rollout
    hosting.change_project(rollout=rollout)
    align_edge(hosting)
    return rollout


def _end_rollout(hosting: Hosting) -> None:
    rollout = hosting.project().get("rollout")
    if rollout and rollout["state"] == "ACTIVE":
        hosting.change_project(rollout=rollout | {"state": "ABORTED", "updatedAt": now_ms()})


def _wanted(hosting: Hosting, alias: Document) -> Alias:
    rollout = hosting.project().get("rollout")
    if alias["environment"] != "production" or not rollout or rollout["state"] != "ACTIVE":
        return Alias(alias["deploymentId"])
    share = rollout["stages"][rollout["index"]]["targetPercentage"] / 100
    return Alias(alias["deploymentId"], rollout["canaryDeployment"], share)


def _is_late(hosting: Hosting, job: Document) -> bool:
    """Whether a build that ended late would take the users from one made after it."""
    alias = hosting.documents.get("alias", job["environment"])
    if job["type"] != "assign" or alias is None:
        return False
    serving = hosting.documents.get("deployment", alias["deploymentId"])
    mine = hosting.documents.get("deployment", job["toDeploymentId"])
    return bool(serving and mine and serving["created"] > mine["created"])


def _fail(hosting: Hosting, job: Document) -> None:
    error = {"code": "alias_failed", "message": "The alias could not be assigned."}
    hosting.change_deployment(job["toDeploymentId"], aliasError=error)
    _put(hosting, job | {"jobStatus": "failed", "endedAt": now_ms()})


def _put(hosting: Hosting, job: Document) -> None:
    hosting.documents.put("switch", job["id"], job)
    if job["type"] in {"promote", "rollback"}:
        fields = ("fromDeploymentId", "toDeploymentId", "jobStatus", "requestedAt", "type")
        hosting.change_project(lastAliasRequest={name: job[name] for name in fields})
