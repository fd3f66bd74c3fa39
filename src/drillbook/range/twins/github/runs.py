"""Runs of the workflow, their jobs and logs."""

from drillbook.range.twins.github import checks
from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page, page_number
from drillbook.range.twins.github.pipeline import (
    WORKFLOW_ID,
    Pipeline,
    again,
    enqueue,
    workflow_of,
)
from drillbook.range.twins.github.shapes import MADE, node
from drillbook.range.twins.github.twin import GitHub
from drillbook.range.twins.github.workflow import WorkflowInvalid

_FILTERS = {"head_sha": "head_sha", "branch": "branch", "event": "event"}


def list_(hub: GitHub, asked: Asked) -> Reply:
    """List runs, the newest first; `status` is how far they are or how they ended."""
    wanted = {_FILTERS[key]: asked.query[key] for key in _FILTERS if key in asked.query}
    status = asked.query.get("status")
    found = [
        run
        for run in reversed(hub.documents.all("run"))
        if all(run[key] == value for key, value in wanted.items())
        and status in {None, run["status"], run["conclusion"]}
    ]
    number, size = page_number(asked)
    first = (number - 1) * size
    shown = {run["id"]: _shown(hub, run) for run in found[first : first + size]}
    return page(asked, [shown.get(run["id"], {}) for run in found], "workflow_runs")


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show a run."""
    return Reply(200, _shown(hub, hub.find("run", asked.number("run"))))


class Controls:
    """Start, repeat and stop runs."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline

    def rerun(self, hub: GitHub, asked: Asked) -> Reply:
        """Carry out a whole run again."""
        return self._again(hub, asked, only_failed=False)

    def rerun_failed(self, hub: GitHub, asked: Asked) -> Reply:
        """Carry out again the jobs that ended badly."""
        return self._again(hub, asked, only_failed=True)

    def cancel(self, hub: GitHub, asked: Asked) -> Reply:
        """Ask a run to stop."""
        with hub.documents.locked():
            run = hub.find("run", asked.number("run"))
            if run["status"] == "completed":
                raise Said(409, "Cannot cancel a workflow run that is completed.")
            hub.documents.put("run", str(run["id"]), run | {"cancel": True})
        self.pipeline.runner.wake()
        return Reply(202, {})

    def dispatch(self, hub: GitHub, asked: Asked) -> Reply:
        """Start a run by hand on a branch."""
        branch = asked.text("ref").removeprefix("refs/heads/")
        if branch not in hub.git.heads():
            raise Said(422, f"No ref found for: {branch}")
        sha = hub.git.heads()[branch]
        try:
            workflow = workflow_of(hub, sha)
        except WorkflowInvalid as error:
            raise Said(422, str(error)) from error
        if workflow is None or not _is_named(asked.path["workflow"], workflow.path):
            raise Said(404, "Not Found")
        if "workflow_dispatch" not in workflow.events:
            raise Said(422, "Workflow does not have 'workflow_dispatch' trigger")
        run = enqueue(hub, workflow, branch, sha, "workflow_dispatch")
        self.pipeline.runner.wake()
        if not asked.body.get("return_run_details"):
            return Reply(204)
        url = f"{hub.shapes.api}/actions/runs/{run['id']}"
        web = f"{hub.shapes.web}/actions/runs/{run['id']}"
        return Reply(200, {"workflow_run_id": run["id"], "run_url": url, "html_url": web})

    def _again(self, hub: GitHub, asked: Asked, *, only_failed: bool) -> Reply:
        with hub.documents.locked():
            run = hub.find("run", asked.number("run"))
            if run["status"] != "completed":
                raise Said(403, "This workflow is already running")
            again(hub, run, only_failed=only_failed)
        self.pipeline.runner.wake()
        return Reply(201, {})


def jobs(hub: GitHub, asked: Asked) -> Reply:
    """List the jobs of a run's latest attempt."""
    run = hub.find("run", asked.number("run"))
    mine = [one for one in hub.documents.all("check") if one["run"] == run["id"]]
    latest = {one["name"]: one for one in mine}.values()
    return page(asked, [_job(hub, run, one) for one in latest], "jobs")


def job(hub: GitHub, asked: Asked) -> Reply:
    """Show a job."""
    check = hub.find("check", asked.number("job"))
    return Reply(200, _job(hub, hub.find("run", check["run"]), check))


def log(hub: GitHub, asked: Asked) -> Reply:
    """Say where a job's log lies."""
    number = hub.find("check", asked.number("job"))["id"]
    return Reply(302, None, {"Location": f"{hub.shapes.hub}/_logs/{number}"})


def annotations(hub: GitHub, asked: Asked) -> Reply:
    """List what a check run says of itself."""
    check = hub.find("check", asked.number("check"))
    says = check.get("says")
    where = {"path": ".github", "start_line": 1, "end_line": 1, "start_column": None}
    where |= {"end_column": None, "title": "", "raw_details": "", "blob_href": hub.shapes.web}
    return page(asked, [where | {"annotation_level": "failure", "message": says}] if says else [])


def workflows(hub: GitHub, asked: Asked) -> Reply:
    """List the workflows of the main branch."""
    try:
        found = workflow_of(hub, hub.branch("main"))
    except WorkflowInvalid:
        found = None
    return page(asked, [_workflow(hub, found.name, found.path)] if found else [], "workflows")


def _workflow(hub: GitHub, name: str, path: str) -> Json:
    url = f"{hub.shapes.api}/actions/workflows/{WORKFLOW_ID}"
    return {
        "id": WORKFLOW_ID, "node_id": node("W", path), "name": name, "path": path, "url": url,
        "state": "active", "html_url": f"{hub.shapes.web}/blob/main/{path}",
        "badge_url": f"{hub.shapes.web}/badge.svg", "created_at": MADE, "updated_at": MADE,
    }  # fmt: skip


def _is_named(wanted: str, path: str) -> bool:
    return wanted in {str(WORKFLOW_ID), path, path.rpartition("/")[2]}


def _shown(hub: GitHub, run: Json) -> Json:
    shapes = hub.shapes
    url = f"{shapes.api}/actions/runs/{run['id']}"
    commit = hub.git.commit(run["head_sha"])
    return {
        "id": run["id"], "node_id": node("WFR", run["id"]), "name": run["name"],
        "head_branch": run["branch"], "head_sha": run["head_sha"], "path": run["path"],
        "display_title": commit.message.partition("\n")[0], "run_number": run["number"],
        "event": run["event"], "status": run["status"], "conclusion": run["conclusion"],
        "workflow_id": WORKFLOW_ID, "check_suite_id": run["id"], "run_attempt": run["attempt"],
        "check_suite_node_id": node("CS", run["id"]), "pull_requests": [], "url": url,
        "html_url": f"{shapes.web}/actions/runs/{run['id']}", "created_at": run["created_at"],
        "updated_at": run["updated_at"], "run_started_at": run["created_at"],
        "jobs_url": f"{url}/jobs", "logs_url": f"{url}/logs", "cancel_url": f"{url}/cancel",
        "rerun_url": f"{url}/rerun", "artifacts_url": f"{url}/artifacts",
        "check_suite_url": f"{shapes.api}/check-suites/{run['id']}",
        "workflow_url": f"{shapes.api}/actions/workflows/{WORKFLOW_ID}",
        "head_commit": shapes.simple_commit(commit),
        "repository": shapes.minimal_repository(), "head_repository": shapes.minimal_repository(),
    }  # fmt: skip


def _job(hub: GitHub, run: Json, check: Json) -> Json:
    shown = checks.shown(hub, check)
    return {
        "id": check["id"], "node_id": shown["node_id"], "run_id": run["id"],
        "run_url": f"{hub.shapes.api}/actions/runs/{run['id']}", "head_sha": check["head_sha"],
        "workflow_name": run["name"], "head_branch": run["branch"], "name": check["name"],
        "url": f"{hub.shapes.api}/actions/jobs/{check['id']}", "html_url": shown["html_url"],
        "status": check["status"], "conclusion": check["conclusion"],
        "created_at": check["started_at"], "started_at": check["started_at"],
        "completed_at": check["completed_at"], "check_run_url": shown["url"], "labels": [],
        "runner_id": 1, "runner_name": "range", "runner_group_id": 1, "runner_group_name": "range",
        "run_attempt": run["attempt"], "steps": [],
    }  # fmt: skip
