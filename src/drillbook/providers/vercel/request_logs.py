"""
The platform's own record of requests, page by page: it also knows of those no app answered.

Asked at `/api/logs/request-logs`, as the official client does: 50 requests a page, newest first,
the next page by an earlier `endDate`. The documented stream of a deployment's runtime logs begins
now and tells of no past, so it is not what a diagnosis needs.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from urllib.parse import urlsplit

from pydantic import Field

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import DrillbookError
from drillbook.ports.deployments import Deployment
from drillbook.ports.logs import Fetched, LogLine
from drillbook.providers.vercel.answers import PRODUCTION, Seen
from drillbook.providers.vercel.request_rows import Row, line_of
from drillbook.providers.vercel.speaking import Speaking, parsed
from drillbook.remote.api import JsonApi, Values

PATH = "/api/logs/request-logs"
RIGHT = "read the project's runtime logs"
# The client's own rule: these logs are asked for where the dashboard is.
HOSTS = {"api.vercel.com": "https://vercel.com"}
TEAM_ID = "team_"
# A longer time is asked for in so many parts at once.
PARTS = 4
LONG = timedelta(minutes=2)
MILLISECOND = timedelta(milliseconds=1)


class Page(Seen):
    """A page of requests, newest first."""

    rows: tuple[Row, ...] = ()
    has_more: bool = Field(default=False, alias="hasMoreRows")


class Owner(Seen):
    """Whose project it is: logs are asked for by that id, never by a slug."""

    id: str
    account: str = Field(alias="accountId")


@dataclass(frozen=True)
class VercelRequestLogs:
    """The requests of one target of a project; fulfils ShortLivedLogs."""

    api: str
    token: Callable[[], str]
    project: str
    team: str
    target: str
    keeps: timedelta = timedelta(hours=1)
    _builds: dict[str, Deployment] = field(default_factory=dict[str, Deployment])

    def fetch(self, start: datetime, end: datetime, seconds: float) -> Fetched:
        """Ask for the requests of a time, the newest first, for no longer than so many seconds."""
        until = time.monotonic() + seconds
        parts = _parts(start, end)
        if len(parts) == 1:
            # In a context of its own: the time that is left is set for these calls only.
            return copy_context().run(self._pages, start, end, until)
        with ThreadPoolExecutor(len(parts), thread_name_prefix="logs") as pool:
            told = list(pool.map(lambda part: self._pages(part[0], part[1], until), parts))
        lines, reached = list[LogLine](), end
        for (part_start, _), found in zip(parts, told, strict=True):  # newest part first
            lines += found.lines
            reached = found.start
            if reached > part_start:
                break  # what is before it was read, and has a hole after it
        return Fetched(tuple(lines), reached)

    def _pages(self, start: datetime, end: datetime, until: float) -> Fetched:
        lines: dict[str, LogLine | None] = {}
        before = end
        while before > start:
            if (left := until - time.monotonic()) <= 0:
                return Fetched(_users(lines), before)
            # The time that is left counts for each call, and its tries.
            deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=left)))
            page = self._page(start, before)
            fresh = [row for row in page.rows if row.key not in lines]
            lines |= {row.key: self._line(row) for row in fresh}
            if not page.has_more or not page.rows:
                break
            oldest = min(row.timestamp for row in page.rows)
            # The same millisecond may go on on the next page; one that fills a page is passed by.
            before = oldest + MILLISECOND if fresh and oldest + MILLISECOND < before else oldest
        return Fetched(_users(lines), start)

    def _page(self, start: datetime, end: datetime) -> Page:
        query: Values = {
            "projectId": self.project,
            "ownerId": self._owner,
            "environment": "production" if self.target == PRODUCTION else "preview",
            "startDate": _milliseconds(start),
            "endDate": _milliseconds(end),
            "page": 0,
        }
        return parsed(Page, self._logs.get(PATH, query, right=RIGHT), PATH)

    def _line(self, row: Row) -> LogLine | None:
        """Return a request as a line; None where it came by a build's own address: no user does."""
        build = self._build(row.deployment)
        if build is None:
            return line_of(row, "")
        return None if row.domain == build.url else line_of(row, build.commit)

    def _build(self, deployment: str) -> Deployment | None:
        """Return a build; what is read of it never changes, so it is asked for once."""
        if deployment and deployment not in self._builds:
            try:
                self._builds[deployment] = self._speaking.read_deployment(deployment).said()
            except DrillbookError:
                return None  # its requests are told of all the same, without its commit
        return self._builds.get(deployment)

    @cached_property
    def _owner(self) -> str:
        if self.team.startswith(TEAM_ID):
            return self.team
        path = f"/v9/projects/{self._speaking.path}"
        return parsed(Owner, self._speaking.api.get(path, right=RIGHT), path).account

    @cached_property
    def _speaking(self) -> Speaking:
        return Speaking(JsonApi("Vercel", self.api, self.token, query=self._scope), self.project)

    @cached_property
    def _logs(self) -> JsonApi:
        parts = urlsplit(self.api)
        return JsonApi("Vercel", HOSTS.get(parts.netloc, self.api), self.token)

    @property
    def _scope(self) -> Values:
        if not self.team:
            return {}
        return {"teamId" if self.team.startswith(TEAM_ID) else "slug": self.team}


def _users(lines: dict[str, LogLine | None]) -> tuple[LogLine, ...]:
    return tuple(line for line in lines.values() if line is not None)


def _parts(start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
    """Divide a long time, the newest part first."""
    if end - start <= LONG:
        return [(start, end)]
    step = (end - start) / PARTS
    edges = [*(start + step * number for number in range(PARTS)), end]
    return list(pairwise(edges))[::-1]


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)
