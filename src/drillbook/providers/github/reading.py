"""Commits, comparisons, files and proposals."""

import base64
import binascii
from urllib.parse import quote

from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.ports.repository import (
    ChangedFile,
    Commit,
    Compared,
    FileChange,
    Proposal,
    Verdict,
)
from drillbook.providers.github.answers import (
    CommitSeen,
    ComparedSeen,
    Contents,
    Permission,
    PullSeen,
    ReviewSeen,
    TreeSeen,
)
from drillbook.providers.github.hub import UNPROCESSABLE, Hub, parsed, quoted

LONGEST_NUMBER = 9
MISSING = 404
WRITING = {"admin", "write"}
# GitHub shows so many files of a comparison and keeps silent about the others.
MOST_FILES = 300


def commit(hub: Hub, ref: str) -> Commit:
    """Return the commit a ref names; for a name that means nothing GitHub answers 422."""
    path = f"/repos/{hub.repository}/commits/{quoted(ref)}"
    reply = hub.api.read(path, accept=(UNPROCESSABLE,), right="Contents: read")
    if reply.status == UNPROCESSABLE:
        raise hub.has_no(ref)
    return parsed(CommitSeen, reply.body, path).ours()


def compared(hub: Hub, base: str, head: str, *, with_files: bool = True) -> Compared:
    """Compare two commits with all that lies between; the files may be left out."""
    path = f"/compare/{quoted(base)}...{quoted(head)}"
    pages = [parsed(ComparedSeen, body, path) for body in hub.pages(path, right="Contents: read")]
    first = pages[0]
    commits = tuple(one.ours() for page in pages for one in page.commits)
    tip = commits[-1].sha if commits else first.merge_base_commit.sha
    tip = head if is_commit(head) else tip
    files = tuple(file.ours() for file in first.files) if with_files else ()
    if len(files) >= MOST_FILES:
        files = _between(hub, first.merge_base_commit.sha, tip)
    return Compared(
        base=first.base_commit.sha,
        head=tip,
        ahead=first.ahead_by,
        behind=first.behind_by,
        commits=commits,
        files=files,
    )


def _between(hub: Hub, base: str, head: str) -> tuple[ChangedFile, ...]:
    """Return all files that differ, from the trees: without patches, and a move is two changes."""
    before, now = _tree(hub, base), _tree(hub, head)
    found = []
    for path in sorted(before.keys() | now.keys()):
        if before.get(path) == now.get(path):
            continue
        change = FileChange.CHANGED
        if path not in before:
            change = FileChange.ADDED
        elif path not in now:
            change = FileChange.REMOVED
        found.append(ChangedFile(path=path, change=change))
    return tuple(found)


def _tree(hub: Hub, sha: str) -> dict[str, str]:
    seen = hub.one(TreeSeen, f"/git/trees/{sha}", {"recursive": "1"}, right="Contents: read")
    if seen.truncated:
        raise Refused(
            f"GitHub does not show all files of {sha[:7]}, so what changed cannot be told",
            hint="Compare them in a clone of the repository.",
            again=False,
        )
    return {leaf.path: leaf.sha for leaf in seen.tree if leaf.type != "tree"}


def file(hub: Hub, path: str, ref: str) -> bytes:
    """Return a file of a commit."""
    seen = hub.one(Contents, f"/contents/{quoted(path)}", {"ref": ref}, right="Contents: read")
    if seen.type != "file":
        raise NotFound(f"{path} of {ref} is no file but a {seen.type}", hint="Check the path.")
    if seen.encoding != "base64":
        raise Failed(
            f"GitHub does not show {path} of {ref}: it is over 1 MiB",
            hint="Read it in a clone of the repository.",
        )
    try:
        return base64.b64decode(seen.content)
    except binascii.Error as error:
        raise Failed(f"GitHub's answer for {path} is no base 64") from error


def proposals(hub: Hub, change: str) -> tuple[Proposal, ...]:
    """Return what a number, a branch or a commit names."""
    number = change.removeprefix("#")
    if number.isdecimal() and len(number) <= LONGEST_NUMBER:
        return (_with_reviews(hub, hub.one(PullSeen, f"/pulls/{number}")),)
    if is_commit(change):
        return _of_commit(hub, change)
    owner = hub.repository.partition("/")[0]
    query = {"state": "all", "head": f"{owner}:{change}"}
    found = hub.all(PullSeen, "/pulls", query)
    if not found:
        commit(hub, change)  # NotFound for what names nothing
    return tuple(_with_reviews(hub, pull) for pull in found)


def open_into(hub: Hub, into: str, head: str) -> PullSeen | None:
    """Return the open pull request that would bring exactly this commit into a branch."""
    for pull in hub.all(PullSeen, "/pulls", {"state": "open", "base": into}):
        if pull.head.sha == head:
            return pull
    return None


def is_commit(text: str) -> bool:
    """Tell whether a text is the full id of a commit."""
    return len(text) == len("0" * 40) and all(letter in "0123456789abcdef" for letter in text)


def _of_commit(hub: Hub, sha: str) -> tuple[Proposal, ...]:
    found = hub.all(PullSeen, f"/commits/{sha}/pulls", of=sha)
    # Whose head it is comes first: others only contain it.
    ordered = sorted(found, key=lambda pull: (pull.head.sha != sha, -pull.number))
    return tuple(_with_reviews(hub, pull) for pull in ordered)


def _with_reviews(hub: Hub, pull: PullSeen) -> Proposal:
    seen = hub.all(ReviewSeen, f"/pulls/{pull.number}/reviews")
    reviews = [one for one in (review.ours() for review in seen) if one is not None]
    approving = {one.by for one in reviews if one.by and one.verdict is Verdict.APPROVED}
    strangers = {login for login in approving if not _may_write(hub, login)}
    return pull.ours(
        tuple(one.model_copy(update={"may_write": one.by not in strangers}) for one in reviews)
    )


def _may_write(hub: Hub, login: str) -> bool:
    """Whether a person may write here; a program of GitHub's, and who left, may not."""
    path = f"/repos/{hub.repository}/collaborators/{quote(login, safe='')}/permission"
    reply = hub.api.read(path, accept=(MISSING,), right="Metadata: read")
    if reply.status == MISSING:
        return False
    return parsed(Permission, reply.body, path).permission in WRITING
