"""Since when errors are more, by counters alone: what was counted, and not when each came."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from drillbook.actions import metrics
from drillbook.core.quantities import parse_duration
from drillbook.ports.metrics import MetricCount, MetricCounts, MetricPoint

STEP = timedelta(seconds=15)
MINUTES = 30


class Counted:
    """Counters of half an hour; errors are more in the last `worse` minutes."""

    names: tuple[str, ...] = ()

    def __init__(
        self, *, worse: float, usual: float = 0.005, then: float = 0.2, requests: float = 150.0
    ) -> None:
        self.worse, self.usual, self.then, self.requests = worse, usual, then, requests
        self.silent = False

    def counts(self, start: datetime, end: datetime, step: timedelta) -> MetricCounts:
        chance, found = Random(7), list[MetricCount]()  # noqa: S311 - chance, no secret
        for number in range(int((end - start) / step)):
            at = start + (number + 1) * step
            share = self.then if end - at < timedelta(minutes=self.worse) else self.usual
            errors = sum(chance.random() < share for _ in range(150))
            found.append(MetricCount(at=at, requests=self.requests, errors=float(errors)))
        return MetricCounts(counts=tuple(found), newest=end, silent=self.silent, says="2 series")

    def values(
        self, name: str, start: datetime, end: datetime, step: timedelta
    ) -> tuple[MetricPoint, ...]:
        raise NotImplementedError


@pytest.mark.parametrize("requests", [150.0, 150_000.0, 0.0])
def test_the_moment_is_within_its_interval_with_and_without_counted_requests(
    requests: float,
) -> None:
    counted = Counted(worse=9, requests=requests)
    found = metrics.onset.do(counted)
    began = datetime.now(UTC) - timedelta(minutes=9)

    assert found.found
    assert found.at is not None
    assert abs(found.at - began) < timedelta(seconds=60)
    assert found.earliest is not None
    assert found.latest is not None
    assert found.earliest <= began <= found.latest
    if not requests:
        assert (found.before_rate, found.after_rate) == (None, None)
    else:
        assert found.before_rate == pytest.approx(0.75 / requests, rel=0.5)
        assert found.after_rate == pytest.approx(30 / requests, rel=0.2)


def test_calm_counters_and_silent_ones_are_told_apart() -> None:
    calm, silent = Counted(worse=0), Counted(worse=9)
    silent.silent = True

    quiet, unknown = metrics.onset.do(calm, since=parse_duration("30m")), metrics.onset.do(silent)

    assert not quiet.found
    assert not quiet.silent
    assert "errors are no more than before" in quiet.says
    assert (unknown.found, unknown.silent) == (False, True)
    assert "silent, which is not 0 errors" in unknown.says
