"""What GitHub answers about checks of a commit, as far as it is read here."""

from datetime import datetime

from drillbook.ports.repository import Check, Outcome, Stage
from drillbook.providers.github.answers import Seen

_OUTCOMES = {
    "success": Outcome.GREEN,
    "neutral": Outcome.NEUTRAL,
    "skipped": Outcome.SKIPPED,
    "cancelled": Outcome.CANCELLED,
    "timed_out": Outcome.TIMED_OUT,
    "action_required": Outcome.WAITS_FOR_SOMEBODY,
    "stale": Outcome.STALE,
}
_STATES = {"success": Outcome.GREEN, "pending": Outcome.NONE}


class CheckOutput(Seen):
    """What a check run says of itself."""

    title: str | None = None


class Annotation(Seen):
    """A note at a check run."""

    message: str | None = None


class CheckSeen(Seen):
    """A check run."""

    id: int
    name: str
    head_sha: str
    status: str
    conclusion: str | None = None
    html_url: str | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    output: CheckOutput = CheckOutput()

    def ours(self) -> Check:
        """Return it in our words; an outcome nobody knows is red."""
        return Check(
            name=self.name,
            stage=stage(self.status),
            outcome=outcome(self.status, self.conclusion),
            commit=self.head_sha,
            url=self.html_url or "",
            at=self.completed_at or self.started_at,
            says=self.output.title or "",
        )


class CheckPage(Seen):
    """One page of the check runs of a commit."""

    check_runs: tuple[CheckSeen, ...]


class StatusSeen(Seen):
    """A commit status, of programs that do not know check runs."""

    context: str
    state: str
    target_url: str | None = None
    description: str | None = None
    updated_at: datetime | None = None


class Statuses(Seen):
    """The latest status of each context of one commit."""

    sha: str
    statuses: tuple[StatusSeen, ...]

    def ours(self) -> tuple[Check, ...]:
        """Return them in our words."""
        return tuple(
            Check(
                name=one.context,
                stage=Stage.RUNNING if one.state == "pending" else Stage.DONE,
                outcome=_STATES.get(one.state, Outcome.RED),
                commit=self.sha,
                url=one.target_url or "",
                at=one.updated_at,
                says=one.description or "",
            )
            for one in self.statuses
        )


class RunSeen(Seen):
    """A run of a workflow."""

    id: int
    name: str | None = None
    head_sha: str
    head_branch: str | None = None
    status: str | None = None
    conclusion: str | None = None
    html_url: str = ""
    updated_at: datetime | None = None

    def ours(self) -> Check:
        """Return it as what it says of its commit."""
        return Check(
            name=self.name or "a workflow",
            stage=stage(self.status or ""),
            outcome=outcome(self.status or "", self.conclusion),
            commit=self.head_sha,
            url=self.html_url,
            at=self.updated_at,
        )


class RunPage(Seen):
    """One page of runs."""

    workflow_runs: tuple[RunSeen, ...]


def stage(status: str) -> Stage:
    """Return how far a check is."""
    if status == "completed":
        return Stage.DONE
    return Stage.RUNNING if status == "in_progress" else Stage.QUEUED


def outcome(status: str, conclusion: str | None) -> Outcome:
    """Return how a check ended; what nobody knows is red."""
    if status != "completed":
        return Outcome.NONE
    return _OUTCOMES.get(conclusion or "", Outcome.RED)
