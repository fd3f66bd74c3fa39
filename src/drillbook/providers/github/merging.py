"""Put a commit into a branch: look whether it is there, merge it, look again."""

import time
from typing import TYPE_CHECKING

from drillbook.core.effect import Effect, deadline
from drillbook.core.errors import NotFound, OutcomeUnknown, Refused, Unavailable
from drillbook.ports.repository import Merged
from drillbook.providers.github import reading
from drillbook.providers.github.ancestry import brought_by
from drillbook.providers.github.answers import BranchSeen, CommitSeen, MergeSeen, PullSeen
from drillbook.providers.github.hub import Hub, parsed, quoted
from drillbook.remote.reply import Reply

if TYPE_CHECKING:
    from pydantic import JsonValue

CREATED, NOTHING_TO_DO, NOT_ALLOWED, CONFLICT, UNPROCESSABLE = 201, 204, 405, 409, 422
NO = (NOT_ALLOWED, CONFLICT, UNPROCESSABLE)
LOOKS = 3
BETWEEN_LOOKS_SECONDS = 0.5
MARK = "Drillbook-Effect:"
_RIGHT = "Contents: write, Pull requests: write"


def merged(hub: Hub, into: str, head: str, effect: Effect) -> Merged | None:
    """Return how a commit came into a branch; None when it is not in it."""
    tip = hub.one(BranchSeen, f"/branches/{quoted(into)}").commit.sha
    compared = reading.compared(hub, head, tip, with_files=False)
    if compared.behind:
        return _squashed(hub, into, head, tip, effect)
    came = brought_by(head, tip, compared.commits)
    if came is None:  # the branch is at this very commit, or was moved on to it
        return Merged(sha=head, head=head, into=into, before="", already=True)
    before = came.parents[0] if came.parents else ""
    if before == head:  # the next commit after it: the branch was moved on to it
        return Merged(sha=head, head=head, into=into, before="", already=True)
    already = mark(effect) not in came.message
    return Merged(sha=came.sha, head=head, into=into, before=before, already=already)


def merge(hub: Hub, into: str, head: str, message: str, effect: Effect) -> Merged:
    """Merge exactly this commit, by its pull request where there is one."""
    if found := merged(hub, into, head, effect):
        return found
    pull = reading.open_into(hub, into, head)
    effect.still_mine()
    try:
        if pull is None:
            return _merge_commit(hub, into, head, message, effect)
        return _merge_pull(hub, pull, head, message, effect)
    except OutcomeUnknown as lost:
        return _looked(hub, into, head, effect, lost)


def mark(effect: Effect) -> str:
    """Return the line of a merge's message by which it is known again."""
    return f"{MARK} {effect.key}"


def _merge_pull(hub: Hub, pull: PullSeen, head: str, message: str, effect: Effect) -> Merged:
    body: dict[str, JsonValue] = {
        "sha": head,
        "merge_method": "merge",
        "commit_title": f"{message} (#{pull.number})",
        "commit_message": mark(effect),
    }
    path = f"/pulls/{pull.number}/merge"
    reply = hub.send("PUT", path, body, accept=NO, right=_RIGHT)
    if reply.status in NO:
        what = f"#{pull.number} ({head[:7]}) into {pull.base.ref}"
        return _there_or_refused(hub, pull.base.ref, head, effect, _refused(what, reply))
    return _made(hub, pull.base.ref, head, parsed(MergeSeen, reply.body, path).sha)


def _merge_commit(hub: Hub, into: str, head: str, message: str, effect: Effect) -> Merged:
    text = f"{message}\n\n{mark(effect)}"
    body: dict[str, JsonValue] = {"base": into, "head": head, "commit_message": text}
    reply = hub.send("POST", "/merges", body, accept=NO, right=_RIGHT)
    if reply.status in NO:
        refused = _refused(f"{head[:7]} into {into}", reply)
        return _there_or_refused(hub, into, head, effect, refused)
    if reply.status == NOTHING_TO_DO:  # somebody else was faster
        if found := merged(hub, into, head, effect):
            return found
        raise Unavailable(f"GitHub says that {into} has {head[:7]}, and does not show it yet")
    made = parsed(CommitSeen, reply.body, "/merges").ours()
    before = made.parents[0] if made.parents else ""
    return Merged(sha=made.sha, head=head, into=into, before=before, already=False)


def _made(hub: Hub, into: str, head: str, sha: str) -> Merged:
    parents = reading.commit(hub, sha).parents
    return Merged(sha=sha, head=head, into=into, before=parents[0], already=False)


def _there_or_refused(hub: Hub, into: str, head: str, effect: Effect, refused: Refused) -> Merged:
    """Return the merge that is there after all: a gateway may have sent ours twice."""
    if found := merged(hub, into, head, effect):
        return found
    raise refused


def _looked(hub: Hub, into: str, head: str, effect: Effect, lost: OutcomeUnknown) -> Merged:
    """Look whether a merge whose answer was lost was carried out; it may take a moment."""
    for look in range(LOOKS):
        if look:
            time.sleep(deadline.get().left(at_most=BETWEEN_LOOKS_SECONDS))
        if found := merged(hub, into, head, effect):
            return found
    raise Unavailable(
        f"{lost}; {into} does not have {head[:7]}",
        hint="Trying again is safe: GitHub merges a commit once.",
    ) from lost


def _squashed(hub: Hub, into: str, head: str, tip: str, effect: Effect) -> Merged | None:
    """Return a merge that left the commit itself outside, squashed or rebased, if it is there."""
    try:
        found = reading.proposals(hub, head)
    except NotFound:
        return None
    for pull in found:
        if pull.merged and (pull.base, pull.head) == (into, head) and pull.merge_commit:
            if reading.compared(hub, pull.merge_commit, tip, with_files=False).behind:
                continue  # the branch was moved back to before it
            made = reading.commit(hub, pull.merge_commit)
            already = mark(effect) not in made.message
            before = made.parents[0] if made.parents else ""
            return Merged(sha=made.sha, head=head, into=into, before=before, already=already)
    return None


def _refused(what: str, reply: Reply) -> Refused:
    words = reply.words or f"status {reply.status}"
    if reply.status == CONFLICT and "conflict" in words.lower():
        hint = "Merge the branch into the change, solve the conflict, and have it reviewed again."
    elif "method" in words.lower():
        hint = (
            "Allow merge commits in the repository's settings: the reviewed commit stays as it is."
        )
    else:
        hint = "Look at the pull request: what it still waits for stands there."
    return Refused(f"GitHub does not merge {what}: {words}", hint=hint)
