"""The API of aliases: which deployment a host of the project's users names."""

from datetime import UTC, datetime

from drillbook.range.cloud import VERCEL_PROJECT_ID
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem, Said
from drillbook.range.twins.vercel.deployments import page
from drillbook.range.twins.vercel.records import USER, Hosting
from drillbook.range.twins.vercel.switching import ask_for_switch, carry_out_switch


def list_aliases(asked: Asked) -> object:
    """Answer GET /v4/aliases."""
    if "projectId" in asked.query:
        asked.project()
    found = sorted(asked.hosting.aliases(), key=lambda each: -each["updatedAt"])
    shown = [_shape(asked.hosting, each) for each in found if asked.has_team]
    return page(asked, shown, "aliases", "updatedAt")


def get_alias(asked: Asked) -> object:
    """Answer GET /v4/aliases/{idOrAlias}."""
    return _shape(asked.hosting, _found(asked, asked.path["alias"]))


def aliases_of(asked: Asked) -> object:
    """Answer GET /v2/deployments/{id}/aliases."""
    found = asked.deployment()
    aliases = [each for each in asked.hosting.aliases() if each["deploymentId"] == found["id"]]
    shown = [
        {
            "uid": each["uid"],
            "alias": each["alias"],
            "created": iso(each["createdAt"]),
            "redirect": None,
        }
        for each in aliases
    ]
    return {"aliases": shown}


def assign_alias(asked: Asked) -> object:
    """Answer POST /v2/deployments/{id}/aliases {alias}: at once, past promote and rollback."""
    found, name = asked.deployment(), str(asked.said("alias"))
    if found["state"] != "READY":
        raise Problem(400, "deployment_not_ready", "The deployment is not ready.")
    before = _found(asked, name)
    if before["deploymentId"] == found["id"]:
        raise Problem(409, "alias_in_use", "The alias is assigned to this deployment already.")
    job = ask_for_switch(asked.hosting, before["environment"], found["id"], "alias")
    carry_out_switch(asked.hosting, job)
    after = _found(asked, name)
    return Said(
        200,
        {
            "uid": after["uid"],
            "alias": after["alias"],
            "created": iso(after["createdAt"]),
            "oldDeploymentId": before["deploymentId"],
        },
    )


def _found(asked: Asked, name: str) -> Document:
    for each in asked.hosting.aliases() if asked.has_team else []:
        if name in {each["uid"], each["alias"]}:
            return each
    raise Problem(404, "not_found", "The alias was not found.")


def _shape(hosting: Hosting, alias: Document) -> Document:
    found = hosting.deployment(alias["deploymentId"])
    return {
        "uid": alias["uid"],
        "alias": alias["alias"],
        "created": iso(alias["createdAt"]),
        "createdAt": alias["createdAt"],
        "updatedAt": alias["updatedAt"],
        "creator": USER,
        "deploymentId": alias["deploymentId"],
        "deployment": {
            "id": alias["deploymentId"],
            "url": found["url"] if found else "",
            "meta": "{}",
        },
        "projectId": VERCEL_PROJECT_ID,
    }


def iso(milliseconds: int) -> str:
    """Return a time as the platform writes it in words."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v4/aliases", list_aliases),
    ("GET", "/v4/aliases/{alias}", get_alias),
    ("GET", "/v2/deployments/{deployment}/aliases", aliases_of),
    ("POST", "/v2/deployments/{deployment}/aliases", assign_alias),
)
