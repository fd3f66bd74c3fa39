"""What GitHub answers, as far as it is read here."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from drillbook.ports.repository import (
    ChangedFile,
    Commit,
    FileChange,
    Proposal,
    Review,
    Verdict,
)

_CHANGES = {
    "added": FileChange.ADDED,
    "copied": FileChange.ADDED,
    "removed": FileChange.REMOVED,
    "renamed": FileChange.RENAMED,
}
_VERDICTS = {
    "APPROVED": Verdict.APPROVED,
    "CHANGES_REQUESTED": Verdict.CHANGES_REQUESTED,
    "DISMISSED": Verdict.DISMISSED,
}


class Seen(BaseModel):
    """A part of an answer; what is not read here is let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Person(Seen):
    """Somebody with an account."""

    login: str


class Named(Seen):
    """Who wrote a commit."""

    name: str = ""
    date: datetime


class Pointed(Seen):
    """A commit by its id."""

    sha: str


class CommitText(Seen):
    """What a commit says."""

    message: str
    author: Named


class CommitSeen(Seen):
    """A commit."""

    sha: str
    commit: CommitText
    author: Person | None = None
    parents: tuple[Pointed, ...] = ()

    def ours(self) -> Commit:
        """Return it in our words; who has an account is named by it."""
        text = self.commit
        return Commit(
            sha=self.sha,
            message=text.message,
            author=self.author.login if self.author else text.author.name,
            at=text.author.date,
            parents=tuple(parent.sha for parent in self.parents),
        )


class FileSeen(Seen):
    """A file that differs."""

    filename: str
    status: str
    previous_filename: str = ""
    additions: int = 0
    deletions: int = 0
    patch: str = ""

    def ours(self) -> ChangedFile:
        """Return it in our words."""
        return ChangedFile(
            path=self.filename,
            change=_CHANGES.get(self.status, FileChange.CHANGED),
            before=self.previous_filename,
            added_lines=self.additions,
            removed_lines=self.deletions,
            patch=self.patch,
        )


class ComparedSeen(Seen):
    """One page of a comparison; the files come with the first."""

    ahead_by: int
    behind_by: int
    base_commit: Pointed
    merge_base_commit: Pointed
    commits: tuple[CommitSeen, ...]
    files: tuple[FileSeen, ...] = ()


class Leaf(Seen):
    """One entry of a tree: a file, or a folder."""

    path: str
    type: str
    sha: str


class TreeSeen(Seen):
    """All files of a commit, where GitHub shows them all."""

    tree: tuple[Leaf, ...]
    truncated: bool = False


class Contents(Seen):
    """A file's bytes, written in base 64; larger files have none here."""

    type: str
    encoding: str = ""
    content: str = ""


class RequiredChecks(Seen):
    """The checks that a branch asks for."""

    contexts: tuple[str, ...] = ()


class Protection(Seen):
    """What protects a branch, as everybody who may read it sees it."""

    required_status_checks: RequiredChecks | None = None


class BranchSeen(Seen):
    """A branch."""

    name: str
    commit: Pointed
    protection: Protection = Protection()


class RuleCheck(Seen):
    """One check of a rule."""

    context: str


class RuleParameters(Seen):
    """What a rule asks for."""

    required_status_checks: tuple[RuleCheck, ...] = ()


class Rule(Seen):
    """A rule of a ruleset that holds for a branch."""

    type: str
    parameters: RuleParameters = RuleParameters()


class ReviewSeen(Seen):
    """A review; one that is still being written has no time."""

    user: Person | None
    state: str
    commit_id: str | None = None
    submitted_at: datetime | None = None

    def ours(self) -> Review | None:
        """Return it in our words; None for one that says nothing yet."""
        if self.submitted_at is None:
            return None
        return Review(
            by=self.user.login if self.user else "",
            verdict=_VERDICTS.get(self.state, Verdict.COMMENTED),
            commit=self.commit_id or "",
            at=self.submitted_at,
        )


class Permission(Seen):
    """What a person may do in the repository: admin, write, read or none."""

    permission: str


class Side(Seen):
    """One side of a pull request."""

    ref: str
    sha: str


class PullSeen(Seen):
    """A pull request as lists show it."""

    number: int
    title: str
    state: str
    draft: bool = False
    user: Person | None
    head: Side
    base: Side
    merged_at: datetime | None = None
    merge_commit_sha: str | None = None
    html_url: str = ""

    def ours(self, reviews: tuple[Review, ...]) -> Proposal:
        """Return it in our words; the merge commit of an open one is only a trial."""
        merged = self.merged_at is not None
        return Proposal(
            number=self.number,
            title=self.title,
            author=self.user.login if self.user else "",
            branch=self.head.ref,
            head=self.head.sha,
            base=self.base.ref,
            base_head=self.base.sha,
            open=self.state == "open",
            draft=self.draft,
            merged=merged,
            reviews=reviews,
            merge_commit=(self.merge_commit_sha or "") if merged else "",
            url=self.html_url,
        )


class MergeSeen(Seen):
    """A pull request that was merged just now."""

    sha: str


class IssueSeen(Seen):
    """An issue; GitHub lists pull requests among them."""

    number: int
    title: str
    body: str | None = None
    state: str
    html_url: str = ""
    pull_request: dict[str, object] | None = Field(default=None)
