"""Pull requests and their reviews; a merged one is a merge in the repository."""

from drillbook.range.cloud import OWNER
from drillbook.range.twins.github import protection
from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page
from drillbook.range.twins.github.git import Conflict, GitSays, Moved
from drillbook.range.twins.github.shapes import node
from drillbook.range.twins.github.twin import GitHub, now, person

_EVENTS = {"APPROVE": "APPROVED", "REQUEST_CHANGES": "CHANGES_REQUESTED", "COMMENT": "COMMENTED"}
_LINKS = ("comments", "commits", "statuses", "review_comments", "review_comment", "issue", "html")
METHODS = ("merge", "squash")


def create(hub: GitHub, asked: Asked) -> Reply:
    """Open a pull request of a branch."""
    title, head, base = asked.text("title"), asked.text("head"), asked.text("base")
    head = head.removeprefix(f"{OWNER}:")
    heads = hub.git.heads()
    for name, field in ((head, "head"), (base, "base")):
        if name not in heads:
            raise _invalid([{"resource": "PullRequest", "field": field, "code": "invalid"}])
    if hub.contains(heads[base], heads[head]):
        raise _invalid([_custom(f"No commits between {base} and {head}")])
    with hub.documents.locked():
        same = (pull for pull in hub.documents.all("pull") if pull["state"] == "open")
        if any((pull["head"], pull["base"]) == (head, base) for pull in same):
            raise _invalid([_custom(f"A pull request already exists for {OWNER}:{head}.")])
        number = hub.next_number("issue")
        pull: Json = {
            "number": number, "title": title, "body": asked.optional("body"), "state": "open",
            "author": asked.login, "head": head, "base": base, "head_sha": heads[head],
            "base_sha": heads[base], "draft": bool(asked.body.get("draft", False)),
            "created_at": now(), "updated_at": now(), "closed_at": None, "merged_at": None,
            "merged_by": None, "merge_commit": None,
        }  # fmt: skip
        hub.documents.put("pull", str(number), pull)
    return Reply(201, full(hub, pull))


def list_(hub: GitHub, asked: Asked) -> Reply:
    """List pull requests, the newest first."""
    wanted = asked.query.get("state", "open")
    head = asked.query.get("head", "").rpartition(":")[2]
    base = asked.query.get("base", "")
    found = [
        pull
        for pull in reversed(settled(hub))
        if wanted in {"all", pull["state"]}
        and head in {"", pull["head"]}
        and base in {"", pull["base"]}
    ]
    return page(asked, [brief(hub, pull) for pull in found])


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show one pull request."""
    return Reply(200, full(hub, _pull(hub, asked)))


def change(hub: GitHub, asked: Asked) -> Reply:
    """Change a pull request's title, body or base, or close it."""
    with hub.documents.locked():
        pull = _pull(hub, asked)
        for field in ("title", "body", "base", "state"):
            if field in asked.body:
                pull[field] = asked.optional(field)
        if pull["merged_at"] and pull["state"] == "open":
            raise _invalid([_custom("A merged pull request cannot be opened again")])
        pull |= {"updated_at": now(), "closed_at": None if pull["state"] == "open" else now()}
        hub.documents.put("pull", str(pull["number"]), pull)
    return Reply(200, full(hub, pull))


def merge(hub: GitHub, asked: Asked) -> Reply:
    """Merge a pull request, if its head is still where the caller saw it."""
    method = asked.optional("merge_method", "merge")
    with hub.documents.locked():
        pull = _pull(hub, asked)
        _may_merge(hub, pull, asked, method)
        title = f"Merge pull request #{pull['number']} from {OWNER}/{pull['head']}"
        message = asked.optional("commit_title", title)
        message += f"\n\n{asked.optional('commit_message', pull['title'])}"
        put = hub.git.squash if method == "squash" else hub.git.merge
        try:
            sha = put(pull["base"], pull["head_sha"], message, person(asked.login))
        except Conflict as error:
            raise Said(405, "Pull Request is not mergeable") from error
        except Moved as error:
            text = "Base branch was modified. Review and try the merge again."
            raise Said(405, text) from error
        _close(hub, pull, sha, asked.login)
    return Reply(200, {"sha": sha, "merged": True, "message": "Pull Request successfully merged"})


def _may_merge(hub: GitHub, pull: Json, asked: Asked, method: str) -> None:
    if method not in METHODS:
        raise Said(405, f"Merge method {method} is not allowed on this repository")
    wanted = asked.optional("sha")
    if wanted and wanted != pull["head_sha"]:
        raise Said(409, "Head branch was modified. Review and try the merge again.")
    if pull["state"] != "open" or pull["draft"]:
        raise Said(405, "Pull Request is not mergeable")
    if unmet := protection.unmet(hub, pull["base"], pull["head_sha"], pull):
        raise Said(405, unmet)


def is_merged(hub: GitHub, asked: Asked) -> Reply:
    """Tell by the status whether it is merged."""
    if not _pull(hub, asked)["merged_at"]:
        raise Said(404, "Not Found")
    return Reply(204)


def commits(hub: GitHub, asked: Asked) -> Reply:
    """List a pull request's commits, the oldest first."""
    pull = _pull(hub, asked)
    base = hub.git.merge_base(pull["base_sha"], pull["head_sha"])
    found = hub.git.commits("--reverse", f"{base}..{pull['head_sha']}")
    return page(asked, [hub.shapes.commit(commit) for commit in found])


def files(hub: GitHub, asked: Asked) -> Reply:
    """List the files a pull request changes."""
    pull = _pull(hub, asked)
    base = hub.git.merge_base(pull["base_sha"], pull["head_sha"])
    found = hub.git.files(base, pull["head_sha"])
    return page(asked, [hub.shapes.file(file, pull["head_sha"]) for file in found])


def of_commit(hub: GitHub, asked: Asked) -> Reply:
    """List the pull requests that bring, or brought, a commit."""
    sha = hub.sha(asked.path["ref"], 422, f"No commit found for SHA: {asked.path['ref']}")
    found = [pull for pull in reversed(settled(hub)) if _brings(hub, pull, sha)]
    return page(asked, [brief(hub, pull) for pull in found])


def _brings(hub: GitHub, pull: Json, sha: str) -> bool:
    if sha in {pull["merge_commit"], pull["head_sha"]}:
        return True
    inside = hub.contains(pull["head_sha"], sha)
    return inside and not hub.contains(pull["base_sha"], sha)


def review(hub: GitHub, asked: Asked) -> Reply:
    """Say what somebody thinks of one commit of a pull request."""
    with hub.documents.locked():
        pull = _pull(hub, asked)
        event = asked.optional("event")
        if event not in _EVENTS:
            raise Said(422, "Unprocessable Entity", ["Invalid or missing event"])
        if asked.login == pull["author"] and event != "COMMENT":
            done = "approve" if event == "APPROVE" else "request changes on"
            text = f"Can not {done} your own pull request"
            raise Said(422, "Unprocessable Entity", [text])
        commit = asked.optional("commit_id", pull["head_sha"])
        if hub.sha(commit, 422, "Unprocessable Entity") != commit:
            raise Said(422, "Unprocessable Entity", ["commit_id is not a full id"])
        number = hub.next_number("review", 5001)
        made: Json = {
            "id": number, "pull": pull["number"], "by": asked.login, "state": _EVENTS[event],
            "body": asked.optional("body"), "commit": commit, "at": now(),
        }  # fmt: skip
        hub.documents.put("review", str(number), made)
    return Reply(200, _review(hub, made))


def reviews(hub: GitHub, asked: Asked) -> Reply:
    """List the reviews of a pull request, the oldest first."""
    pull = _pull(hub, asked)
    found = protection.reviews_of(hub, pull["number"])
    return page(asked, [_review(hub, made) for made in found])


def dismiss(hub: GitHub, asked: Asked) -> Reply:
    """Take the force from a review."""
    asked.text("message")
    with hub.documents.locked():
        _pull(hub, asked)
        made = hub.find("review", asked.number("review"))
        if made["pull"] != asked.number("number"):
            raise Said(404, "Not Found")
        if made["state"] not in {"APPROVED", "CHANGES_REQUESTED"}:
            raise Said(422, "Can not dismiss a commented pull request review")
        made["state"] = "DISMISSED"
        hub.documents.put("review", str(made["id"]), made)
    return Reply(200, _review(hub, made))


def settled(hub: GitHub) -> list[Json]:
    """Return all pull requests as they are now: heads move, and a push may merge one."""
    heads = hub.git.heads()
    return [_settle(hub, pull, heads) for pull in hub.documents.all("pull")]


def _settle(hub: GitHub, pull: Json, heads: dict[str, str]) -> Json:
    if pull["state"] != "open":
        return pull
    before = dict(pull)
    base = heads.get(pull["base"]) or str(pull["base_sha"])
    pull["head_sha"] = heads.get(pull["head"], pull["head_sha"])
    if base != pull["base_sha"] and hub.contains(base, pull["head_sha"]):
        _close(hub, pull, _brought_by(hub, pull, base), pull["author"])
        return pull
    pull["base_sha"] = base
    if pull != before:
        hub.documents.put("pull", str(pull["number"]), pull)
    return pull


def _brought_by(hub: GitHub, pull: Json, base: str) -> str:
    """Return the commit of the branch itself that brought the head."""
    try:
        path = hub.git.commits("--first-parent", "--ancestry-path", f"{pull['head_sha']}..{base}")
    except GitSays:
        return base
    return path[-1].sha if path else base


def _close(hub: GitHub, pull: Json, sha: str, login: str) -> None:
    moment = now()
    pull |= {"state": "closed", "closed_at": moment, "merged_at": moment, "updated_at": moment}
    pull |= {"merged_by": login, "merge_commit": sha}
    hub.documents.put("pull", str(pull["number"]), pull)


def _pull(hub: GitHub, asked: Asked) -> Json:
    return _settle(hub, hub.find("pull", asked.number("number")), hub.git.heads())


def brief(hub: GitHub, pull: Json) -> Json:
    """Show a pull request as lists do."""
    shapes, number = hub.shapes, pull["number"]
    url, web = f"{shapes.api}/pulls/{number}", f"{shapes.web}/pull/{number}"
    links = {name: {"href": f"{url}/{name}"} for name in _LINKS}
    merge_commit = pull["merge_commit"]
    return {
        "id": 20_000 + number, "node_id": node("PR", number), "number": number, "url": url,
        "html_url": web, "diff_url": f"{web}.diff", "patch_url": f"{web}.patch",
        "issue_url": f"{shapes.api}/issues/{number}", "commits_url": f"{url}/commits",
        "comments_url": f"{shapes.api}/issues/{number}/comments",
        "review_comments_url": f"{url}/comments", "review_comment_url": f"{url}/comments",
        "statuses_url": f"{shapes.api}/statuses/{pull['head_sha']}", "state": pull["state"],
        "locked": False, "title": pull["title"], "body": pull["body"], "draft": pull["draft"],
        "user": shapes.user(pull["author"]), "labels": [], "milestone": None, "assignee": None,
        "created_at": pull["created_at"], "updated_at": pull["updated_at"],
        "closed_at": pull["closed_at"], "merged_at": pull["merged_at"],
        "merge_commit_sha": merge_commit, "author_association": "MEMBER", "auto_merge": None,
        "head": _side(hub, pull, "head"), "base": _side(hub, pull, "base"),
        "_links": links | {"self": {"href": url}},
    }  # fmt: skip


def full(hub: GitHub, pull: Json) -> Json:
    """Show a pull request alone."""
    base = hub.git.merge_base(pull["base_sha"], pull["head_sha"])
    changed = hub.git.files(base, pull["head_sha"])
    ahead, _ = hub.git.count(pull["base_sha"], pull["head_sha"])
    waits = pull["state"] != "open" or protection.unmet(hub, pull["base"], pull["head_sha"], pull)
    by = pull["merged_by"]
    return brief(hub, pull) | {
        "merged": bool(pull["merged_at"]), "mergeable": None if pull["merged_at"] else True,
        "mergeable_state": "blocked" if waits else "clean", "comments": 0, "review_comments": 0,
        "maintainer_can_modify": False, "commits": ahead, "changed_files": len(changed),
        "additions": sum(file.added for file in changed),
        "deletions": sum(file.removed for file in changed),
        "merged_by": hub.shapes.user(by) if by else None,
    }  # fmt: skip


def _side(hub: GitHub, pull: Json, side: str) -> Json:
    return {
        "label": f"{OWNER}:{pull[side]}", "ref": pull[side], "sha": pull[f"{side}_sha"],
        "user": hub.shapes.user(OWNER), "repo": hub.shapes.repository(),
    }  # fmt: skip


def _review(hub: GitHub, made: Json) -> Json:
    pull = f"{hub.shapes.api}/pulls/{made['pull']}"
    web = f"{hub.shapes.web}/pull/{made['pull']}#pullrequestreview-{made['id']}"
    return {
        "id": made["id"], "node_id": node("PRR", made["id"]), "user": hub.shapes.user(made["by"]),
        "body": made["body"], "state": made["state"], "commit_id": made["commit"],
        "submitted_at": made["at"], "html_url": web, "pull_request_url": pull,
        "author_association": "MEMBER",
        "_links": {"html": {"href": web}, "pull_request": {"href": pull}},
    }  # fmt: skip


def permission(hub: GitHub, asked: Asked) -> Reply:
    """Show what a person may do here; whoever the range calls a stranger may only read."""
    login = asked.path["login"]
    word = "read" if hub.documents.get("stranger", login) is not None else "write"
    may = {"pull": True, "triage": word == "write", "push": word == "write"}
    rights = {"permissions": may | {"maintain": False, "admin": False}, "role_name": word}
    user = hub.shapes.user(login) | rights
    return Reply(200, {"permission": word, "role_name": word, "user": user})


def _invalid(errors: list[Json]) -> Said:
    return Said(422, "Validation Failed", errors)


def _custom(message: str) -> Json:
    return {"resource": "PullRequest", "code": "custom", "message": message}
