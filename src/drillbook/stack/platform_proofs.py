"""Proofs of platforms: the token enters, what is named is there, and nothing is changed."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Stack.port` takes the type itself.

from drillbook.actions import database
from drillbook.actions.deployment import automatic, serving
from drillbook.core.errors import Failed, NotFound
from drillbook.ports.deployments import Deployments, EnvironmentValues
from drillbook.ports.platform import Platform
from drillbook.ports.probe import Probe
from drillbook.ports.repository import Pipelines, Repository
from drillbook.stack.stack import Stack


def hosting(stack: Stack, name: str) -> str:
    """Ask the hosting what serves, whether the next build will, and which values are set."""
    deployments = stack.port(name, Deployments)
    values = stack.port(name, EnvironmentValues).values()
    found = deployments.hosting()
    if found.serving is None:
        return f"the token enters, {len(values)} values are set, and no build serves yet"
    seen = serving.do(deployments, stack.port(name, Probe))
    if not seen.agree:
        raise Failed(
            seen.says,
            hint=f"Check url, release and target in [environments.{name}.app]: they may name "
            "another app.",
        )
    if all(one.id != seen.id for one in deployments.of_commit(seen.commit)):
        target = stack.place(name).target()
        raise Failed(
            f"what serves at {stack.port(name, Probe).target} is {seen.id} of {seen.branch}, which "
            f"was not built for {target}",
            hint=f"Correct url or target in [environments.{name}.app].",
        )
    told = automatic.do(deployments)
    word = "on" if told.is_on else "OFF (deployment.resume turns it on)"
    return f"{seen.says}; automatic assignment is {word}; {len(values)} values are set"


def repository(stack: Stack, name: str) -> str:
    """Ask for the branch that is deployed here, and for the checks of its latest commit."""
    reads = stack.port(name, Repository)
    written = stack.place(name).repository()
    try:
        commit = reads.commit(reads.branch)
    except NotFound as error:
        raise NotFound(
            f"{written.repository} has no branch {written.branch}, or the token may not see it",
            hint=f"Correct repository and branch in [environments.{name}.repository], or give the "
            "token Contents: read.",
        ) from error
    checks = stack.port(name, Pipelines)
    count, required = len(checks.checks(commit.sha)), checks.required(reads.branch)
    must = f", of which {', '.join(required)} must be green" if required else ", none required"
    return (
        f"{written.repository}: {reads.branch} is at {commit.sha[:7]} ({commit.title}), "
        f"{count} checks{must}; whether it may merge is not tried"
    )


def project(stack: Stack, name: str) -> str:
    """Ask the database's platform how its project is."""
    found = database.platform.do(stack.port(name, Platform))
    if not found.ok:
        raise Failed(found.says, hint="The platform's own status page may say more.")
    return f"the token enters: {found.says}"
