"""With which commit another one came into a branch, read from the commits after it."""

from collections.abc import Mapping, Sequence

from drillbook.ports.repository import Commit


def brought_by(head: str, tip: str, after: Sequence[Commit]) -> Commit | None:
    """
    Return the branch's own commit with which `head` came in; None when `tip` is `head`.

    `after` is what the branch has and `head` has not. The branch's own commits are those of the
    first parents; the oldest of them that has `head` in its history brought it.
    """
    known = {commit.sha: commit for commit in after}
    holding = _holding(head, known)
    found: Commit | None = None
    at = known.get(tip)
    while at is not None and at.sha in holding:
        found = at
        at = known.get(at.parents[0]) if at.parents else None
    return found


def _holding(head: str, known: Mapping[str, Commit]) -> set[str]:
    """Return the commits that have `head` in their history: from it, child by child."""
    children: dict[str, list[str]] = {}
    for commit in known.values():
        for parent in commit.parents:
            children.setdefault(parent, []).append(commit.sha)
    holding: set[str] = set()
    waiting = [head]
    while waiting:
        for child in children.get(waiting.pop(), []):
            if child not in holding:
                holding.add(child)
                waiting.append(child)
    return holding
