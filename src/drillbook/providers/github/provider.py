"""The ports of a repository, fulfilled by GitHub."""

from collections.abc import Callable
from functools import cached_property

from drillbook.core.effect import Effect
from drillbook.ports.repository import (
    Check,
    Commit,
    Compared,
    Merged,
    Proposal,
    Reminder,
)
from drillbook.providers.github import merging, pipeline, reading, reminders
from drillbook.providers.github.hub import VERSION, Hub
from drillbook.remote.api import JsonApi


class GitHub:
    """One repository and an environment's branch: all four ports of a repository."""

    def __init__(self, *, api: str, token: Callable[[], str], repository: str, branch: str) -> None:
        self._api, self._token, self._name, self._branch = api, token, repository, branch

    @property
    def branch(self) -> str:
        """The branch whose commits are deployed to the environment."""
        return self._branch

    @cached_property
    def _hub(self) -> Hub:
        return Hub(JsonApi("GitHub", self._api, self._token, VERSION), self._name)

    def commit(self, ref: str) -> Commit:
        """Return the commit a branch, tag or id names; NotFound when none."""
        return reading.commit(self._hub, ref)

    def compared(self, base: str, head: str) -> Compared:
        """Compare two commits or branches, with all commits between, or raise."""
        return reading.compared(self._hub, base, head)

    def file(self, path: str, ref: str) -> bytes:
        """Return a file of a commit; NotFound when it is not there."""
        return reading.file(self._hub, path, ref)

    def proposals(self, change: str) -> tuple[Proposal, ...]:
        """Return what a proposal's number, a branch or a commit's id names, the newest first."""
        return reading.proposals(self._hub, change)

    def checks(self, commit: str) -> tuple[Check, ...]:
        """Return the latest word of each check about exactly this commit."""
        return pipeline.checks(self._hub, commit)

    def required(self, branch: str) -> tuple[str, ...]:
        """Return the names of the checks that must be green before a merge into a branch."""
        return pipeline.required(self._hub, branch)

    def elsewhere(self, branch: str, but: str) -> tuple[Check, ...]:
        """Return the latest checks of the branch's other commits, to name what is green there."""
        return pipeline.elsewhere(self._hub, branch, but)

    def rerun(self, commit: str, effect: Effect) -> tuple[Check, ...]:
        """Ask for another run of the checks that ended badly."""
        effect.still_mine()
        return pipeline.rerun(self._hub, commit)

    def merged(self, into: str, head: str, effect: Effect) -> Merged | None:
        """Return how a commit came into a branch; None when it is not in it."""
        return merging.merged(self._hub, into, head, effect)

    def merge(self, into: str, head: str, message: str, effect: Effect) -> Merged:
        """Merge exactly this commit; Refused when the platform does not allow it."""
        return merging.merge(self._hub, into, head, message, effect)

    def find(self, title: str, effect: Effect) -> Reminder | None:
        """Return the issue of this effect, or an open one of this title that we wrote."""
        return reminders.find(self._hub, title, effect)

    def open(self, title: str, body: str, effect: Effect) -> Reminder:
        """Open an issue."""
        return reminders.open_(self._hub, title, body, effect)
