"""What the pipeline says of a commit, and which of it a branch asks for."""

from typing import TYPE_CHECKING

from drillbook.core.errors import NotFound
from drillbook.ports.repository import Check, Outcome
from drillbook.providers.github.answers import BranchSeen, Rule
from drillbook.providers.github.check_answers import (
    Annotation,
    CheckPage,
    CheckSeen,
    RunPage,
    RunSeen,
    Statuses,
)
from drillbook.providers.github.hub import Hub, parsed, quoted

if TYPE_CHECKING:
    from drillbook.remote.api import Values

GOOD = {"success", "neutral", "skipped"}
# Of a workflow that ended so there may be no check run at all.
WITHOUT_CHECKS = {"startup_failure", "action_required"}
SHOWN_ELSEWHERE = 20


def checks(hub: Hub, commit: str) -> tuple[Check, ...]:
    """
    Return the check runs and statuses of exactly this commit.

    A workflow whose next job has not appeared yet, or that never began, has no check run to tell
    of it: those runs speak for themselves.
    """
    path = f"/commits/{commit}/check-runs"
    pages = (
        parsed(CheckPage, body, path)
        for body in hub.pages(path, {"filter": "latest"}, right="Checks: read", of=commit)
    )
    runs = tuple(_with_reason(hub, run) for page in pages for run in page.check_runs)
    path = f"/commits/{commit}/status"
    statuses = (
        parsed(Statuses, body, path) for body in hub.pages(path, right="Commit statuses: read")
    )
    said = tuple(one for page in statuses for one in page.ours())
    # Only what is said of this very commit counts, whatever the platform sent.
    return tuple(one for one in (*runs, *said, *_hidden(hub, commit)) if one.commit == commit)


def _hidden(hub: Hub, commit: str) -> tuple[Check, ...]:
    latest: dict[str | None, RunSeen] = {}
    found = []
    for run in _runs(hub, commit):  # the newest first
        newest = latest.setdefault(run.name, run)
        if run.status != "completed" or (run is newest and run.conclusion in WITHOUT_CHECKS):
            found.append(run.ours())
    return tuple(found)


def _runs(hub: Hub, commit: str) -> tuple[RunSeen, ...]:
    path, query = "/actions/runs", {"head_sha": commit}
    pages = (
        parsed(RunPage, body, path)
        for body in hub.pages(path, query, right="Actions: read", of=commit)
    )
    return tuple(run for page in pages for run in page.workflow_runs)


def _with_reason(hub: Hub, run: CheckSeen) -> Check:
    """Return a check run; a red one that says nothing of itself says what is noted at it."""
    found = run.ours()
    if found.outcome is not Outcome.RED or found.says:
        return found
    notes = hub.one_page(Annotation, f"/check-runs/{run.id}/annotations", right="Checks: read")
    says = next((note.message for note in notes if note.message), "")
    return found.model_copy(update={"says": says.partition("\n")[0]})


def required(hub: Hub, branch: str) -> tuple[str, ...]:
    """Return the checks a branch asks for, by its protection and by rulesets."""
    seen = hub.one(BranchSeen, f"/branches/{quoted(branch)}", right="Contents: read")
    wanted = seen.protection.required_status_checks
    names = set(wanted.contexts if wanted else ())
    try:
        rules = hub.all(Rule, f"/rules/branches/{quoted(branch)}")
    except NotFound:  # a GitHub Enterprise server older than rulesets
        rules = ()
    for rule in rules:
        if rule.type == "required_status_checks":
            names |= {one.context for one in rule.parameters.required_status_checks}
    return tuple(sorted(names))


def elsewhere(hub: Hub, branch: str, but: str) -> tuple[Check, ...]:
    """Return the latest runs of the branch's other commits."""
    query: Values = {"branch": branch, "per_page": SHOWN_ELSEWHERE}
    page = hub.one(RunPage, "/actions/runs", query, right="Actions: read")
    return tuple(run.ours() for run in page.workflow_runs if run.head_sha != but)


def rerun(hub: Hub, commit: str) -> tuple[Check, ...]:
    """Ask for another try of the runs of this commit that ended badly."""
    for run in _runs(hub, commit):
        ended_badly = run.status == "completed" and run.conclusion not in GOOD
        if run.head_sha == commit and ended_badly:
            path = f"/actions/runs/{run.id}/rerun-failed-jobs"
            # 403: somebody else asked a moment ago, and it runs.
            hub.send("POST", path, {}, accept=(403,), right="Actions: write")
    return checks(hub, commit)
