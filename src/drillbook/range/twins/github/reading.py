"""Commits, comparisons, files, branches and refs, read from the repository itself."""

import base64
from urllib.parse import urlencode

from drillbook.range.twins.github import protection
from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page, page_number
from drillbook.range.twins.github.git import GitSays, Moved, NoSuchCommit
from drillbook.range.twins.github.shapes import node
from drillbook.range.twins.github.twin import GitHub

MOST_COMMITS, MOST_FILES = 250, 300
NOWHERE = "0" * 40


def repository(hub: GitHub, _asked: Asked) -> Reply:
    """Show the repository."""
    return Reply(200, hub.shapes.repository())


def commit(hub: GitHub, asked: Asked) -> Reply:
    """Show a commit and the files it changes."""
    ref = asked.path["ref"]
    found = hub.git.commit(hub.sha(ref, 422, f"No commit found for SHA: {ref}"))
    files = hub.git.files(found.parents[0], found.sha) if found.parents else []
    added, removed = sum(one.added for one in files), sum(one.removed for one in files)
    return Reply(200, hub.shapes.commit(found) | {
        "stats": {"additions": added, "deletions": removed, "total": added + removed},
        "files": [hub.shapes.file(one, found.sha) for one in files[:MOST_FILES]],
    })  # fmt: skip


def commits(hub: GitHub, asked: Asked) -> Reply:
    """List a branch's commits, the newest first, perhaps only those of one path."""
    head = hub.sha(asked.query.get("sha") or "main")
    path = asked.query.get("path")
    number, size = page_number(asked)
    words = [head, *(["--since", asked.query["since"]] if "since" in asked.query else [])]
    found = hub.git.run("rev-list", *words, "--", *([path] if path else [])).split()
    shown = found[(number - 1) * size : number * size]
    reply = page(asked, found)
    known = hub.git.commits("--no-walk=unsorted", *shown) if shown else []
    return Reply(200, [hub.shapes.commit(one) for one in known], reply.headers)


def compare(hub: GitHub, asked: Asked) -> Reply:
    """Compare two commits: what head has since the two parted."""
    base_name, dots, head_name = asked.path["basehead"].partition("...")
    if not dots:
        raise Said(404, "Not Found")
    base, head = hub.sha(base_name), hub.sha(head_name)
    try:
        common = hub.git.merge_base(base, head)
    except GitSays as error:
        raise Said(404, f"No common ancestor between {base_name} and {head_name}.") from error
    ahead, behind = hub.git.count(base, head)
    paged = "page" in asked.query or "per_page" in asked.query
    number, size = page_number(asked) if paged else (1, MOST_COMMITS)
    between = hub.git.commits("--reverse", "--topo-order", f"{base}..{head}")
    shown = between[(number - 1) * size : number * size]
    last = max(1, -(-len(between) // size))
    url = f"{hub.shapes.api}/compare/{asked.path['basehead']}"
    web = f"{hub.shapes.web}/compare/{asked.path['basehead']}"
    body: Json = {
        "url": url, "html_url": web, "permalink_url": web, "diff_url": f"{web}.diff",
        "patch_url": f"{web}.patch", "base_commit": hub.shapes.commit(hub.git.commit(base)),
        "merge_base_commit": hub.shapes.commit(hub.git.commit(common)),
        "status": _status(ahead, behind), "ahead_by": ahead, "behind_by": behind,
        "total_commits": ahead, "commits": [hub.shapes.commit(one) for one in shown],
    }  # fmt: skip
    # As GitHub does: the files come with the first page only.
    files = hub.git.files(common, head) if number == 1 else []
    body["files"] = [hub.shapes.file(one, head) for one in files[:MOST_FILES]]
    following = urlencode({"per_page": size, "page": number + 1})
    headers = {"Link": f'<{asked.url}?{following}>; rel="next"'} if paged and number < last else {}
    return Reply(200, body, headers)


def _status(ahead: int, behind: int) -> str:
    if ahead and behind:
        return "diverged"
    return "ahead" if ahead else "behind" if behind else "identical"


def tree(hub: GitHub, asked: Asked) -> Reply:
    """Show all files of a commit; folders alone are not shown."""
    sha = hub.sha(asked.path["sha"])
    url = f"{hub.shapes.api}/git/trees/{sha}"
    leaves = [
        {"path": path, "mode": "100644", "type": "blob", "sha": blob,
         "url": f"{hub.shapes.api}/git/blobs/{blob}"}
        for path, blob in hub.git.tree(sha)
    ]  # fmt: skip
    return Reply(200, {"sha": sha, "url": url, "tree": leaves, "truncated": False})


def contents(hub: GitHub, asked: Asked) -> Reply:
    """Show a file of a commit, base64."""
    path, ref = asked.path["path"].strip("/"), asked.query.get("ref") or "main"
    hub.sha(ref, 404, f"No commit found for the ref {ref}")
    try:
        blob, data = hub.git.blob(ref, path)
    except NoSuchCommit as error:
        raise Said(404, "Not Found") from error
    url = f"{hub.shapes.api}/contents/{path}?ref={ref}"
    git, web = f"{hub.shapes.api}/git/blobs/{blob}", f"{hub.shapes.web}/blob/{ref}/{path}"
    return Reply(200, {
        "type": "file", "encoding": "base64", "size": len(data), "name": path.rpartition("/")[2],
        "path": path, "content": base64.encodebytes(data).decode(), "sha": blob, "url": url,
        "git_url": git, "html_url": web, "download_url": f"{hub.shapes.web}/raw/{ref}/{path}",
        "_links": {"self": url, "git": git, "html": web},
    })  # fmt: skip


def branches(hub: GitHub, asked: Asked) -> Reply:
    """List the branches."""
    found = []
    for name, sha in hub.git.heads().items():
        kept = hub.documents.get("protection", name) is not None
        where = {"sha": sha, "url": f"{hub.shapes.api}/commits/{sha}"}
        found.append({"name": name, "commit": where, "protected": kept})
    return page(asked, found)


def branch(hub: GitHub, asked: Asked) -> Reply:
    """Show a branch, its commit and what protects it."""
    name = asked.path["branch"]
    sha = hub.branch(name)
    rules = hub.documents.get("protection", name)
    url = f"{hub.shapes.api}/branches/{name}"
    shown = protection.shown(hub, name, rules) if rules else {"enabled": False}
    return Reply(200, {
        "name": name, "commit": hub.shapes.commit(hub.git.commit(sha)),
        "_links": {"self": url, "html": f"{hub.shapes.web}/tree/{name}"},
        "protected": rules is not None, "protection": shown,
        "protection_url": f"{url}/protection",
    })  # fmt: skip


def rules(hub: GitHub, asked: Asked) -> Reply:
    """List the rules of rulesets: this repository protects its branches the older way."""
    hub.branch(asked.path["branch"])
    return page(asked, [])


def ref(hub: GitHub, asked: Asked) -> Reply:
    """Show where a ref points."""
    return Reply(200, _ref(hub, asked.path["ref"], hub.branch(_name(asked.path["ref"], 404))))


def create_ref(hub: GitHub, asked: Asked) -> Reply:
    """Make a branch at a commit."""
    full, sha = asked.text("ref"), asked.text("sha")
    if not full.startswith("refs/"):
        raise Said(422, "Reference name must start with 'refs/'.")
    name = _name(full.removeprefix("refs/"), 422)
    if hub.sha(sha, 422, "Object does not exist") != sha:
        raise Said(422, "The sha parameter must be exactly 40 characters")
    try:
        hub.git.set_branch(name, sha, NOWHERE)
    except Moved as error:
        raise Said(422, "Reference already exists") from error
    return Reply(201, _ref(hub, f"heads/{name}", sha))


def update_ref(hub: GitHub, asked: Asked) -> Reply:
    """Move a branch; only forwards unless forced."""
    name = _name(asked.path["ref"], 422)
    sha, before = asked.text("sha"), hub.branch(name)
    hub.sha(sha, 422, "Object does not exist")
    if not asked.body.get("force") and not hub.contains(sha, before):
        raise Said(422, "Update is not a fast forward")
    if unmet := protection.unmet(hub, name, sha, None):
        raise Said(422, unmet)
    try:
        hub.git.set_branch(name, sha, before)
    except Moved as error:
        raise Said(422, "Reference cannot be updated") from error
    return Reply(200, _ref(hub, asked.path["ref"], sha))


def remove_ref(hub: GitHub, asked: Asked) -> Reply:
    """Remove a branch."""
    name = _name(asked.path["ref"], 422)
    if name not in hub.git.heads():
        raise Said(422, "Reference does not exist")
    hub.git.remove_branch(name)
    return Reply(204)


def _name(ref: str, status: int) -> str:
    kind, _, name = ref.partition("/")
    if kind != "heads" or not name:
        raise Said(status, "Not Found" if status == 404 else "Reference does not exist")  # noqa: PLR2004 - HTTP's
    return name


def _ref(hub: GitHub, ref: str, sha: str) -> Json:
    url = f"{hub.shapes.api}/git/refs/{ref}"
    return {
        "ref": f"refs/{ref}", "node_id": node("REF", ref), "url": url,
        "object": {"type": "commit", "sha": sha, "url": f"{hub.shapes.api}/git/commits/{sha}"},
    }  # fmt: skip
