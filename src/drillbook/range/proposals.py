"""Pull requests on the range's own GitHub, opened and read by people of the booking team."""

from typing import TypedDict, cast

from drillbook.range.cloud import OWNER, REPOSITORY, Cloud
from drillbook.range.history.changes import Change
from drillbook.range.twins.github import token_of
from drillbook.remote.api import JsonApi

PULLS = f"/repos/{OWNER}/{REPOSITORY}/pulls"
APPROVAL = "Read it, looks right to me."


class _Pull(TypedDict):
    number: int


def open_proposal(cloud: Cloud, wanted: Change, branch: str, *, base: str) -> int:
    """Open the pull request of a branch, as the change's author; return its number."""
    body = {"title": wanted.subject, "head": branch, "base": base, "body": wanted.body}
    reply = _as(cloud, wanted.login).send("POST", PULLS, dict(body))
    return cast("_Pull", reply.body)["number"]


def approve(cloud: Cloud, number: int, commit: str, *, by: str) -> None:
    """Approve a pull request at a commit, as somebody of the team."""
    body = {"event": "APPROVE", "commit_id": commit, "body": APPROVAL}
    _as(cloud, by).send("POST", f"{PULLS}/{number}/reviews", dict(body))


def _as(cloud: Cloud, login: str) -> JsonApi:
    return JsonApi("the range's GitHub", cloud.url("github"), lambda: token_of(cloud, login))
