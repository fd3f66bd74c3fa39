"""Deployments and the project as the API writes them."""

from drillbook.range.cloud import TEAM, TEAM_SLUG, VERCEL_PROJECT_ID
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.records import ENDED, REPOSITORY_ID, USER, Hosting

REGION = "fra1"
SETTINGS = {
    "buildCommand": None,
    "devCommand": None,
    "framework": None,
    "commandForIgnoringBuildStep": None,
    "installCommand": None,
    "outputDirectory": None,
}


def listed(found: Document) -> Document:
    """Return a deployment as it stands in lists."""
    return {
        "uid": found["id"],
        "name": found["name"],
        "projectId": VERCEL_PROJECT_ID,
        **_times(found),
        "state": found["state"],
        "type": "LAMBDAS",
        "aliasAssigned": found["aliasAssigned"] or False,
        "isRollbackCandidate": is_rollback_candidate(found),
        "projectSettings": {"commandForIgnoringBuildStep": None},
        **_shared(found),
        "created": found["created"],
    }


def whole(hosting: Hosting, found: Document) -> Document:
    """Return a deployment as it is when asked for by its id."""
    names = [each["alias"] for each in hosting.aliases() if each["deploymentId"] == found["id"]]
    more = {
        name: found[name]
        for name in ("errorCode", "errorMessage", "canceledAt")
        if found.get(name) is not None
    }
    return {
        **more,
        **_shared(found),
        **_times(found),
        "id": found["id"],
        "name": found["name"],
        "alias": names,
        "aliasAssigned": found["aliasAssigned"] is not None,
        "aliasAssignedAt": found["aliasAssigned"] or False,
        "autoAssignCustomDomains": hosting.project()["autoAssignCustomDomains"],
        "bootedAt": found.get("buildingAt") or found["created"],
        "build": {"env": found["env"]},
        "buildSkipped": False,
        "createdIn": REGION,
        "crons": found["crons"],
        "env": found["env"],
        "gitSource": {
            "type": "github",
            "repoId": REPOSITORY_ID,
            "ref": found["ref"],
            "sha": found["commit"],
            "prId": None,
        },
        "isInConcurrentBuildsQueue": found["state"] == "QUEUED",
        "isInSystemBuildsQueue": False,
        "ownerId": TEAM,
        "plan": "pro",
        "project": {"id": VERCEL_PROJECT_ID, "name": found["name"], "framework": None},
        "projectId": VERCEL_PROJECT_ID,
        "projectSettings": SETTINGS,
        "public": False,
        "regions": [REGION],
        "routes": None,
        "status": found["state"],
        "team": {"id": TEAM, "name": TEAM_SLUG, "slug": TEAM_SLUG},
        "type": "LAMBDAS",
        "userAliases": [],
        "version": 2,
    }


def is_rollback_candidate(found: Document) -> bool:
    """Whether the platform lets production go back to it: built, and served production before."""
    promoted = found["target"] == "production" and found["substate"] == "PROMOTED"
    return bool(promoted and found["state"] == "READY")


def project_shape(hosting: Hosting) -> Document:
    """Return the project."""
    project = hosting.project()
    inner = ("teamSlug", "settings", "rollout")
    latest = [_latest(found) for found in hosting.deployments()[:4]]
    alias = hosting.alias("production")
    serving = hosting.deployment(alias["deploymentId"]) if alias else None
    targets = {"production": _latest(serving)} if serving else {}
    return {
        **{name: value for name, value in project.items() if name not in inner},
        **project["settings"],
        "crons": _crons(hosting, serving),
        "defaultResourceConfig": {"functionDefaultRegions": [REGION]},
        "directoryListing": False,
        "framework": None,
        "latestDeployments": latest,
        "live": False,
        "nodeVersion": "22.x",
        "resourceConfig": {"functionDefaultRegions": [REGION]},
        "rollingRelease": _rolling(project),
        "targets": targets,
    }


def _shared(found: Document) -> Document:
    shape = {
        "url": found["url"],
        "readyState": found["state"],
        "target": found["target"],
        "source": found["source"],
        "meta": found["meta"],
        "creator": found["creator"],
        "aliasError": found["aliasError"],
        "createdAt": found["created"],
        "inspectorUrl": f"https://vercel.com/{TEAM_SLUG}/{found['name']}/{found['id'][4:]}",
    }
    if found["substate"]:
        shape["readySubstate"] = found["substate"]
    return shape


def _times(found: Document) -> Document:
    began = found.get("buildingAt") or found["created"]
    return {"buildingAt": began} | ({"ready": found["ready"]} if found.get("ready") else {})


def _latest(found: Document) -> Document:
    return {
        "id": found["id"],
        "alias": [],
        "createdAt": found["created"],
        "createdIn": REGION,
        "creator": USER,
        "deploymentHostname": found["url"].partition(".")[0],
        "meta": found["meta"],
        "name": found["name"],
        "plan": "pro",
        "private": True,
        "readyState": found["state"] if found["state"] in {*ENDED, "BUILDING"} else "QUEUED",
        "target": found["target"],
        "type": "LAMBDAS",
        "url": found["url"],
        "userId": USER["uid"],
    }


def _crons(hosting: Hosting, serving: Document | None) -> Document:
    made = hosting.project()["createdAt"]
    host = hosting.host("production")
    definitions = [{"host": host, **cron} for cron in (serving["crons"] if serving else [])]
    alias = hosting.alias("production")
    return {
        "enabledAt": made,
        "disabledAt": None,
        "updatedAt": alias["updatedAt"] if alias else made,
        "deploymentId": serving["id"] if serving else None,
        "definitions": definitions,
    }


def _rolling(project: Document) -> Document | None:
    return {"target": "production", **config} if (config := project["rollingRelease"]) else None
