"""How the platforms are: by their own word, and beside it by what we met ourselves."""

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TypeVar

from drillbook.core.catalog import Domain
from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration
from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.auth_state import AuthSeen, AuthState
from drillbook.ports.dependencies import Dependencies, DependencySeen
from drillbook.ports.platform import Service
from drillbook.ports.platform_apis import ApiSeen, PlatformApis
from drillbook.ports.status_pages import Notice, Posted, Standing, StatusPage, StatusPages

domain = Domain("platform")

AT_MOST_SECONDS = 15.0
DAY = timedelta(hours=24)
LOGIN, DATABASE_PLATFORM = "login", "supabase"
One = TypeVar("One")


class PlatformSeen(Frozen):
    """
    One platform or dependency: what its page says, and beside it what we met.

    `ours` is True where it answered us well, False where it did not, None where we did not or could
    not look. `page` is "" where it has no status page here. They disagree where the page says it
    is well and we met a failure (pages lag: what we met counts), or the other way round.
    """

    name: str
    ours: bool | None
    ours_says: str
    page: str
    page_says: str
    disagree: bool


class Platforms(Frozen):
    """
    All platforms side by side; `ok` when all that we asked ourselves answered well.

    `failing` names what failed when we asked, `unknown` what we could not ask, `posted` the
    incidents of the pages in the time asked for, the earliest first. A page that says all is well
    is weak evidence, so it makes nothing ok.
    """

    ok: bool
    says: str
    failing: tuple[str, ...]
    unknown: tuple[str, ...]
    seen: tuple[PlatformSeen, ...]
    login: AuthSeen | None
    dependencies: tuple[DependencySeen, ...]
    apis: tuple[ApiSeen, ...]
    services: tuple[Service, ...]
    pages: tuple[StatusPage, ...]
    posted: tuple[Notice, ...]
    seconds: float


@domain.read
def status(
    pages: StatusPages,
    apis: PlatformApis,
    login: AuthState,
    dependencies: Dependencies,
    *,
    since: Duration = DAY,
) -> Platforms:
    """Ask platforms, logins and dependencies ourselves, and show it beside their status pages."""
    begun, start = monotonic(), datetime.now(UTC) - since
    ended = side_by_side(
        {
            "status pages": pages.pages,
            "posted incidents": lambda: pages.posted(start),
            "platform APIs": apis.apis,
            "project services": apis.services,
            LOGIN: login.look,
            "dependencies": dependencies.seen,
        },
        at_most_seconds=AT_MOST_SECONDS,
    )
    unanswered = {
        name: scrub(str(error)) for name, error in ended.items() if isinstance(error, Exception)
    }
    return _joined(ended, unanswered, begun)


def _joined(ended: dict[str, object], unanswered: dict[str, str], begun: float) -> Platforms:
    apis = _of(ended["platform APIs"], ApiSeen)
    needed = _of(ended["dependencies"], DependencySeen)
    services = _of(ended["project services"], Service)
    pages = _of(ended["status pages"], StatusPage)
    login, posted = ended[LOGIN], ended["posted incidents"]
    signed = login if isinstance(login, AuthSeen) else None
    ours: dict[str, tuple[bool | None, str]] = {one.name: (one.alive, one.says) for one in apis}
    ours |= {one.name: (one.alive, one.says) for one in needed}
    if signed is not None:
        ours[LOGIN] = (signed.alive and not signed.skewed, signed.says)
    seen = _beside(ours, {page.name: page for page in pages}, services)
    failing = tuple(one.name for one in seen if one.ours is False)
    unknown = [one.name for one in seen if one.ours is None and one.ours_says]
    return Platforms(
        ok=not failing and not unknown and not unanswered,
        says=_told(seen, failing, unanswered),
        failing=failing,
        unknown=(*unknown, *unanswered),
        seen=seen,
        login=signed,
        dependencies=needed,
        apis=apis,
        services=services,
        pages=pages,
        posted=posted.notices if isinstance(posted, Posted) else (),
        seconds=round(monotonic() - begun, 3),
    )


def _beside(
    ours: dict[str, tuple[bool | None, str]],
    pages: dict[str, StatusPage],
    services: tuple[Service, ...],
) -> tuple[PlatformSeen, ...]:
    """Put what we met beside the page of the same name; the login's is its platform's."""
    rows = []
    for name, (alive, says) in ours.items():
        page = pages.get(name) or (pages.get(DATABASE_PLATFORM) if name == LOGIN else None)
        rows.append(_row(name, alive, says, page, services if name == DATABASE_PLATFORM else ()))
    rows += [_row(name, None, "", page, ()) for name, page in pages.items() if name not in ours]
    return tuple(rows)


def _row(
    name: str,
    alive: bool | None,
    says: str,
    page: StatusPage | None,
    services: tuple[Service, ...],
) -> PlatformSeen:
    standing = page.standing if page is not None else None
    ill = [f"{one.name} is {one.error or one.status}" for one in services if not one.healthy]
    words = [page.says] if page is not None else []
    words += [f"its API says {', '.join(ill)}"] if ill else []
    trouble = standing is not None and standing.rank >= Standing.DEGRADED.rank
    said = None if standing is None and not services else not trouble and not ill
    return PlatformSeen(
        name=name,
        ours=alive,
        ours_says=says,
        page=page.address if page is not None else "",
        page_says="; ".join(words),
        disagree=alive is not None and said is not None and alive is not said,
    )


def _told(
    seen: tuple[PlatformSeen, ...], failing: tuple[str, ...], unanswered: dict[str, str]
) -> str:
    if not seen and not unanswered:
        return "the stack names no platform, login, dependency or status page to ask"
    asked = [one for one in seen if one.ours is not None]
    said = [f"{sum(one.ours is True for one in asked)} of {len(asked)} answered us well"]
    said += [one.ours_says for one in seen if one.name in failing]
    said += [f"{one.name}: {one.ours_says}" for one in seen if one.ours is None and one.ours_says]
    said += [f"{name} could not be asked: {why}" for name, why in unanswered.items()]
    lagging = [one.name for one in seen if one.disagree and one.ours is False]
    said += [f"the page says nothing of {', '.join(lagging)}: pages lag"] if lagging else []
    posted = [f"{one.name}'s page {one.page_says}" for one in seen if one.disagree and one.ours]
    return "; ".join([*said, *posted])


def _of(found: object, kind: type[One]) -> tuple[One, ...]:
    """Return what was found of a kind; nothing where the look failed, which is told apart."""
    return tuple(one for one in found if isinstance(one, kind)) if isinstance(found, tuple) else ()
