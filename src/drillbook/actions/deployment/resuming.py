"""Turn automatic assignment on again: after a rollback new builds stay dark until then."""

from drillbook.actions.deployment.looking import automatic_said, named
from drillbook.actions.deployment.subject import domain
from drillbook.actions.deployment.switching import SHOWS_WITHIN, ServedBefore, remembered
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, OutcomeUnknown, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.waiting import looks
from drillbook.ports.deployments import Deployments, Hosting, Switches


class Resumed(Frozen):
    """The next build will serve by itself; `serving` still does until then."""

    automatic: bool
    serving: str
    commit: str
    says: str


@domain.write
def resume(deployments: Deployments, switches: Switches, effect: Effect) -> Resumed:
    """Turn automatic assignment on again; what serves stays until the next build."""
    return _resumed(_set(deployments, switches, effect, on=True))


@resume.looking
def look_resumed(deployments: Deployments, switches: Switches, effect: Effect) -> Resumed | None:
    """Tell whether it is on."""
    hosting = deployments.hosting()
    return _resumed(hosting) if hosting.automatic else None


def remember_automatic(
    deployments: Deployments, switches: Switches, effect: Effect
) -> ServedBefore:
    """Remember whether it was on."""
    return remembered(deployments)


@resume.undone_by(remembering=remember_automatic)
def undo_resume(
    before: ServedBefore, deployments: Deployments, switches: Switches, effect: Effect
) -> Resumed:
    """Set automatic assignment as it was."""
    hosting = deployments.hosting()
    if hosting.automatic is not before.automatic:
        hosting = _set(deployments, switches, effect, on=before.automatic)
    return _resumed(hosting)


def _set(deployments: Deployments, switches: Switches, effect: Effect, *, on: bool) -> Hosting:
    lost: OutcomeUnknown | None = None
    try:
        switches.set_automatic(on, effect.key)
    except OutcomeUnknown as error:
        lost = error
    for _ in looks(effect, SHOWS_WITHIN, "the platform to show it"):
        try:
            hosting = deployments.hosting()
        except Unavailable:
            continue  # the next look asks again; the time for it is bounded
        if hosting.automatic is on:
            return hosting
    word = "on" if on else "off"
    if lost is not None:
        raise OutcomeUnknown(
            f"the answer to turning automatic assignment {word} was lost, and the platform does "
            f"not show it: {lost}",
            hint="Look at the project's settings.",
        ) from lost
    raise Failed(
        f"automatic assignment was turned {word}, and the platform does not show it",
        hint="Look at the project's settings.",
    )


def _resumed(hosting: Hosting) -> Resumed:
    serving = hosting.serving
    return Resumed(
        automatic=hosting.automatic,
        serving=serving.id if serving else "",
        commit=serving.commit if serving else "",
        says=f"{automatic_said(hosting)}; until then {named(serving)} stays"
        if serving and hosting.automatic
        else automatic_said(hosting),
    )
