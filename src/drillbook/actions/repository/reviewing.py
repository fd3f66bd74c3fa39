"""Whether somebody other than the author approved exactly this commit."""

from collections.abc import Sequence
from dataclasses import dataclass

from drillbook.actions.repository.commits import named, short
from drillbook.actions.repository.subject import domain
from drillbook.core.errors import NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.ports.repository import Proposal, Repository, Verdict

_NO_WORD = {Verdict.COMMENTED}


class Reviewed(Frozen):
    """A commit that was approved; `base` is where the branch it is for was at that moment."""

    commit: str
    proposal: int
    title: str
    author: str
    branch: str
    into: str
    base: str
    approved_by: tuple[str, ...]
    stale: tuple[str, ...]
    merged: bool
    url: str
    says: str


@dataclass(frozen=True, slots=True)
class Opinions:
    """Each reviewer's last word, sorted by what it is worth for one commit."""

    approved: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    own: tuple[str, ...] = ()


@domain.read
def reviewed(
    repository: Repository, *, change: str, into: str = "", approvals: int = 1
) -> Reviewed:
    """
    See that somebody other than its authors approved exactly the change's newest commit.

    Refused otherwise: approvals of older commits, of strangers who may not write here, and of
    anybody who wrote one of the commits do not count; whoever asked for changes must have approved
    since. `change` is a proposal's number, a branch or a commit; it must be proposed for the
    environment's branch, or for `into`.
    """
    if approvals < 1:
        raise Refused("approvals must be 1 or more", hint="approvals=1", again=False)
    wanted = named(change, "change")
    branch = named(into or repository.branch, "into")
    found = _the_one(wanted, repository.proposals(wanted), branch)
    _is_alive(wanted, found)
    base = repository.commit(found.base).sha
    # What was merged is in the branch by now: its commits are those since before the merge.
    writers = _writers(repository, found, found.base_head if found.merged else base)
    opinions = opinions_of(found, writers)
    if opinions.against or len(opinions.approved) < approvals:
        raise Refused(_why_not(found, opinions, approvals), hint=_hint(opinions))
    by = " and ".join(opinions.approved)
    return Reviewed(
        commit=found.head,
        proposal=found.number,
        title=found.title,
        author=found.author,
        branch=found.branch,
        into=found.base,
        base=base,
        approved_by=opinions.approved,
        stale=opinions.stale,
        merged=found.merged,
        url=found.url,
        says=f"{_named(found)} of {found.author} was approved by {by}, at exactly "
        f"{short(found.head)}",
    )


def opinions_of(proposal: Proposal, writers: frozenset[str]) -> Opinions:
    """Sort each reviewer's last word; a comment takes no earlier word back."""
    last = {}
    for review in sorted(proposal.reviews, key=lambda review: review.at):
        if review.by and review.verdict not in _NO_WORD:
            last[review.by] = review
    approving = [one for one in last.values() if one.verdict is Verdict.APPROVED]
    own = tuple(one.by for one in approving if one.by.lower() in writers)
    strangers = tuple(one.by for one in approving if not one.may_write and one.by not in own)
    others = [one for one in approving if one.by not in (*own, *strangers)]
    return Opinions(
        approved=tuple(sorted(one.by for one in others if one.commit == proposal.head)),
        stale=tuple(sorted(one.by for one in others if one.commit != proposal.head)),
        against=tuple(
            sorted(one.by for one in last.values() if one.verdict is Verdict.CHANGES_REQUESTED)
        ),
        strangers=strangers,
        own=own,
    )


def _the_one(change: str, found: Sequence[Proposal], into: str) -> Proposal:
    """Return the proposal that is meant; a commit must be its newest."""
    fitting = [one for one in found if one.base == into]
    if not fitting:
        others = " and ".join(f"#{one.number} into {one.base}" for one in found)
        says = f"nobody has proposed {change} for {into}, so nobody can have reviewed it"
        raise NotFound(
            f"{says}; proposed is {others}" if others else says,
            hint=f"Open a pull request for {into}, and let somebody else read it.",
        )
    exactly = [one for one in fitting if change in (one.head, one.branch, str(one.number))]
    exactly = exactly or [one for one in fitting if change.removeprefix("#") == str(one.number)]
    if not exactly:
        first = fitting[0]
        raise Refused(
            f"{short(change)} is not the newest commit of {_named(first)}, which is "
            f"{short(first.head)}",
            hint="What was reviewed is the newest commit: name the proposal or its branch.",
        )
    alive = [one for one in exactly if one.open] or exactly[:1]
    if len(alive) > 1:
        numbers = ", ".join(f"#{one.number} of {one.branch}" for one in alive)
        raise Refused(
            f"{change} is proposed {len(alive)} times: {numbers}",
            hint="Give the number of one of them.",
            again=False,
        )
    return alive[0]


def _is_alive(change: str, proposal: Proposal) -> None:
    if not proposal.open and not proposal.merged:
        raise Refused(
            f"{change}: {_named(proposal)} was closed and not merged",
            hint="Open it again, or name another one.",
        )
    if proposal.draft:
        raise Refused(
            f"{change}: {_named(proposal)} is a draft, and its author still works on it",
            hint="Mark it as ready, and let somebody else read it.",
        )


def _writers(repository: Repository, proposal: Proposal, base: str) -> frozenset[str]:
    """Return who wrote the change: who proposed it, and who wrote one of its commits."""
    commits = repository.compared(base, proposal.head).commits
    return frozenset(name.lower() for name in (proposal.author, *(c.author for c in commits)))


def _why_not(proposal: Proposal, opinions: Opinions, approvals: int) -> str:
    what = f"{_named(proposal)} at {short(proposal.head)}"
    if opinions.against:
        by = " and ".join(opinions.against)
        return f"{what} is not approved: {by} asked for changes and has not approved since"
    count = len(opinions.approved)
    said = f"{what} has {count} of {approvals} approvals"
    if opinions.stale:
        old = " and ".join(opinions.stale)
        said += f"; {old} approved an older commit, and it has changed since"
    if opinions.strangers:
        said += f"; {' and '.join(opinions.strangers)} may not write here, and cannot approve it"
    if opinions.own:
        said += f"; {' and '.join(opinions.own)} wrote it, and cannot approve it"
    return said


def _hint(opinions: Opinions) -> str:
    if opinions.against:
        return "Make the changes, and let the reviewer look again."
    who = " and ".join(opinions.stale) or "somebody other than the author"
    return f"Let {who} read this very commit and approve it."


def _named(proposal: Proposal) -> str:
    return f"#{proposal.number} ({proposal.title})"
