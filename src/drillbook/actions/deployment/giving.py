"""Give an earlier or another build the users, and take that back."""

from typing import NotRequired, TypedDict

from typing_extensions import Unpack

from drillbook.actions.deployment.looking import named
from drillbook.actions.deployment.subject import domain
from drillbook.actions.deployment.switching import (
    FIVE_MINUTES,
    Order,
    ServedBefore,
    Switched,
    ask,
    built,
    followed,
    remembered,
    seen_by_users,
    serves,
    under_way,
)
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused, UndoImpossible
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.core.waiting import checked_length
from drillbook.ports.deployments import Deployment, Deployments, Hosting, Switches, SwitchKind
from drillbook.ports.probe import Probe


class Given(TypedDict):
    """What rollback and promote are given, as their looks and undos get it."""

    to: str
    because: NotRequired[str]
    leaving: NotRequired[str]
    within: NotRequired[Duration]


class GivenBack(Frozen):
    """What served before a switch serves again."""

    serving: str
    was_switched: bool
    automatic: bool


@domain.write
def rollback(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    to: str,
    because: str = "",
    leaving: str = "",
    within: Duration = FIVE_MINUTES,
) -> Switched:
    """
    Let an earlier build serve again, without building; automatic assignment is off then.

    `leaving` is the build the users are to be taken from: refused when they have another by then.
    """
    checked_length("within", within)
    build = built(deployments, to)
    if build.has_served is False:
        raise Refused(
            f"{named(build)} has never served; a rollback goes back to what users already had",
            hint="Give it the users with deployment.promote.",
            again=False,
        )
    order = Order(SwitchKind.ROLLBACK, build, within)
    before = ask(
        deployments, effect, order, lambda: switches.roll_back(build.id, effect.key, because),
        leaving,
    )  # fmt: skip
    return followed(deployments, probe, effect, order, before)


@rollback.looking
def look_rolled_back(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    **given: Unpack[Given],
) -> Switched | None:
    """Follow the very same rollback where it is under way; tell what is there where it serves."""
    order = _ordered(SwitchKind.ROLLBACK, deployments, **given)
    return _looked(deployments, probe, effect, order)


@domain.write
def promote(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    *,
    to: str,
    leaving: str = "",
    within: Duration = FIVE_MINUTES,
) -> Switched:
    """
    Let a build serve, without building it again; automatic assignment is on then.

    `leaving` is the build the users are to be taken from: refused when they have another by then.
    """
    checked_length("within", within)
    build = built(deployments, to)
    order = Order(SwitchKind.PROMOTE, build, within)
    if serves(deployments.hosting(), build):
        switches.set_automatic(True, effect.key)  # all that a rollback to it has left to do
        return seen_by_users(deployments, probe, effect, order)
    before = ask(
        deployments, effect, order, lambda: switches.promote(build.id, effect.key), leaving
    )
    return followed(deployments, probe, effect, order, before)


@promote.looking
def look_promoted(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    **given: Unpack[Given],
) -> Switched | None:
    """Follow the very same promotion where it is under way; tell what is there where it serves."""
    order = _ordered(SwitchKind.PROMOTE, deployments, **given)
    return _looked(deployments, probe, effect, order)


def remember(
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    **given: Unpack[Given],
) -> ServedBefore:
    """Remember what serves before the switch."""
    return remembered(deployments)


@rollback.undone_by(remembering=remember)
@promote.undone_by(remembering=remember)
def undo(
    before: ServedBefore,
    deployments: Deployments,
    switches: Switches,
    probe: Probe,
    effect: Effect,
    **given: Unpack[Given],
) -> GivenBack:
    """Promote what served before, and set automatic assignment as it was."""
    ours = deployments.find(given["to"])
    within = given.get("within", FIVE_MINUTES)
    return give_back(before, (deployments, switches, probe), effect, ours, within)


def give_back(
    before: ServedBefore,
    ports: tuple[Deployments, Switches, Probe],
    effect: Effect,
    ours: Deployment,
    within: Duration,
) -> GivenBack:
    """Make what served before serve again, unless somebody else has given the users another."""
    deployments, switches, probe = ports
    if not before.serving:
        raise UndoImpossible(
            "nothing served before, so there is nothing to give the users back",
            hint="Promote the build that is to serve.",
        )
    hosting = deployments.hosting()
    # A promotion would wait for the end of a rolling release; a rollback ends it.
    kind = SwitchKind.ROLLBACK if hosting.rolling_to else SwitchKind.PROMOTE
    order = Order(kind, deployments.find(before.serving), within)
    switched = not serves(hosting, order.build)
    if switched:
        _refuse_anothers(hosting, order, ours)
        latest = hosting.switching
        if not under_way(hosting, order):
            latest = ask(deployments, effect, order, lambda: _give(switches, order, effect))
        followed(deployments, probe, effect, order, latest)
    if deployments.hosting().automatic is not before.automatic:
        switches.set_automatic(before.automatic, effect.key)
    hosting = deployments.hosting()
    return GivenBack(serving=before.serving, was_switched=switched, automatic=hosting.automatic)


def _ordered(kind: SwitchKind, deployments: Deployments, **given: Unpack[Given]) -> Order:
    return Order(kind, deployments.find(given["to"]), given.get("within", FIVE_MINUTES))


def _give(switches: Switches, order: Order, effect: Effect) -> None:
    if order.kind is SwitchKind.ROLLBACK:
        switches.roll_back(order.build.id, effect.key, "the rolling release is taken back")
    else:
        switches.promote(order.build.id, effect.key)


def _looked(
    deployments: Deployments, probe: Probe, effect: Effect, order: Order
) -> Switched | None:
    hosting = deployments.hosting()
    if under_way(hosting, order):
        # None as the switch before: whatever the platform shows from now on is this one.
        return followed(deployments, probe, effect, order, None)
    is_dark = order.kind is SwitchKind.PROMOTE and not hosting.automatic
    if serves(hosting, order.build) and not is_dark:
        return seen_by_users(deployments, probe, effect, order)
    return None


def _refuse_anothers(hosting: Hosting, order: Order, ours: Deployment) -> None:
    is_ours = hosting.rolling_to == ours.id if hosting.rolling_to else serves(hosting, ours)
    if is_ours or under_way(hosting, order):
        return
    here = f"{named(hosting.serving)} serves" if hosting.serving else "nothing serves"
    raise Refused(
        f"{here} by now, which this task has not given the users: taking it away is not its undo",
        hint=f"Promote {named(order.build)} yourself if it is still to serve.",
        again=False,
    )
