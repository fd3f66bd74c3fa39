"""Ask Prometheus for ranges, within a deadline, and parse what it answers at the border."""

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal
from urllib.parse import urlencode

from pydantic import BaseModel, ValidationError

from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.core.secret import scrub
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.metrics import MetricCount, MetricCounts, MetricPoint
from drillbook.providers.prometheus.counters import Series, increases
from drillbook.remote.asking import Asking, Heard, ask, shown_address
from drillbook.remote.reply import first_misfit

SECONDS = 10.0
MOST_STEPS = 2000  # Prometheus itself gives 11,000
SERVER_ERROR, OK = 500, 200
STALE_STEPS = 3


class _One(BaseModel):
    metric: dict[str, str]
    values: tuple[tuple[float, str], ...]


class _Data(BaseModel):
    resultType: Literal["matrix"]  # noqa: N815 - Prometheus' own name
    result: tuple[_One, ...]


class _Answer(BaseModel):
    status: Literal["success"]
    data: _Data


class _Refusal(BaseModel):
    error: str


class PrometheusMetrics:
    """Fulfils Metrics; `requests` and `errors` are selectors of counters, not sums of them."""

    def __init__(
        self,
        *,
        address: Callable[[], str],
        requests: str,
        errors: str,
        values: Mapping[str, str],
        token: Callable[[], str] | None = None,
    ) -> None:
        self._address, self._token = address, token
        self._requests, self._errors, self._values = requests, errors, dict(values)

    @property
    def names(self) -> tuple[str, ...]:
        """The values the stack names."""
        return tuple(self._values)

    def counts(self, start: datetime, end: datetime, step: timedelta) -> MetricCounts:
        """Count requests and errors; what came before the first interval is asked for as well."""
        steps = _steps(start, end, step)
        first = end - steps * step
        queries = {"requests": self._requests, "errors": self._errors}
        ended = side_by_side(
            {name: self._asking(query, first, end, step) for name, query in queries.items()},
            at_most_seconds=SECONDS + 1.0,
        )
        found = {name: _series_or_raise(one) for name, one in ended.items()}
        spoke = {number for many in found.values() for one in many for number in one}
        requests = increases(found["requests"], steps + 1, spoke)
        errors = increases(found["errors"], steps + 1, spoke)
        newest = first + max(spoke) * step if spoke else None
        return MetricCounts(
            counts=tuple(
                MetricCount(at=first + number * step, requests=count, errors=errors[number])
                for number, count in requests.items()
            ),
            newest=newest,
            silent=newest is None or end - newest > STALE_STEPS * step,
            says=_told(newest, end, len(found["requests"])),
        )

    def values(
        self, name: str, start: datetime, end: datetime, step: timedelta
    ) -> tuple[MetricPoint, ...]:
        """Return a named value; the sum, where its query has several series."""
        query = self._values.get(name)
        if query is None:
            known = ", ".join(self._values) or "none"
            raise NotFound(f"the stack names no value {name!r}", hint=f"There are: {known}.")
        steps = _steps(start, end, step)
        first = end - steps * step
        many = self._asking(query, first, end, step)()
        numbers = sorted({number for one in many for number in one})
        return tuple(
            MetricPoint(
                at=first + number * step, value=sum(one[number] for one in many if number in one)
            )
            for number in numbers
        )

    def _asking(
        self, query: str, first: datetime, end: datetime, step: timedelta
    ) -> Callable[[], tuple[Series, ...]]:
        def look() -> tuple[Series, ...]:
            return self._range(query, first, end, step)

        return look

    def _range(
        self, query: str, first: datetime, end: datetime, step: timedelta
    ) -> tuple[Series, ...]:
        asked = {
            "query": query,
            "start": f"{first.timestamp():.3f}",
            "end": f"{end.timestamp():.3f}",
            "step": f"{step.total_seconds():.3f}",
        }
        url = self._address().rstrip("/")
        headers = {"Accept": "application/json", "User-Agent": "drillbook"}
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token()}"
        heard = ask(
            Asking(
                f"{url}/api/v1/query_range?{urlencode(asked)}",
                headers=headers,
                timeout_seconds=SECONDS,
            )
        )
        where = f"Prometheus at {shown_address(url)}"
        _see_that_it_answered(heard, where, query)
        return tuple(_numbered(one, first, step) for one in _read(heard, where).data.result)


def _see_that_it_answered(heard: Heard, where: str, query: str) -> None:
    if heard.status == 0 or heard.status >= SERVER_ERROR:
        said = heard.problem or f"answered {heard.status}"
        raise Unavailable(f"{where}: {said}", hint="Nothing is known of its metrics; try again.")
    if heard.cut:
        raise Refused(
            f"{where} answers {query} with more than 1 MB",
            hint="Name fewer series: select by job, or sum by the labels that matter.",
        )
    if heard.status != OK:
        raise Refused(
            f"{where} refused {query} ({heard.status}): {_words(heard)}",
            hint="Correct the queries, url and token in [environments.….metrics].",
        )


def _words(heard: Heard) -> str:
    try:
        return scrub(_Refusal.model_validate_json(heard.text).error)[:300]
    except ValidationError:
        return "it gives no reason"


def _read(heard: Heard, where: str) -> _Answer:
    try:
        return _Answer.model_validate_json(heard.text)
    except ValidationError as error:
        raise Failed(
            f"{where} answered what is no range of its API: {first_misfit(error)}",
            hint="Check that url is Prometheus' own, without /api/v1.",
        ) from error


def _numbered(one: _One, first: datetime, step: timedelta) -> Series:
    begun, seconds = first.timestamp(), step.total_seconds()
    found = {round((at - begun) / seconds): float(value) for at, value in one.values}
    return {number: value for number, value in found.items() if math.isfinite(value)}


def _series_or_raise(ended: tuple[Series, ...] | Exception) -> tuple[Series, ...]:
    if isinstance(ended, Exception):
        raise ended
    return ended


def _steps(start: datetime, end: datetime, step: timedelta) -> int:
    if step <= timedelta(0) or end <= start:
        raise Refused("a time without length has no metrics", hint="Name an end after the start.")
    steps = math.ceil((end - start) / step)
    if steps > MOST_STEPS:
        raise Refused(
            f"{steps} steps are more than {MOST_STEPS}", hint="Take a longer step, or less time."
        )
    return steps


def _told(newest: datetime | None, end: datetime, series: int) -> str:
    if newest is None:
        return "no samples: the query selects nothing, or nothing is scraped"
    age = max(0, round((end.astimezone(UTC) - newest).total_seconds()))
    return f"{series} series, the newest sample at most {age} s before the end"
