"""The API of deployments: lists, one of them, a new one, cancelling, its build log."""

import shutil
from collections.abc import Callable

from drillbook.core.errors import Failed
from drillbook.range.cloud import OWNER, REPOSITORY, VERCEL_PROJECT
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem
from drillbook.range.twins.vercel.building import Wish, cancel, commit_words, make_deployment
from drillbook.range.twins.vercel.records import REPOSITORY_ID
from drillbook.range.twins.vercel.shapes import is_rollback_candidate, listed, whole
from drillbook.range.twins.vercel.watching import head_of

MOST = 100
USUAL = 20
META = "meta-"
Check = Callable[[str], bool]


def list_deployments(asked: Asked) -> object:
    """Answer GET /v6/deployments and /v7/deployments."""
    if "projectId" in asked.query:
        asked.project()
    found = [each for each in asked.hosting.deployments() if asked.has_team and _fits(asked, each)]
    return page(asked, [listed(each) for each in found], "deployments", "created")


def page(asked: Asked, found: list[Document], name: str, time: str) -> Document:
    """Return one page of a list that runs from new to old, and where the next one begins."""
    until, since = asked.number("until", 1 << 62), asked.number("since", 0)
    limit = asked.number("limit", USUAL)
    if not 1 <= limit <= MOST:
        raise Problem(400, "bad_request", f"Invalid request: `limit` should be 1 to {MOST}.")
    left = [each for each in found if since <= each[time] < until]
    shown = left[:limit]
    following = shown[-1][time] if len(left) > limit else None
    before = shown[0][time] if shown and "until" in asked.query else None
    return {name: shown, "pagination": {"count": len(shown), "next": following, "prev": before}}


def _fits(asked: Asked, found: Document) -> bool:
    query = asked.query
    checks: dict[str, Check] = {
        "app": lambda value: value == found["name"],
        "target": lambda value: value == (found["target"] or "preview"),
        "state": lambda value: found["state"] in value.split(","),
        "branch": lambda value: value == found["ref"],
        "sha": lambda value: value == found["commit"],
        "users": lambda value: found["creator"]["uid"] in value.split(","),
        "rollbackCandidate": lambda value: (value == "true") == is_rollback_candidate(found),
        "to": lambda value: found["created"] <= int(value),
        "from": lambda value: found["created"] < int(value),
    }
    metas = {name[len(META) :]: value for name, value in query.items() if name.startswith(META)}
    return all(check(query[name]) for name, check in checks.items() if name in query) and all(
        found["meta"].get(name) == value for name, value in metas.items()
    )


def get_deployment(asked: Asked) -> object:
    """Answer GET /v13/deployments/{idOrUrl}."""
    return whole(asked.hosting, asked.deployment())


def create_deployment(asked: Asked) -> object:
    """Answer POST /v13/deployments: the same commit again, or a commit of the repository."""
    if not asked.has_team or asked.said("project") not in {None, VERCEL_PROJECT}:
        raise Problem(404, "not_found", "Project not found.")
    if asked.said("name") != VERCEL_PROJECT:
        raise Problem(400, "bad_request", "Invalid request: missing required property `name`.")
    wish = _again(asked) if asked.said("deploymentId") else _from_git(asked)
    if asked.query.get("forceNew") != "1" and not wish.of:
        for found in asked.hosting.deployments():
            same = (found["commit"], found["target"]) == (wish.commit, wish.target)
            if same and found["state"] not in {"ERROR", "CANCELED"}:
                return whole(asked.hosting, found)
    return whole(asked.hosting, make_deployment(asked.hosting, wish))


def _again(asked: Asked) -> Wish:
    name = asked.said("deploymentId")
    found = asked.hosting.documents.get("deployment", str(name))
    if found is None:
        raise Problem(404, "not_found", f"Deployment {name} not found.")
    commit = found["commit"]
    if asked.said("withLatestCommit"):
        commit = head_of(asked.hosting.cloud.repository, found["ref"]) or commit
    meta = {key: text for key, text in found["meta"].items() if not key.startswith("github")}
    meta |= {"originalDeploymentId": found["id"]} | _meta(asked)
    target = asked.said("target") or found["target"]
    return Wish(commit, found["ref"], _target(target), "redeploy", tuple(meta.items()), found["id"])


def _from_git(asked: Asked) -> Wish:
    source = asked.said("gitSource")
    if not isinstance(source, dict) or source.get("type") != "github":
        raise Problem(
            400, "bad_request", "Invalid request: `gitSource` or `deploymentId` is needed."
        )
    named = (source.get("org"), source.get("repo")) == (OWNER, REPOSITORY)
    if not named and str(source.get("repoId")) != str(REPOSITORY_ID):
        raise Problem(400, "bad_request", "The repository couldn't be found.")
    ref = str(source.get("ref") or "")
    sha = source.get("sha") or head_of(asked.hosting.cloud.repository, ref) or ref
    try:
        commit = commit_words(asked.hosting, str(sha))[0]
    except Failed as error:
        raise Problem(
            400, "incorrect_git_source_info", f"The provided ref {ref} was not found."
        ) from error
    meta = tuple(_meta(asked).items())
    return Wish(commit, ref, _target(asked.said("target")), "api-trigger-git-deploy", meta)


def _target(said: object) -> str | None:
    if said not in {None, "production", "preview"}:
        raise Problem(400, "bad_request", "Invalid request: `target` is not known.")
    return "production" if said == "production" else None


def _meta(asked: Asked) -> dict[str, str]:
    meta = asked.said("meta") or {}
    if not isinstance(meta, dict) or not all(isinstance(text, str) for text in meta.values()):
        raise Problem(400, "bad_request", "Invalid request: `meta` should hold texts.")
    return meta


def cancel_deployment(asked: Asked) -> object:
    """Answer PATCH /v12/deployments/{id}/cancel."""
    found = asked.deployment()
    if not cancel(asked.hosting, found["id"]):
        raise Problem(400, "bad_request", f"The deployment is {found['state']} already.")
    return whole(asked.hosting, asked.deployment())


def delete_deployment(asked: Asked) -> object:
    """Answer DELETE /v13/deployments/{id}: its build is gone, unless it serves."""
    with asked.hosting.documents.locked():
        found = asked.deployment()
        if found["id"] in {alias["deploymentId"] for alias in asked.hosting.aliases()}:
            raise Problem(400, "bad_request", "The deployment has an alias.")
        asked.hosting.documents.remove("deployment", found["id"])
    folder = asked.hosting.folder(found["id"])
    if folder.exists():
        AppProcess(folder).stop()
        shutil.rmtree(folder)
    (asked.hosting.cloud.deployments / "hosts" / found["url"]).unlink(missing_ok=True)
    return {"uid": found["id"], "state": "DELETED"}


def build_events(asked: Asked) -> object:
    """Answer GET /v3/deployments/{idOrUrl}/events: the build log so far."""
    found = asked.deployment()
    log = asked.hosting.documents.get("log", found["id"]) or {"lines": []}
    since, until = asked.number("since", 0), asked.number("until", 1 << 62)
    events = [
        {
            "type": "stderr" if line["text"].startswith("Error: ") else "stdout",
            "created": line["created"],
            "date": line["created"],
            "deploymentId": found["id"],
            "id": f"{line['created']}{number:06}",
            "text": line["text"],
            "serial": f"{line['created']}{number:06}",
            "info": {"type": "build", "name": f"bld_{found['id'][4:]}", "entrypoint": "."},
        }
        for number, line in enumerate(log["lines"])
        if since <= line["created"] <= until
    ]
    if asked.query.get("direction") == "backward":
        events.reverse()
    limit = asked.query.get("limit", "-1")
    return events if limit == "-1" else events[: int(limit)]


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v6/deployments", list_deployments),
    ("GET", "/v7/deployments", list_deployments),
    ("GET", "/v13/deployments/{deployment}", get_deployment),
    ("DELETE", "/v13/deployments/{deployment}", delete_deployment),
    ("POST", "/v13/deployments", create_deployment),
    ("PATCH", "/v12/deployments/{deployment}/cancel", cancel_deployment),
    ("GET", "/v3/deployments/{deployment}/events", build_events),
)
