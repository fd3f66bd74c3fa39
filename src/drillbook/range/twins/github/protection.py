"""Branch protection: which checks and reviews a branch asks for before a merge."""

from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, wrong
from drillbook.range.twins.github.twin import GitHub

_GREEN = {"success", "neutral", "skipped"}


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show what a branch asks for."""
    name = asked.path["branch"]
    hub.branch(name)
    rules = hub.documents.get("protection", name)
    if rules is None:
        raise Said(404, "Branch not protected")
    return Reply(200, shown(hub, name, rules))


def put(hub: GitHub, asked: Asked) -> Reply:
    """Set what a branch asks for."""
    name = asked.path["branch"]
    hub.branch(name)
    fields = ("required_status_checks", "enforce_admins", "required_pull_request_reviews")
    missing = [field for field in (*fields, "restrictions") if field not in asked.body]
    if missing:
        said = [f'"{field}" wasn\'t supplied.' for field in missing]
        raise wrong(*said)
    checks = asked.body["required_status_checks"] or {}
    wanted = asked.body["required_pull_request_reviews"]
    contexts = [*checks.get("contexts", []), *(one["context"] for one in checks.get("checks", []))]
    rules: Json = {
        "contexts": sorted(set(contexts)), "strict": bool(checks.get("strict", False)),
        "approvals": 0 if wanted is None else wanted.get("required_approving_review_count", 1),
        "dismiss_stale": bool(wanted and wanted.get("dismiss_stale_reviews", False)),
        "admins": bool(asked.body["enforce_admins"]),
    }  # fmt: skip
    hub.documents.put("protection", name, rules)
    return Reply(200, shown(hub, name, rules))


def remove(hub: GitHub, asked: Asked) -> Reply:
    """Ask for nothing any more."""
    if not hub.documents.remove("protection", asked.path["branch"]):
        raise Said(404, "Branch not protected")
    return Reply(204)


def shown(hub: GitHub, name: str, rules: Json) -> Json:
    """Show rules as GitHub does."""
    url = f"{hub.shapes.api}/branches/{name}/protection"
    checks = f"{url}/required_status_checks"
    said: Json = {
        "url": url,
        "enforce_admins": {"url": f"{url}/enforce_admins", "enabled": rules["admins"]},
        "allow_force_pushes": {"enabled": False}, "allow_deletions": {"enabled": False},
        "required_linear_history": {"enabled": False},
    }  # fmt: skip
    if rules["contexts"]:
        said["required_status_checks"] = {
            "url": checks, "strict": rules["strict"], "contexts": rules["contexts"],
            "contexts_url": f"{checks}/contexts",
            "checks": [{"context": name, "app_id": None} for name in rules["contexts"]],
        }  # fmt: skip
    if rules["approvals"]:
        said["required_pull_request_reviews"] = {
            "url": f"{url}/required_pull_request_reviews",
            "dismiss_stale_reviews": rules["dismiss_stale"], "require_code_owner_reviews": False,
            "required_approving_review_count": rules["approvals"],
            "require_last_push_approval": False,
        }  # fmt: skip
    return said


def unmet(hub: GitHub, branch: str, head: str, pull: Json | None) -> str:
    """Return what a branch still asks for before this commit may come in; nothing: empty."""
    rules = hub.documents.get("protection", branch)
    if rules is None:
        return ""
    return _unmet_check(hub, head, rules) or _unmet_review(hub, head, rules, pull)


def _unmet_check(hub: GitHub, head: str, rules: Json) -> str:
    outcomes = outcomes_of(hub, head)
    for context in rules["contexts"]:
        if context not in outcomes:
            return f'Required status check "{context}" is expected.'
        if outcomes[context] not in _GREEN:
            word = "failing" if outcomes[context] else "in progress"
            return f'Required status check "{context}" is {word}.'
    return ""


def _unmet_review(hub: GitHub, head: str, rules: Json, pull: Json | None) -> str:
    if not rules["approvals"]:
        return ""
    if pull is None:
        return "Changes must be made through a pull request."
    latest = _latest(hub, pull, head if rules["dismiss_stale"] else "")
    if "CHANGES_REQUESTED" in latest.values():
        return "Changes were requested by a reviewer with write access."
    if list(latest.values()).count("APPROVED") < rules["approvals"]:
        count = rules["approvals"]
        return f"At least {count} approving review is required by reviewers with write access."
    return ""


def outcomes_of(hub: GitHub, head: str) -> dict[str, str]:
    """Return how the latest check run or status of each name ended on a commit; empty: not yet."""
    found: dict[str, str] = {}
    for run in hub.documents.all("check"):
        if run["head_sha"] == head:
            found[run["name"]] = run["conclusion"] or ""
    for status in hub.documents.all("status"):
        if status["sha"] == head:
            done = {"success": "success", "pending": ""}
            found[status["context"]] = done.get(status["state"], "failure")
    return found


def reviews_of(hub: GitHub, number: int) -> list[Json]:
    """Return the reviews of a pull request, the oldest first."""
    return [made for made in hub.documents.all("review") if made["pull"] == number]


def _latest(hub: GitHub, pull: Json, only: str) -> dict[str, str]:
    """Return each reviewer's last word that counts."""
    said: dict[str, str] = {}
    for made in reviews_of(hub, pull["number"]):
        if made["state"] == "COMMENTED" or (only and made["commit"] != only):
            continue
        said[made["by"]] = made["state"]
    return said
