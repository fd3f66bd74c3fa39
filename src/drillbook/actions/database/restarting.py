"""Start the database's server again, once, and see it answer."""

from datetime import UTC, datetime

from drillbook.actions.database.subject import domain
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, OutcomeUnknown, Refused, Unavailable
from drillbook.core.model import Frozen, Risk
from drillbook.core.quantities import Duration, parse_duration, show_duration
from drillbook.core.waiting import CLOCKS_DIFFER, checked_length, looks
from drillbook.ports.platform import Platform
from drillbook.ports.restarts import Restarts, Uptime

WITHIN = parse_duration("5m")
SHOWS_WITHIN = parse_duration("10s")
RESTARTING, WELL = "RESTARTING", "ACTIVE_HEALTHY"
# What a project may be in for a restart to be right: not paused, restoring or being upgraded.
MAY_RESTART = (WELL, "ACTIVE_UNHEALTHY", "UNKNOWN", RESTARTING)


class Restarted(Frozen):
    """A server that was started after it was seen to be ill, and that lets us in."""

    started: datetime
    status: str
    asked: bool
    seconds: float
    says: str


@domain.final(
    because="every session was ended and what it had not committed is lost", risk=Risk.DESTROY
)
def restart(
    restarts: Restarts,
    platform: Platform,
    uptime: Uptime,
    effect: Effect,
    *,
    since: datetime,
    within: Duration = WITHIN,
    if_away: bool = False,
) -> Restarted:
    """
    Have the platform start the server again, unless it was started after `since`.

    With `if_away`, a server that lets us in at that moment is left alone: it came back by itself.
    """
    _checked(since)
    checked_length("within", within)
    status = platform.project().status
    if status not in MAY_RESTART:
        raise Refused(
            f"the project is {status}, so its server was not restarted",
            hint="Wait until the platform is done with it, or ask its support.",
        )
    # One that is under way is followed: an earlier attempt's, or somebody else's.
    asked = status != RESTARTING
    if asked and if_away and (started := _started(uptime)) is not None:
        return _left_alone(started, status)
    if asked:
        effect.still_mine()
        _ask(restarts, platform, uptime, effect, since)
    return _followed(platform, uptime, effect, since, within, asked=asked)


@restart.looking
def look_restarted(
    restarts: Restarts,
    platform: Platform,
    uptime: Uptime,
    effect: Effect,
    *,
    since: datetime,
    within: Duration = WITHIN,
    if_away: bool = False,
) -> Restarted | None:
    """Tell whether the server lets us in and was started after `since`, by whomever."""
    started = _started_after(uptime, _checked(since))
    if started is None:
        return None
    return _restarted(started, _status(platform), asked=False, seconds=0.0)


def _checked(since: datetime) -> datetime:
    if since.tzinfo is None or since > datetime.now(UTC) + CLOCKS_DIFFER:
        raise Refused(
            f"since is {since.isoformat()}, which is no moment of the past with its zone",
            hint="Name when it was seen to be ill: since=${culprit.at}",
            again=False,
        )
    return since


def _ask(
    restarts: Restarts, platform: Platform, uptime: Uptime, effect: Effect, since: datetime
) -> None:
    try:
        restarts.restart()
    except OutcomeUnknown as lost:
        for _ in looks(effect, SHOWS_WITHIN, "the platform to show the restart"):
            if _status(platform) == RESTARTING or _started_after(uptime, since) is not None:
                return
        raise OutcomeUnknown(
            f"the answer to the restart was lost, and {show_duration(SHOWS_WITHIN)} later neither "
            f"platform nor server shows it: {lost}",
            hint="A look before the next attempt tells whether it came after all.",
        ) from lost


def _followed(
    platform: Platform,
    uptime: Uptime,
    effect: Effect,
    since: datetime,
    within: Duration,
    *,
    asked: bool,
) -> Restarted:
    status = ""
    for waited in looks(effect, within, "the server to answer again"):
        started, status = _started_after(uptime, since), _status(platform)
        if started is not None and status not in {RESTARTING, ""}:
            return _restarted(started, status, asked=asked, seconds=waited)
        effect.progress(f"the project is {status or 'not told by the platform'}", None)
    raise Unavailable(
        f"the server was told to restart and is not back after {show_duration(within)}; the "
        f"project is {status or 'not told by the platform'}",
        hint="It was asked for once; another attempt follows the same one. Ask the support.",
    )


def _started_after(uptime: Uptime, since: datetime) -> datetime | None:
    started = _started(uptime)
    return started if started is not None and started > since else None


def _started(uptime: Uptime) -> datetime | None:
    try:
        return uptime.started()
    except DrillbookError:
        return None  # nobody is let in: whether it was started shows when somebody is


def _status(platform: Platform) -> str:
    try:
        return platform.project().status
    except Unavailable:
        return ""  # the server's own answer counts; the next look asks again


def _left_alone(started: datetime, status: str) -> Restarted:
    return Restarted(
        started=started,
        status=status,
        asked=False,
        seconds=0.0,
        says="the server lets us in by now, so it was not restarted; it runs since "
        f"{started:%Y-%m-%d %H:%M:%S} UTC, and the platform says {status}",
    )


def _restarted(started: datetime, status: str, *, asked: bool, seconds: float) -> Restarted:
    told = f"the platform says {status}" if status else "the platform does not answer"
    return Restarted(
        started=started,
        status=status,
        asked=asked,
        seconds=round(seconds, 3),
        says=f"the server was started at {started:%H:%M:%S} UTC and lets us in; {told}",
    )
