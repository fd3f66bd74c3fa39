"""The hosting as a range finds it: earlier releases of production, the serving one, staging's."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from drillbook.core.errors import Failed
from drillbook.range.cloud import BRANCHES, Cloud
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.building import Wish, carry_out, make_deployment
from drillbook.range.twins.vercel.records import Hosting
from drillbook.range.twins.vercel.switching import ask_for_switch, carry_out_without_app
from drillbook.range.twins.vercel.values import set_values

BUILDERS = 2


def found(
    cloud: Cloud,
    *,
    values: Mapping[str, Mapping[str, str]],
    production: Sequence[str],
    staging: str,
) -> bool:
    """
    Set the values, build these commits (production's oldest first) and give users the newest.

    No app is started: the edge does that at the first request. False when it was done before; one
    that was killed in the middle is done again.
    """
    hosting = Hosting(cloud)
    hosting.project()
    if hosting.documents.get("founding", "done") is not None:
        return False
    for environment, given in values.items():
        set_values(cloud, environment, given)
    wishes = [("production", commit) for commit in production] + [("staging", staging)]
    made = [_deployment(hosting, environment, commit) for environment, commit in wishes]
    with ThreadPoolExecutor(BUILDERS) as pool:
        for built in [pool.submit(carry_out, hosting, each["id"]) for each in made]:
            built.result()
    for each in made:
        _give_users(hosting, each)
    with hosting.documents.locked():
        for environment, branch in BRANCHES.items():
            latest = production[-1] if environment == "production" else staging
            hosting.documents.put("head", branch, {"commit": latest})
        hosting.documents.put("founding", "done", {})
    return True


def _deployment(hosting: Hosting, environment: str, commit: str) -> Document:
    for each in hosting.deployments():
        if (each["environment"], each["commit"]) == (environment, commit):
            return each
    target = "production" if environment == "production" else None
    return make_deployment(hosting, Wish(commit, BRANCHES[environment], target))


def _give_users(hosting: Hosting, made: Document) -> None:
    ended = hosting.deployment(made["id"]) or {}
    if ended.get("state") != "READY":
        raise Failed(f"commit {made['commit'][:7]} was not built: {ended.get('errorMessage')}")
    job = ask_for_switch(hosting, made["environment"], made["id"], "assign")
    carry_out_without_app(hosting, job)
