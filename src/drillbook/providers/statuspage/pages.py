"""Read status pages, all side by side, each once and within a deadline."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from drillbook.core.errors import Unavailable
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.status_pages import Component, Notice, Posted, Standing, StatusPage
from drillbook.providers.statuspage.answers import Incidents, Maintenances, Summary
from drillbook.remote.asking import Asking, Heard, ask
from drillbook.remote.reply import first_misfit

PAGE_SECONDS = 5.0
OK = 200
Seen = TypeVar("Seen", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class PageAddress:
    """One page, and which of its components matter here: all when none are named."""

    name: str
    url: str
    components: tuple[str, ...] = ()

    def concerns(self, name: str) -> bool:
        """Whether a component matters here; a page may add words to a name, such as a region."""
        wanted = name.casefold()
        return not self.components or any(
            wanted.startswith(one.casefold()) for one in self.components
        )


class StatuspagePages:
    """Fulfils StatusPages with `/api/v2/…json` of each page."""

    def __init__(self, pages: tuple[PageAddress, ...]) -> None:
        self._pages = pages

    def pages(self) -> tuple[StatusPage, ...]:
        """Return what each page says now."""
        looks = {page.name: partial(_page, page) for page in self._pages}
        ended = side_by_side(looks, at_most_seconds=PAGE_SECONDS + 1.0)
        return tuple(
            one if isinstance(one, StatusPage) else _unanswered(page, one, PAGE_SECONDS)
            for page, one in zip(self._pages, ended.values(), strict=True)
        )

    def posted(self, since: datetime) -> Posted:
        """Return what was open since then on the pages that answered."""
        looks = {page.name: partial(_history, page, since) for page in self._pages}
        ended = side_by_side(looks, at_most_seconds=2 * PAGE_SECONDS + 1.0)
        found = [one for each in ended.values() if isinstance(each, tuple) for one in each]
        return Posted(
            notices=tuple(sorted(found, key=lambda notice: (notice.started, notice.id))),
            unanswered=tuple(name for name, one in ended.items() if isinstance(one, Exception)),
        )


def _page(page: PageAddress) -> StatusPage:
    heard = _get(page, "summary")
    summary = _read(Summary, heard, page)
    parts = tuple(one for one in summary.parts() if page.concerns(one.name))
    notices = tuple(one for one in summary.notices(page.name) if _touches(one, page))
    standing = summary.standing
    if page.components:
        marks = [one.standing for one in parts] + [_now(one) for one in notices]
        standing = max(marks, key=lambda one: one.rank, default=Standing.OPERATIONAL)
    return StatusPage(
        name=page.name,
        address=page.url,
        answered=True,
        problem="",
        standing=standing,
        says=_told(standing, parts, notices),
        components=parts,
        notices=notices,
        seconds=round(heard.seconds, 3),
    )


def _history(page: PageAddress, since: datetime) -> tuple[Notice, ...]:
    now = datetime.now(UTC)
    incidents = _read(Incidents, _get(page, "incidents"), page).incidents
    planned = _read(Maintenances, _get(page, "scheduled-maintenances"), page)
    found = [one.ours(page.name) for one in (*incidents, *planned.scheduled_maintenances)]
    return tuple(
        one
        for one in found
        if _touches(one, page) and one.started <= now and (one.ended is None or one.ended >= since)
    )


def _touches(notice: Notice, page: PageAddress) -> bool:
    return not notice.components or any(page.concerns(name) for name in notice.components)


def _now(notice: Notice) -> Standing:
    # What is planned for later says nothing of now.
    return Standing.OPERATIONAL if notice.started > datetime.now(UTC) else notice.standing


def _told(standing: Standing, parts: tuple[Component, ...], notices: tuple[Notice, ...]) -> str:
    said = [f"says {standing}"]
    said += [f"{one.name}: {one.standing}" for one in parts if one.standing.rank > 0]
    now = datetime.now(UTC)
    said += [
        f"{one.name} ({one.stage}, since {one.started:%H:%M}, posted {one.posted:%H:%M} UTC)"
        for one in notices
        if one.started <= now
    ]
    return "; ".join(said)


def _get(page: PageAddress, name: str) -> Heard:
    url = f"{page.url.rstrip('/')}/api/v2/{name}.json"
    heard = ask(
        Asking(url, headers={"Accept": "application/json", "User-Agent": "drillbook"},
               timeout_seconds=PAGE_SECONDS)
    )  # fmt: skip
    if heard.status != OK:
        elsewhere = heard.headers.get("location", "")
        said = heard.problem or f"answered {heard.status}"
        moved = f", it is at {elsewhere} now" if elsewhere else ""
        raise Unavailable(
            f"GET {url}: {said}{moved}",
            hint=f"Check url in [environments.….status_pages.{page.name}]: its page must be of "
            "Atlassian Statuspage's kind.",
        )
    return heard


def _read(kind: type[Seen], heard: Heard, page: PageAddress) -> Seen:
    try:
        return kind.model_validate_json(heard.text)
    except ValidationError as error:
        raise Unavailable(
            f"{page.url} answered what is no status page: {first_misfit(error)}",
            hint="It must answer /api/v2/summary.json as Atlassian Statuspage does.",
        ) from error


def _unanswered(page: PageAddress, error: object, seconds: float) -> StatusPage:
    return StatusPage(
        name=page.name,
        address=page.url,
        answered=False,
        problem=str(error),
        standing=None,
        says=f"not known: {error}",
        components=(),
        notices=(),
        seconds=seconds,
    )
