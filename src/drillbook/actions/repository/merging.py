"""Merge exactly one commit into the environment's branch."""

from drillbook.actions.repository.commits import exact, named, short
from drillbook.actions.repository.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.ports.repository import Merged, Merging, Repository


class MergedInto(Frozen):
    """
    A commit that is in the branch; `commit` is the one that brought it, which is to be deployed.

    `before` is where the branch was; `already` says that it was there before this task; `as_seen`
    is False where the branch moved away from `base` in the very moment: no platform can be told.
    """

    commit: str
    head: str
    into: str
    before: str
    already: bool
    as_seen: bool
    says: str


@domain.final(
    because="a merge stays in the branch's history; revert it by a change of its own", lasts=True
)
def merge(
    merging: Merging,
    repository: Repository,
    effect: Effect,
    *,
    commit: str,
    base: str = "",
    into: str = "",
    message: str = "",
) -> MergedInto:
    """
    Merge exactly this commit into the environment's branch, and no newer one.

    Refused when the proposal it belongs to has a newer commit, or when the branch is no longer
    at `base`, where one was given: both would bring something together that nobody reviewed.
    """
    head, branch = exact(commit), named(into or repository.branch, "into")
    if found := merging.merged(branch, head, effect):
        return _said(found, base)
    _unchanged(repository, head, branch, base)
    text = message.strip() or f"Merge {short(head)} into {branch}"
    return _said(merging.merge(branch, head, text, effect), base)


@merge.looking
def merged_already(
    merging: Merging,
    repository: Repository,
    effect: Effect,
    *,
    commit: str,
    base: str = "",
    into: str = "",
    message: str = "",
) -> MergedInto | None:
    """Look whether the branch has the commit."""
    found = merging.merged(named(into or repository.branch, "into"), exact(commit), effect)
    return _said(found, base) if found is not None else None


def _unchanged(repository: Repository, head: str, branch: str, base: str) -> None:
    if base:
        now = repository.commit(branch).sha
        if now != exact(base, "base"):
            raise Refused(
                f"{branch} was at {short(base)} when the change was reviewed and is at "
                f"{short(now)} now",
                hint="Look what came in between, and start again with the review.",
            )
    for proposal in repository.proposals(head):
        if proposal.open and proposal.base == branch and proposal.head != head:
            raise Refused(
                f"#{proposal.number} ({proposal.title}) moved from {short(head)} to "
                f"{short(proposal.head)} since it was reviewed",
                hint="Have the new commit reviewed and checked, and merge that one.",
            )


def _said(merged: Merged, base: str) -> MergedInto:
    # What an earlier run or somebody else has merged was there when the branch was looked at.
    as_seen = not base or merged.already or merged.before in {"", base}
    if merged.already:
        says = f"{merged.into} has {short(merged.head)} already, by {short(merged.sha)}"
    else:
        says = f"{short(merged.head)} is in {merged.into}, by {short(merged.sha)}"
    if not as_seen:
        says += f"; {merged.into} had moved from {short(base)} to {short(merged.before)} meanwhile"
    return MergedInto(
        commit=merged.sha,
        head=merged.head,
        into=merged.into,
        before=merged.before,
        already=merged.already,
        as_seen=as_seen,
        says=says,
    )
