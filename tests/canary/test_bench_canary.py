"""The benchmark decides by the product's own tests, and the rules of others are theirs."""

import numpy as np
import pytest
from benchmarks.bench_canary import problems
from benchmarks.bench_canary_fast import Fast, log_evidence
from benchmarks.bench_canary_model import BLOCKS_A_LOOK, LOOKS, Cell, Met, capped, simulated
from benchmarks.bench_canary_ours import NEVER, failed_at, passed_at
from benchmarks.bench_canary_rivals import flagger, is_high, over_five_percent

from drillbook.analysis.sequential import evidence
from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS, Usual
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.judging import (
    is_harmless,
    is_worse,
    log_worse,
    probes_weight,
)
from drillbook.analysis.sequential.request import Request
from drillbook.analysis.sequential.stream import Looked, Stream


@pytest.mark.parametrize("before", [Counts(8640, 86), Counts(), Counts(5, 5), Counts(200, 0)])
def test_the_fast_tests_are_the_products(before: Counts) -> None:
    chance = np.random.default_rng(1)
    trials = chance.integers(0, 2000, 12).astype(float)
    hits = np.floor(trials * chance.random(12) ** 3)
    known = Before(before, 1.5)
    fast = Fast(known)
    counts = [Counts(n, k) for n, k in zip(trials, hits, strict=True)]

    higher = fast.log_higher(trials, hits)
    assert higher == pytest.approx([known.log_higher(each) for each in counts])
    assert fast.log_harmless(trials, hits) == pytest.approx([known.log_harmless(c) for c in counts])
    assert (fast.log_higher_at_most(trials, hits) >= higher - 1e-9).all()
    assert log_evidence(0.3, evidence.LOWER, trials, hits) == pytest.approx(
        [evidence.log_evidence(each, 0.3, evidence.LOWER) for each in counts]
    )


def test_bursts_are_capped_as_the_product_does() -> None:
    chance = np.random.default_rng(2)
    trials = chance.poisson(20, (3, LOOKS * BLOCKS_A_LOOK)).astype(float)
    hits = np.minimum(trials, chance.poisson(1, trials.shape) * chance.poisson(2, trials.shape))
    shares = np.array([0.01, 0.1, 0.3])

    found = capped(trials, hits, shares)

    for row, share in enumerate(shares):
        for look in (0, 7, LOOKS - 1):
            blocks = [
                Counts(n, k)
                for n, k in zip(trials[row], hits[row], strict=True)
            ][: (look + 1) * BLOCKS_A_LOOK]  # fmt: skip
            assert found[row, look] == pytest.approx(Usual(share).capped(blocks, 3).hits)


def stream_of(met: Met, row: int, weight: float) -> Stream:
    """The product's stream: requests spread evenly over the day, their times known by rank."""
    count, hits = met.before_trials, int(met.before_hits[row])
    failed = {int((n + 0.5) * count / hits) for n in range(hits)}
    return Stream([Request(10.0 * n, n in failed, 1000.0 + n) for n in range(count)], weight)


def look(stream: Stream, met: Met, row: int, minutes: int) -> Looked:
    """One look of the product at what the simulation met; slow ones just beyond their limits."""
    beyond = [limit.slow_from + 0.001 for limit in stream.limits]
    requests = []
    for block in range(minutes * BLOCKS_A_LOOK):
        number = int(met.trials[row, block])
        slow = [int(each[row, block]) for each in met.slow]
        for n in range(number):
            over = sum(n < each for each in slow)
            requests.append(
                Request(
                    1e6 + BLOCK_SECONDS * block,
                    n < met.errors[row, block],
                    beyond[over - 1] if over else 1.0,
                )
            )
    return stream.look(requests)


def test_simulated_deployments_are_judged_as_the_product_judges_them() -> None:
    cell = Cell(6, 0.01, 4.0, count=6, baseline_minutes=200)
    users, probes = simulated(cell, np.random.default_rng(4))
    assert probes is not None
    part = probes_weight(cell.probe_rate, cell.rate)

    failed, passed = failed_at(cell, users, probes), passed_at(users, probes)

    assert len({int(at) for at in failed}) > 1
    for row in range(cell.count):
        streams = [stream_of(users, row, 1 - part), stream_of(probes, row, part)]
        first = NEVER
        for minutes in range(1, LOOKS + 1):
            both = [
                look(stream, met, row, minutes)
                for stream, met in zip(streams, (users, probes), strict=True)
            ]
            if is_worse(log_worse([test for one in both for test in one.tests])):
                first = minutes
                break
            rules_out = any(is_harmless([test.log_harmless for test in one.tests]) for one in both)
            assert not (rules_out and minutes > 1) or passed[row] <= minutes
        assert failed[row] == first


def test_kayentas_rule_calls_high_what_is_high_and_nothing_else() -> None:
    chance = np.random.default_rng(3)
    quiet, loud = chance.random((4, 30)) / 100, chance.random((4, 30)) / 100 + 0.05
    nothing = np.zeros((1, 30))
    gaps = np.where(chance.random((4, 30)) < 0.3, np.nan, loud)

    assert is_high(loud, quiet).all()
    assert is_high(gaps, quiet).all()
    assert not is_high(quiet, loud).any()
    assert not is_high(nothing, nothing).any()


def test_flagger_counts_ten_failed_checks_and_over_five_percent_the_last_minutes() -> None:
    trials = np.ones((3, LOOKS * BLOCKS_A_LOOK))
    errors = np.zeros_like(trials)
    errors[1] = 1.0
    trials[2] = 0.0
    met = Met(1, np.zeros(3), trials, errors, ())

    assert flagger(met).tolist() == [NEVER, 10, 10]
    assert over_five_percent(met).tolist() == [NEVER, 1, NEVER]


def test_what_is_not_as_promised_is_said() -> None:
    row = {"rate": 6, "base": 0.01, "probes_a_minute": 114}
    bad = [
        row | {"factor": 1.0, "failed": 0.02, "median_minutes": None},
        row | {"factor": 10.0, "failed": 0.98, "median_minutes": 9.0},
    ]
    good = [row | {"factor": 10.0, "failed": 0.999, "median_minutes": 2.0}]

    assert len(problems(bad, {"worse": False, "harmless": False})) == 3
    assert problems(good, {"worse": False, "harmless": False}) == []
    assert problems([], {"worse": False, "harmless": True}) == ["zero traffic got a verdict"]
