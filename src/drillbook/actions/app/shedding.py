"""Let only browsers in for a while: who runs no scripts is turned away before the app."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.app.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import Failed, OutcomeUnknown, Refused, Unavailable
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import checked_length, looks
from drillbook.ports.firewall import AttackMode, Firewall

LASTS = parse_duration("30m")
SHOWS_WITHIN = timedelta(seconds=5)


class Shed(Frozen):
    """Whether every client has to pass a browser's challenge, and until when."""

    on: bool
    until: datetime | None
    says: str


class ShedBefore(Frozen):
    """Whether clients were challenged before the write."""

    mode: AttackMode


@domain.write
def shed(firewall: Firewall, effect: Effect, *, lasts: Duration = LASTS) -> Shed:
    """Challenge every client for a while; it ends by itself, and API clients are turned away."""
    checked_length("lasts", lasts)
    effect.still_mine()
    return _shed(_set(firewall, effect, on=True, until=datetime.now(UTC) + lasts))


@shed.looking
def look_shed(firewall: Firewall, effect: Effect, *, lasts: Duration = LASTS) -> Shed | None:
    """Tell whether clients are challenged already."""
    mode = firewall.attack_mode()
    return _shed(mode) if _is_on(mode) else None


def remember_mode(firewall: Firewall, effect: Effect, *, lasts: Duration = LASTS) -> ShedBefore:
    """Remember whether they are."""
    return ShedBefore(mode=firewall.attack_mode())


@shed.undone_by(remembering=remember_mode)
def undo_shed(
    before: ShedBefore, firewall: Firewall, effect: Effect, *, lasts: Duration = LASTS
) -> Shed:
    """Challenge nobody any more, or as it was before."""
    mode = firewall.attack_mode()
    if mode == before.mode or (_is_on(mode) is _is_on(before.mode) is False):
        return _shed(mode)
    if _is_on(mode) and mode.until is None:
        raise Refused(
            "attack mode is on without an end by now, which this task has not set",
            hint="Somebody has changed it meanwhile: look at the project's firewall.",
        )
    if _is_on(before.mode) and before.mode.until is None:
        raise Refused(
            "attack mode was on without an end before, and has one now",
            hint="Somebody has changed it meanwhile: look at the project's firewall.",
        )
    effect.still_mine()
    return _shed(_set(firewall, effect, on=_is_on(before.mode), until=before.mode.until))


def _set(firewall: Firewall, effect: Effect, *, on: bool, until: datetime | None) -> AttackMode:
    lost: OutcomeUnknown | None = None
    try:
        firewall.set_attack_mode(on, until)
    except OutcomeUnknown as error:
        lost = error
    for _ in looks(effect, SHOWS_WITHIN, "the firewall to show it"):
        try:
            mode = firewall.attack_mode()
        except Unavailable:
            continue  # the next look asks again; the time for it is bounded
        if _is_on(mode) is on:
            return mode
    word = "on" if on else "off"
    if lost is not None:
        raise OutcomeUnknown(
            f"the answer to turning attack mode {word} was lost, and the firewall does not show "
            f"it: {lost}",
            hint="Look at the project's firewall.",
        ) from lost
    raise Failed(
        f"attack mode was turned {word}, and the firewall does not show it",
        hint="Look at the project's firewall.",
    )


def _is_on(mode: AttackMode) -> bool:
    return mode.on and (mode.until is None or mode.until > datetime.now(UTC))


def _shed(mode: AttackMode) -> Shed:
    if not _is_on(mode):
        return Shed(on=False, until=None, says="no client is challenged")
    ends = f"until {mode.until:%H:%M:%S} UTC" if mode.until else "without an end"
    return Shed(
        on=True,
        until=mode.until,
        says=f"every client is challenged {ends}: browsers pass, API clients and our own probes "
        "do not, unless the firewall has a bypass for them",
    )
