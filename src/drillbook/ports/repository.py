"""The repository on its platform: commits, proposals, the pipeline's checks, merges, reminders."""

from datetime import datetime
from enum import StrEnum
from typing import Protocol

from drillbook.core.effect import Effect
from drillbook.core.model import Frozen


class Commit(Frozen):
    """One commit; `parents` in order, the first is the branch's own."""

    sha: str
    message: str
    author: str
    at: datetime
    parents: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.partition("\n")[0]


class FileChange(StrEnum):
    """What happened to a file between two commits."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"
    RENAMED = "renamed"


class ChangedFile(Frozen):
    """One file that differs; `patch` is empty where the platform gives none."""

    path: str
    change: FileChange
    before: str = ""
    added_lines: int = 0
    removed_lines: int = 0
    patch: str = ""


class Compared(Frozen):
    """What `head` has that `base` has not: `commits` oldest first; `behind` is the other way."""

    base: str
    head: str
    ahead: int
    behind: int
    commits: tuple[Commit, ...]
    files: tuple[ChangedFile, ...] = ()


class Stage(StrEnum):
    """How far a check is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"


class Outcome(StrEnum):
    """How a check ended; NONE while it has not."""

    NONE = ""
    GREEN = "green"
    RED = "red"
    NEUTRAL = "neutral"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed out"
    WAITS_FOR_SOMEBODY = "waits for somebody"
    STALE = "stale"


class Check(Frozen):
    """What one check says of one commit."""

    name: str
    stage: Stage
    outcome: Outcome
    commit: str
    url: str = ""
    at: datetime | None = None
    says: str = ""


class Verdict(StrEnum):
    """What a reviewer said."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


class Review(Frozen):
    """One review: who said what of which commit; strangers may say it, too, and not `may_write`."""

    by: str
    verdict: Verdict
    commit: str
    at: datetime
    may_write: bool = True


class Proposal(Frozen):
    """A change somebody proposes for a branch; `head` and `base_head` are commits."""

    number: int
    title: str
    author: str
    branch: str
    head: str
    base: str
    base_head: str
    open: bool
    draft: bool
    merged: bool
    reviews: tuple[Review, ...]
    merge_commit: str = ""
    url: str = ""


class Merged(Frozen):
    """A commit is in a branch by `sha`; `already`: it was before this effect."""

    sha: str
    head: str
    into: str
    before: str
    already: bool


class Reminder(Frozen):
    """An issue that asks somebody for something; `already`: it was there before this effect."""

    number: int
    title: str
    url: str
    open: bool
    already: bool


class Repository(Protocol):
    """Reads the repository that an environment is deployed from."""

    @property
    def branch(self) -> str:
        """The branch whose commits are deployed to the environment."""
        ...

    def commit(self, ref: str) -> Commit:
        """Return the commit a branch, tag or id names; NotFound when none."""
        ...

    def compared(self, base: str, head: str) -> Compared:
        """Compare two commits or branches, with all commits between, or raise."""
        ...

    def file(self, path: str, ref: str) -> bytes:
        """Return a file of a commit; NotFound when it is not there."""
        ...

    def proposals(self, change: str) -> tuple[Proposal, ...]:
        """Return what a proposal's number, a branch or a commit's id names, the newest first."""
        ...


class Pipelines(Protocol):
    """Reads what the pipeline says of one commit, and asks it to try again."""

    def checks(self, commit: str) -> tuple[Check, ...]:
        """Return the latest word of each check about exactly this commit."""
        ...

    def required(self, branch: str) -> tuple[str, ...]:
        """Return the names of the checks that must be green before a merge into a branch."""
        ...

    def elsewhere(self, branch: str, but: str) -> tuple[Check, ...]:
        """Return the latest checks of the branch's other commits, to name what is green there."""
        ...

    def rerun(self, commit: str, effect: Effect) -> tuple[Check, ...]:
        """Ask for another run of the checks that ended badly."""
        ...


class Merging(Protocol):
    """Puts a commit into a branch."""

    def merged(self, into: str, head: str, effect: Effect) -> Merged | None:
        """Return how a commit came into a branch; None when it is not in it."""
        ...

    def merge(self, into: str, head: str, message: str, effect: Effect) -> Merged:
        """Merge exactly this commit; Refused when the platform does not allow it."""
        ...


class Reminders(Protocol):
    """Opens issues that ask people for something."""

    def find(self, title: str, effect: Effect) -> Reminder | None:
        """Return the issue of this effect, or an open one of this title that we wrote."""
        ...

    def open(self, title: str, body: str, effect: Effect) -> Reminder:
        """Open an issue."""
        ...
