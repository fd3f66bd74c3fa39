"""
One stream of requests, users' or probes', before a change and after it.

Everything that the time before says (what is usual, how errors are grouped, which times are slow)
is settled before the first look and does not change: a test whose rules bend while one looks
would promise nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.beside import Pair, log_harmless_beside, log_higher_beside
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS, BURST_BLOCKS, Usual, group_size
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import log_mean
from drillbook.analysis.sequential.judging import (
    ERRORS_WEIGHT,
    LATENCY_WEIGHT,
    Test,
    is_harmless,
    needed,
    needed_for_fail,
    needed_for_pass,
)
from drillbook.analysis.sequential.latency import QUANTILES, Limit, limits
from drillbook.analysis.sequential.request import (
    Hit,
    Request,
    blocks,
    failed,
    in_row,
    slower_than,
    timed,
    total,
)

_SIGN = 2.0  # an e-value from which on there is a sign of harm


@dataclass(frozen=True, slots=True)
class Looked:
    """What one look at a stream found; latency is None where nothing is known of it."""

    errors: Counts
    error_test: Test
    slow: tuple[Counts, ...] = ()
    latency_test: Test | None = None

    @property
    def tests(self) -> tuple[Test, ...]:
        """Both questions, as far as they could be asked."""
        return (self.error_test, self.latency_test) if self.latency_test else (self.error_test,)


class Stream:
    """What requests before say; each look gives all requests after, again from the first."""

    def __init__(
        self,
        before: Sequence[Request],
        weight: float = 1.0,
        burst_blocks: int = BURST_BLOCKS,
    ) -> None:
        self.burst_blocks = burst_blocks
        found = blocks(before, failed)
        self.group = group_size(in_row(found))
        self.before = Before(total(found.values()), self.group)
        self.usual = Usual.of(self.before.counts, self.group)
        self.limits = _limits_of(before)
        latency = LATENCY_WEIGHT if self.limits else 0.0
        self.error_weight = weight * ERRORS_WEIGHT / (ERRORS_WEIGHT + latency)
        self.latency_weight = weight - self.error_weight

    def look(self, after: Sequence[Request], *, calm: Sequence[Request] | None = None) -> Looked:
        """Judge the requests after; `calm` are those whose slowness may count against them."""
        found = blocks(after, failed)
        errors = total(found.values())
        counted = self.usual.capped(list(found.values()), self.burst_blocks)
        worse = self.before.log_higher(counted)
        test = Test(self.error_weight, worse, self.before.log_harmless(errors))
        known = timed(after)
        counting = known if calm is None else timed(calm)
        slow = [
            total(blocks(known, slower_than(limit.slow_from)).values()) for limit in self.limits
        ]
        return self._looked(
            errors, test, slow, [self._log_slower(limit, counting) for limit in self.limits]
        )

    def _log_slower(self, limit: Limit, counting: Sequence[Request]) -> float:
        usual = Usual(1.0 - limit.quantile, limit.before.group)
        found = list(blocks(counting, slower_than(limit.slow_from)).values())
        return limit.log_slower(usual.capped(found, self.burst_blocks))

    def beside(self, old: Sequence[Request], new: Sequence[Request], *, until: float) -> Looked:
        """Judge two releases that serve at once, by the blocks of time complete at `until`."""
        pairs = _pairs(old, new, failed, failed, until)
        errors, usual = total(pair.new for pair in pairs), total(pair.old for pair in pairs)
        test = Test(
            self.error_weight,
            log_higher_beside(pairs, self.group),
            log_harmless_beside(usual, errors, self.group),
        )
        # The old one's slow requests are those beyond the quantile, the new one's those beyond
        # quantile and tolerance: a release slower by less than that has no more of them.
        slow = [
            _pairs(
                timed(old),
                timed(new),
                slower_than(limit.milliseconds),
                slower_than(limit.slow_from),
                until,
            )
            for limit in self.limits
        ]
        return self._looked(
            errors,
            test,
            [total(pair.new for pair in found) for found in slow],
            [
                log_higher_beside(found, limit.before.group)
                for limit, found in zip(self.limits, slow, strict=True)
            ],
        )

    def needed(self, looked: Looked, *, usual: Before | None = None) -> int | None:
        """
        Return how many more requests a verdict takes, None when no number does.

        Whichever comes first: a PASS if requests go on as before, or, where there is a sign of
        harm, a FAIL if they go on as after. `usual` is what to compare with side by side.
        """
        before = usual or self.before
        ways = [self._needed_for_pass(before, looked)]
        if looked.error_test.log_worse > log(_SIGN):
            ways.append(needed_for_fail(before, looked.errors, self.error_weight))
        return min((way for way in ways if way is not None), default=None)

    def _needed_for_pass(self, before: Before, looked: Looked) -> int | None:
        found = [needed_for_pass(before, looked.errors)]
        for limit, slow in zip(self.limits, looked.slow, strict=bool(looked.slow)):
            share = slow.share if slow.trials else 1.0 - limit.quantile
            found.append(needed(_harmless(limit), slow, share or 0.0))
        return None if None in found else max(each for each in found if each is not None)

    def _looked(
        self,
        errors: Counts,
        test: Test,
        slow: Sequence[Counts],
        worse: Sequence[float],
    ) -> Looked:
        if not self.limits:
            return Looked(errors, test)
        harmless = [limit.log_harmless(each) for limit, each in zip(self.limits, slow, strict=True)]
        latency = Test(self.latency_weight, log_mean(worse), min(harmless), of_errors=False)
        return Looked(errors, test, tuple(slow), latency)


def _harmless(limit: Limit) -> Callable[[Counts], bool]:
    return lambda counts: is_harmless([limit.log_harmless(counts)])


def _limits_of(before: Sequence[Request]) -> tuple[Limit, ...]:
    known = timed(before)
    first = limits([request.milliseconds or 0.0 for request in known])
    if not first:
        return ()
    # How slow requests come in groups shows best at the quantile that splits them evenly enough.
    usual = first[QUANTILES.index(0.9)]
    group = group_size(in_row(blocks(known, slower_than(usual.milliseconds))))
    return limits([request.milliseconds or 0.0 for request in known], group)


def _pairs(
    old: Sequence[Request], new: Sequence[Request], old_hit: Hit, new_hit: Hit, until: float
) -> list[Pair]:
    olds, news = blocks(old, old_hit), blocks(new, new_hit)
    complete = sorted(
        block for block in olds.keys() & news.keys() if (block + 1) * BLOCK_SECONDS <= until
    )
    return [Pair(olds[block], news[block]) for block in complete]
