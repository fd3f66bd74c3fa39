"""Deployments of an app's hosting: what was built, what serves, and switching between builds."""

from typing import Protocol

from drillbook.core.deployments import (
    Cron,
    Deployment,
    EnvironmentValue,
    Hosting,
    Stage,
    Switching,
    SwitchKind,
    SwitchStage,
)

__all__ = [
    "Cron",
    "Deployment",
    "Deployments",
    "EnvironmentValue",
    "EnvironmentValues",
    "Hosting",
    "Stage",
    "SwitchKind",
    "SwitchStage",
    "Switches",
    "Switching",
]


class Deployments(Protocol):
    """Read what was built and what serves."""

    def hosting(self) -> Hosting:
        """Return what serves now; errors: Unavailable, Refused without the right to look."""
        ...

    def recent(self, at_most: int) -> tuple[Deployment, ...]:
        """Return the latest builds for this environment, newest first."""
        ...

    def find(self, deployment: str) -> Deployment:
        """Return a build by its id or URL; NotFound when the platform has it no more."""
        ...

    def of_commit(self, commit: str) -> tuple[Deployment, ...]:
        """Return the builds of exactly this commit for this environment, newest first."""
        ...

    def build_log(self, deployment: str) -> tuple[str, ...]:
        """Return the lines of the build's log, oldest first."""
        ...


class Switches(Protocol):
    """
    Let another build serve.

    Each asks once and does not wait for the end: `Deployments.hosting` tells it. Errors: Refused
    with the platform's words, Unavailable when surely nothing was asked for, OutcomeUnknown when
    the answer was lost: look before another try.
    """

    def promote(self, deployment: str, effect: str) -> None:
        """Give a build the users, and with it the automatic assignment again."""
        ...

    def roll_back(self, deployment: str, effect: str, because: str) -> None:
        """Give an earlier build the users; the platform turns automatic assignment off."""
        ...

    def set_automatic(self, on: bool, effect: str) -> None:
        """Turn automatic assignment on or off; setting it twice is setting it once."""
        ...

    def redeploy(self, deployment: str, effect: str) -> Deployment:
        """Build the same commit again, marked with `effect`."""
        ...

    def cancel(self, deployment: str) -> None:
        """Stop a build that has not ended; one that has ended is left as it is."""
        ...


class EnvironmentValues(Protocol):
    """Read the names of the values the app is given."""

    def values(self) -> tuple[EnvironmentValue, ...]:
        """Return what a new build for this environment would be given."""
        ...

    def of_build(self, deployment: str) -> tuple[str, ...]:
        """Return the names of the values that a build was given; sorted."""
        ...
