"""Who is hit: routes, users, addresses, regions and releases, each against all requests."""

from datetime import UTC, datetime, timedelta

from drillbook.actions.errors.subject import domain
from drillbook.analysis.culprit.requests import Request, shares
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.core.waiting import check_watch
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.triage.feeling import Feeling, feel

THIRTY_MINUTES = parse_duration("30m")
MOST_SHOWN = 5
TRAITS = (
    ("route", "route"),
    ("user", "user"),
    ("address", "address"),
    ("region", "region"),
    ("deployment", "release"),
)


class Share(Frozen):
    """One value of a trait: its bad requests of all its requests since it became worse."""

    value: str
    bad: int
    requests: int
    rate: float


class Trait(Frozen):
    """How the bad requests are spread over one trait; `known` is False where no line tells it."""

    name: str
    known: bool
    values_hit: int
    values: int
    top: tuple[Share, ...]
    says: str


class Hit(Frozen):
    """
    Who is hit since it became worse; `users` counts those hit as far as lines name them.

    `known` False: the log could not be read.

    `only` names the one user or address that is hit alone; then nobody else is.
    """

    found: bool
    known: bool
    feels: str
    since: datetime | None
    bad: int
    requests: int
    routes: int
    users: int
    users_known: bool
    addresses: int
    releases: int
    only: str
    top_route: str
    by: tuple[Trait, ...]
    silent: tuple[str, ...]
    says: str


@domain.read
def hit(logs: Logs, probe: Probe, *, window: Duration = THIRTY_MINUTES) -> Hit:
    """Count who is hit since it became worse: routes, users, addresses, regions, releases."""
    check_watch(window=window)
    feeling = feel(logs, probe, timedelta(seconds=window.total_seconds()))
    trouble = feeling.felt.trouble
    bad, every = (trouble.bad, trouble.since) if trouble else ((), feeling.read.requests)
    traits = {name: _trait(trait, name, bad, every) for trait, name in TRAITS}
    route = traits["route"]
    return Hit(
        found=trouble is not None,
        known=feeling.known,
        feels=", ".join(trouble.kinds) if trouble else "",
        since=datetime.fromtimestamp(trouble.onset.at, UTC) if trouble else None,
        bad=len(bad),
        requests=len(every),
        routes=route.values_hit,
        users=traits["user"].values_hit,
        users_known=traits["user"].known,
        addresses=traits["address"].values_hit,
        releases=traits["release"].values_hit,
        only=feeling.felt.only,
        top_route=route.top[0].value if route.top and bad else "",
        by=tuple(traits.values()),
        silent=feeling.silent,
        says=_says(feeling, traits),
    )


def _trait(trait: str, name: str, bad: tuple[Request, ...], every: tuple[Request, ...]) -> Trait:
    spread = shares(trait, bad, every)
    top = tuple(
        Share(value=value, bad=count, requests=spread.every[value],
              rate=round(spread.rate(value), 4))
        for value, count in spread.bad.most_common(MOST_SHOWN)
    )  # fmt: skip
    known = bool(spread.every)
    plural = "s" if spread.hit != 1 else ""
    says = f"{spread.hit} of {len(spread.every)} {name}{plural if len(spread.every) == 1 else 's'}"
    return Trait(
        name=name,
        known=known,
        values_hit=spread.hit,
        values=len(spread.every),
        top=top,
        says=says if known else f"no line tells the {name}",
    )


def _says(feeling: Feeling, traits: dict[str, Trait]) -> str:
    if not feeling.known:
        return feeling.felt.says
    if feeling.felt.trouble is None:
        return f"nobody is hit more than before: {feeling.felt.says}"
    told = ", ".join(one.says for one in traits.values() if one.known)
    route = traits["route"].top[0] if traits["route"].top else None
    most = f"; most on {route.value} ({route.bad} of {route.requests})" if route else ""
    return f"{feeling.felt.says}; hit are {told}{most}"
