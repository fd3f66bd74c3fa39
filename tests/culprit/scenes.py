"""Scenes of incidents, built from what would be seen: requests, errors, vitals, changes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.culprit.scene import Door, Outside, Scene, Served
from drillbook.analysis.culprit.trouble import Felt, find_trouble
from drillbook.core.deployments import Deployment, Stage
from drillbook.core.incident import Change, ChangeKind
from drillbook.core.vitals import Entrance, RoleUse, Vitals

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
BEGAN = NOW - timedelta(seconds=60)
START = NOW - timedelta(minutes=10)
ROUTES = ("GET /api/list", "POST /api/orders", "POST /api/orders/*/pay")
WELL = Vitals(
    entrance=Entrance.OPEN, seconds=0.01, started_at=NOW - timedelta(days=3), used=9, limit=97,
    roles=(RoleUse(role="web", used=8, limit=-1, idle=6),),
)  # fmt: skip
Spoils = Callable[[Request, int], Request]


def requests(
    spoils: Spoils | None = None,
    *,
    began: datetime = BEGAN,
    every: float = 1.0,
    before: str = "dpl_old",
) -> list[Request]:
    """Ten minutes of users; from `began` on each request is given to `spoils`."""
    made = []
    for number in range(int((NOW - START).total_seconds() / every)):
        at = START.timestamp() + number * every
        one = Request(
            at=at, status=200, route=ROUTES[number % 3], milliseconds=20.0 + number % 7,
            user=f"u{number % 17}", address=f"10.0.0.{number % 17}",
            deployment="dpl_new" if at >= began.timestamp() else before,
        )  # fmt: skip
        made.append(spoils(one, number) if spoils and at >= began.timestamp() else one)
    return made


def fails(
    message: str, *, on: str = "", one_in: int = 1, status: int = 500, stack: str = ""
) -> Spoils:
    """Let one in so many requests fail with a message, on one route or all."""

    def spoil(request: Request, number: int) -> Request:
        if (on and on not in request.route) or (number // 3) % one_in:
            return request
        return replace(request, status=status, message=message, stack=stack)

    return spoil


def build(name: str, commit: str, hours_ago: float) -> Deployment:
    created = NOW - timedelta(hours=hours_ago)
    return Deployment(
        id=name, url=f"{name}.example", commit=commit, branch="main", message=f"build {name}",
        created=created, stage=Stage.READY, has_served=True, assigned=created,
    )  # fmt: skip


def switch(at: datetime, name: str = "dpl_new") -> Change:
    return Change(
        kind=ChangeKind.DEPLOYMENT, at=at, subject=name, says=f"{name} was given the users",
        source="hosting",
    )  # fmt: skip


GIVEN = ("DATABASE_URL", "MAIL_KEY")
NEW = Served(deployment=build("dpl_new", "b" * 40, 0.02), given=GIVEN)
OLD = Served(deployment=build("dpl_old", "a" * 40, 48), given=GIVEN)
LOGIN = Outside(name="auth service", alive=True, failed=0, asked=3, median_seconds=0.05)
MAIL = Outside(name="mail", alive=True, failed=0, asked=3, median_seconds=0.05)


def felt(users: Sequence[Request], door: Sequence[Request] = ()) -> Felt:
    return find_trouble(users, NOW.timestamp(), START.timestamp(), door=door)


def scene(users: Sequence[Request], **more: object) -> Scene:
    """An environment in which all is well, but for what users meet and what is said otherwise."""
    quiet = Scene(
        now=NOW, trouble=felt(users).trouble, changes=(), serving=NEW, earlier=OLD, diff=(),
        values=(), migrations=(), vitals=WELL, door=Door((200, 200, 200), (0.02, 0.02, 0.02)),
        auth=LOGIN, auth_clock_seconds=0.0, dependencies=(MAIL,),
    )  # fmt: skip
    return replace(quiet, **more)  # type: ignore[arg-type]  # fields by name, of any type
