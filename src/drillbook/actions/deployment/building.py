"""Build what serves again, for values that have changed since; stop a build that is under way."""

from collections.abc import Sequence
from datetime import timedelta

from drillbook.actions.deployment.following import (
    build_failed,
    checked_commit,
    refuse_overtaken,
)
from drillbook.actions.deployment.giving import GivenBack, give_back
from drillbook.actions.deployment.looking import automatic_said, named, what_serves
from drillbook.actions.deployment.subject import domain
from drillbook.actions.deployment.switching import SHOWS_WITHIN, ServedBefore, remembered, serves
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, OutcomeUnknown, Refused, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.waiting import checked_length, looks
from drillbook.ports.deployments import Deployment, Deployments, Stage, Switches
from drillbook.ports.probe import Probe

TEN_MINUTES = parse_duration("10m")
MOST_RECENT = 50


class Redeployed(Frozen):
    """A build of the same commit with the values of now; `serves` is False while it is dark."""

    id: str
    url: str
    commit: str
    of: str
    serves: bool
    seconds: float
    says: str


class Canceled(Frozen):
    """What was stopped; `stopped` is empty where no build was under way, `builds` counts all."""

    commit: str
    stopped: tuple[str, ...]
    builds: int
    says: str


@domain.write
def redeploy(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    deployment: str = "",
    within: Duration = TEN_MINUTES,
) -> Redeployed:
    """Build the same commit again with the values of now; it serves where assignment is on."""
    checked_length("within", within)
    build = _marked(deployments, effect)  # an earlier attempt's, whatever became of it
    if build is None:
        chosen = deployment or what_serves(deployments.hosting()).id
        effect.still_mine()
        try:
            build = switches.redeploy(chosen, effect.key)
        except OutcomeUnknown as lost:
            build = _came(deployments, effect, lost)
    return _finished(deployments, effect, build, within)


@redeploy.looking
def look_redeployed(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    deployment: str = "",
    within: Duration = TEN_MINUTES,
) -> Redeployed | None:
    """Look for the build that carries this effect's mark, and follow it; a failed one is none."""
    build = _marked(deployments, effect)
    if build is None:
        return None
    build = _ended(deployments, effect, build, within)
    return _finished(deployments, effect, build, within) if build.stage is Stage.READY else None


def remember_redeploy(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    deployment: str = "",
    within: Duration = TEN_MINUTES,
) -> ServedBefore:
    """Remember what serves before the build."""
    return remembered(deployments)


@redeploy.undone_by(remembering=remember_redeploy)
def undo_redeploy(
    before: ServedBefore,
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    deployment: str = "",
    within: Duration = TEN_MINUTES,
) -> GivenBack:
    """Promote what served before where the new build serves; the build itself stays, dark."""
    build = _marked(deployments, effect)
    hosting = deployments.hosting()
    if build is not None and not build.stage.ended:
        switches.cancel(build.id)  # else it would take the users after this undo
        _ended(deployments, effect, build, within)
        hosting = deployments.hosting()
    serving = hosting.serving.id if hosting.serving else ""
    if build is None or serving != build.id:
        return GivenBack(serving=serving, was_switched=False, automatic=hosting.automatic)
    return give_back(before, (deployments, switches, probe), effect, build, within)


@domain.final(because="a build that was stopped is built again by deployment.redeploy")
def cancel(
    deployments: Deployments,
    switches: Switches,
    effect: Effect,
    *,
    deployment: str = "",
    commit: str = "",
) -> Canceled:
    """
    Stop a build that has not ended, or all such of a commit, so that they never serve.

    Refused for a build that has ended; of a commit, those that have ended are left as they are.
    """
    builds = _meant(deployments, deployment, commit)
    stopped = []
    for build in builds:
        if not build.stage.ended:
            effect.still_mine()
            switches.cancel(build.id)
            stopped.append(_ended(deployments, effect, build, SHOWS_WITHIN))
    if deployment and all(one.stage is not Stage.CANCELED for one in (*builds, *stopped)):
        raise Refused(
            f"{named((stopped or builds)[0])} has ended as {(stopped or builds)[0].stage}: there "
            "is nothing left to stop",
            hint="If it serves and must not: deployment.way_back and deployment.rollback.",
            again=False,
        )
    return _canceled(commit, stopped or builds)


@cancel.looking
def look_canceled(
    deployments: Deployments,
    switches: Switches,
    effect: Effect,
    *,
    deployment: str = "",
    commit: str = "",
) -> Canceled | None:
    """Tell whether nothing is under way any more; a single build must have been stopped."""
    builds = _meant(deployments, deployment, commit)
    if not builds or any(not build.stage.ended for build in builds):
        return None
    if deployment and builds[0].stage is not Stage.CANCELED:
        return None
    return _canceled(commit, builds)


def _meant(deployments: Deployments, deployment: str, commit: str) -> list[Deployment]:
    if bool(deployment) is bool(commit):
        raise Refused(
            "what is to be stopped is one deployment, or all builds of one commit",
            hint="Give deployment=… or commit=…",
            again=False,
        )
    if deployment:
        return [deployments.find(deployment)]
    return list(deployments.of_commit(checked_commit(commit)))


def _canceled(commit: str, builds: Sequence[Deployment]) -> Canceled:
    stopped = [build for build in builds if build.stage is Stage.CANCELED]
    if stopped:
        says = f"{' and '.join(named(build) for build in stopped)} was stopped"
    elif builds:
        says = f"{named(builds[0])} is {builds[0].stage}: no build was under way"
    else:
        says = f"the platform has no build of {commit}: if one comes yet, it will serve"
    return Canceled(
        commit=builds[0].commit if builds else commit,
        stopped=tuple(build.id for build in stopped),
        builds=len(builds),
        says=says,
    )


def _marked(deployments: Deployments, effect: Effect) -> Deployment | None:
    recent = deployments.recent(MOST_RECENT)
    return next((one for one in recent if one.effect == effect.key), None)


def _came(deployments: Deployments, effect: Effect, lost: OutcomeUnknown) -> Deployment:
    """Look for the build whose answer was lost; it is not asked for again here."""
    for _ in looks(effect, SHOWS_WITHIN, "the platform to show the build"):
        try:
            found = _marked(deployments, effect)
        except Unavailable:
            continue  # the next look asks again; the time for it is bounded
        if found is not None:
            return found
    raise OutcomeUnknown(
        f"the answer to the redeploy was lost, and {show_duration(SHOWS_WITHIN)} later the "
        f"platform shows no build with its mark: {lost}",
        hint="A look before the next attempt tells whether it came after all.",
    ) from lost


def _ended(
    deployments: Deployments, effect: Effect, build: Deployment, within: timedelta
) -> Deployment:
    for waited in looks(effect, within, f"{named(build)} to be built"):
        try:
            build = deployments.find(build.id)
        except Unavailable:
            continue  # as above
        if build.stage.ended:
            return build
        effect.progress(f"{named(build)} is {build.stage}", waited / within.total_seconds())
    raise Unavailable(
        f"{named(build)} is still {build.stage} after {show_duration(within)}",
        hint="It was asked for once; another attempt follows the same build.",
    )


def _finished(
    deployments: Deployments, effect: Effect, build: Deployment, within: timedelta
) -> Redeployed:
    waited = 0.0
    build = _ended(deployments, effect, build, within)
    if build.stage is not Stage.READY:
        raise build_failed(deployments, build)
    for waited in looks(effect, within, f"{named(build)} to serve"):
        hosting = deployments.hosting()
        is_serving = serves(hosting, build)
        if is_serving or not hosting.automatic:
            says = f"{named(build)} serves" if is_serving else automatic_said(hosting)
            return Redeployed(
                id=build.id, url=build.url, commit=build.commit, of=build.of,
                serves=is_serving, seconds=round(waited, 3), says=says,
            )  # fmt: skip
        refuse_overtaken(hosting, build)
        effect.progress(f"{named(build)} is built and does not serve yet", None)
    raise Failed(
        f"{named(build)} is built, and does not serve after {show_duration(within)}",
        hint="Promote it: deployment.promote.",
    )
