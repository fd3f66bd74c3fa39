"""One switch of the platform: ask once, follow it to its end, and see what answers then."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from drillbook.actions.deployment.looking import automatic_said, beside_said, named
from drillbook.actions.deployment.own_word import own_word
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, OutcomeUnknown, Refused, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.quantities import parse_duration, show_duration
from drillbook.core.waiting import looks
from drillbook.ports.deployments import (
    Cron,
    Deployment,
    Deployments,
    Hosting,
    Stage,
    Switching,
    SwitchKind,
    SwitchStage,
)
from drillbook.ports.probe import Probe

FIVE_MINUTES = parse_duration("5m")
# How long a request whose answer was lost may take to show: then it was not carried out.
SHOWS_WITHIN = timedelta(seconds=5)
SEEN_BY_USERS_WITHIN = timedelta(seconds=30)
PROBES = 3


class Switched(Frozen):
    """
    Another build serves, seen by the platform's word and, where the app tells it, by its own.

    `crons_of` is the build whose schedule is in force; `automatic` whether the next build will
    serve by itself: after a rollback it will not.
    """

    id: str
    url: str
    commit: str
    from_id: str
    automatic: bool
    crons: tuple[Cron, ...]
    crons_of: str
    app_says: tuple[str, ...]
    seconds: float
    says: str


class ServedBefore(Frozen):
    """What served before a switch, and whether the next build would have."""

    serving: str
    commit: str
    automatic: bool


@dataclass(frozen=True, slots=True)
class Order:
    """Which build is to serve, and how the platform is asked for it."""

    kind: SwitchKind
    build: Deployment
    within: timedelta

    @property
    def says(self) -> str:
        """The order in words."""
        return f"the {self.kind} to {named(self.build)}"


def remembered(deployments: Deployments) -> ServedBefore:
    """Return what serves now."""
    hosting = deployments.hosting()
    found = hosting.serving
    return ServedBefore(
        serving=found.id if found else "",
        commit=found.commit if found else "",
        automatic=hosting.automatic,
    )


def built(deployments: Deployments, id: str) -> Deployment:  # noqa: A002 - the platform's word
    """Return a build that can serve, or refuse with what is wrong with it."""
    build = deployments.find(id)
    if build.stage is not Stage.READY:
        why = f": {build.error}" if build.error else ""
        raise Refused(
            f"{named(build)} is {build.stage}{why}; only a build that is ready can serve",
            hint="deployment.way_back names one that can.",
            again=False,
        )
    if all(one.id != build.id for one in deployments.of_commit(build.commit)):
        raise Refused(
            f"{named(build)} was not built for this environment: it has another's values, and the "
            "platform would build it again",
            hint="Merge its commit into the branch of this environment.",
            again=False,
        )
    return build


def serves(hosting: Hosting, build: Deployment) -> bool:
    """Whether exactly this build serves, and alone; one made again from it has other values."""
    is_alone = hosting.rolling_to in {"", build.id}
    return is_alone and hosting.serving is not None and hosting.serving.id == build.id


def under_way(hosting: Hosting, order: Order) -> bool:
    """Whether the platform is carrying out this very order, whoever gave it."""
    if order.kind is SwitchKind.PROMOTE and hosting.rolling_to == order.build.id:
        return True
    switch = hosting.switching
    return switch is not None and _is_of(switch, order) and not switch.stage.ended


def ask(
    deployments: Deployments,
    effect: Effect,
    order: Order,
    send: Callable[[], None],
    leaving: str = "",
) -> Switching | None:
    """
    Ask the platform once, and return the latest switch before.

    Refused when it is not `leaving` that serves. An answer that was lost is looked for; it is
    never asked for again here.
    """
    now = deployments.hosting()
    _refuse_not_leaving(now, order, leaving)
    before = now.switching
    effect.still_mine()
    try:
        send()
    except OutcomeUnknown as lost:
        for _ in looks(effect, SHOWS_WITHIN, "the platform to show what it was asked for"):
            hosting = _hosting(deployments)
            if hosting is not None and _came(hosting, order, before):
                return before
        raise OutcomeUnknown(
            f"the answer to {order.says} was lost, and {show_duration(SHOWS_WITHIN)} later the "
            f"platform does not show it: {lost}",
            hint="A look before the next attempt tells whether it came after all.",
        ) from lost
    return before


def _refuse_not_leaving(hosting: Hosting, order: Order, leaving: str) -> None:
    here = hosting.rolling_to or (hosting.serving.id if hosting.serving else "")
    if not leaving or here in {leaving, order.build.id}:
        return
    raise Refused(
        f"{order.says} was to take the users from {leaving}, and by now they have {here}",
        hint="Somebody has given them another build meanwhile: find out who, and why.",
        again=False,
    )


def _came(hosting: Hosting, order: Order, before: Switching | None) -> bool:
    switch = hosting.switching
    asked = switch is not None and switch != before and _is_of(switch, order)
    return asked or serves(hosting, order.build)


def followed(
    deployments: Deployments, probe: Probe, effect: Effect, order: Order, before: Switching | None
) -> Switched:
    """
    Wait until the platform has done with it and it answers users; never say so sooner.

    `before` is the latest switch before this one: as long as it is shown, ours is still to come.
    """
    hosting: Hosting | None = None
    for waited in looks(effect, order.within, order.says):
        hosting = _hosting(deployments) or hosting
        if hosting is None:
            continue
        if serves(hosting, order.build) and not under_way(hosting, order):
            return seen_by_users(deployments, probe, effect, order, waited)
        if hosting.switching != before:
            _refuse_failed(hosting, order)
        effect.progress(f"{order.says}: {_stage(hosting)}", None)
    told = _stage(hosting) if hosting else "the platform does not answer"
    raise Unavailable(
        f"{order.says} is not through after {show_duration(order.within)}: {told}",
        hint="It was asked for once; another attempt follows the same one.",
    )


def seen_by_users(
    deployments: Deployments, probe: Probe, effect: Effect, order: Order, waited: float = 0.0
) -> Switched:
    """Return what serves once the app itself says so; Failed while platform and app disagree."""
    word = own_word(probe, times=PROBES)
    if word.tells:
        for _ in looks(effect, SEEN_BY_USERS_WITHIN, "the app to answer with it"):
            if word.all_say(order.build.commit):
                break
            word = own_word(probe, times=PROBES)
        else:
            raise Failed(
                f"platform and app disagree: {order.says} is through, and {word.says} after "
                f"{show_duration(SEEN_BY_USERS_WITHIN)}",
                hint="Ask the users' address yourself; a cache or another domain may answer.",
            )
    hosting = deployments.hosting()
    serving, switch = hosting.serving or order.build, hosting.switching
    return Switched(
        id=serving.id,
        url=serving.url,
        commit=serving.commit,
        from_id=switch.from_ if switch is not None and _is_of(switch, order) else "",
        automatic=hosting.automatic,
        crons=hosting.crons,
        crons_of=hosting.crons_of,
        app_says=word.commits,
        seconds=round(waited, 3),
        says=f"{named(serving)} serves; {word.says}; {automatic_said(hosting)}",
    )


def _refuse_failed(hosting: Hosting, order: Order) -> None:
    switch = hosting.switching
    if switch is None or not switch.stage.ended or serves(hosting, order.build):
        return
    here = f"{named(hosting.serving)} serves" if hosting.serving else "nothing serves"
    if not _is_of(switch, order):
        raise Failed(
            f"somebody else switched meanwhile: a {switch.kind} to {switch.to} of "
            f"{switch.at:%H:%M:%S} UTC; {here}",
            hint="Find out who it was before anything else is switched.",
        )
    if switch.stage is not SwitchStage.SUCCEEDED:
        raise Failed(
            f"the platform says that {order.says} {switch.stage}; {here}",
            hint="Its dashboard says why; another build may do.",
        )


def _is_of(switch: Switching, order: Order) -> bool:
    return switch.to == order.build.id and switch.kind is order.kind


def _stage(hosting: Hosting) -> str:
    here = f"{named(hosting.serving)} serves" if hosting.serving else "nothing serves"
    here += beside_said(hosting)
    switch = hosting.switching
    return f"the latest {switch.kind} to {switch.to} {switch.stage}; {here}" if switch else here


def _hosting(deployments: Deployments) -> Hosting | None:
    try:
        return deployments.hosting()
    except Unavailable:
        return None  # the next look asks again; the time for it is bounded
