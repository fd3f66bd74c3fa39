"""What serves, and whether the next build will."""

from datetime import datetime

from drillbook.actions.deployment.own_word import own_word, short
from drillbook.actions.deployment.subject import domain
from drillbook.core.errors import NotFound
from drillbook.core.model import Frozen
from drillbook.ports.deployments import Cron, Deployment, Deployments, Hosting, SwitchKind
from drillbook.ports.probe import Probe


class Serving(Frozen):
    """
    What serves, by the platform's word and by the app's own.

    `agree` is True where both name the same commit, or where the app tells none; while a rolling
    release lasts two builds serve, and nothing agrees.
    """

    id: str
    url: str
    commit: str
    branch: str
    message: str
    created: datetime
    by: str
    automatic: bool
    crons: tuple[Cron, ...]
    crons_of: str
    app_says: tuple[str, ...]
    agree: bool
    says: str


class Automatic(Frozen):
    """Whether the next build of the branch will be given the users by itself."""

    is_on: bool
    serving: str
    commit: str
    says: str


@domain.read
def serving(deployments: Deployments, probe: Probe, *, probes: int = 3) -> Serving:
    """Say which build serves: where the users' address points at, and what answers there."""
    hosting = deployments.hosting()
    found = what_serves(hosting)
    word = own_word(probe, times=max(1, probes))
    agree = not hosting.rolling_to and (not word.tells or word.all_say(found.commit))
    says = f"{named(found)} serves{beside_said(hosting)}; {word.says}"
    return Serving(
        id=found.id,
        url=found.url,
        commit=found.commit,
        branch=found.branch,
        message=found.message,
        created=found.created,
        by=found.by,
        automatic=hosting.automatic,
        crons=hosting.crons,
        crons_of=hosting.crons_of,
        app_says=word.commits,
        agree=agree,
        says=says if agree else f"the platform and the app disagree: {says}",
    )


@domain.read
def automatic(deployments: Deployments) -> Automatic:
    """Say whether a new build will be given the users by itself; after a rollback it is not."""
    hosting = deployments.hosting()
    found = hosting.serving
    return Automatic(
        is_on=hosting.automatic,
        serving=found.id if found else "",
        commit=found.commit if found else "",
        says=automatic_said(hosting),
    )


def beside_said(hosting: Hosting) -> str:
    """Return in words which other build has a share of the users; empty when none has."""
    return f", and {hosting.rolling_to} has a share of the users" if hosting.rolling_to else ""


def automatic_said(hosting: Hosting) -> str:
    """Return in words what a new build may expect."""
    here = f"{named(hosting.serving)} serves" if hosting.serving else "nothing serves"
    if hosting.automatic:
        return f"automatic assignment is on: the next build will serve; now {here}"
    switch = hosting.switching
    why = ""
    if switch is not None and switch.kind is SwitchKind.ROLLBACK:
        why = f" since the rollback of {switch.at:%Y-%m-%d %H:%M} UTC"
    return (
        f"automatic assignment is off{why}: what is built now will not serve; {here} "
        "(deployment.resume turns it on)"
    )


def what_serves(hosting: Hosting) -> Deployment:
    """Return the build that serves; NotFound when there is none."""
    if hosting.serving is None:
        raise NotFound(
            "no build serves yet: the users' address points at none",
            hint="Deploy once, or correct project and url in stack.toml.",
        )
    return hosting.serving


def named(deployment: Deployment) -> str:
    """Name a build for people."""
    title = deployment.message.partition("\n")[0]
    about = f" ({title})" if title else ""
    return f"{deployment.id} of {short(deployment.commit) or 'no commit'}{about}"
