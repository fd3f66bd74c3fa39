"""The sequential tests: exact where they can be, simulated with fixed seeds where they cannot."""

# ruff: noqa: S311 - simulations hold no secrets

import random
from math import comb, exp, log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.error_rate import binomial_tail
from drillbook.analysis.sequential.before import Before, harmful
from drillbook.analysis.sequential.beside import Pair, log_harmless_beside, log_higher_beside
from drillbook.analysis.sequential.binomial import log_at_least, log_at_most
from drillbook.analysis.sequential.bursts import Usual, group_size
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.sequential.evidence import HIGHER, LOWER, log_evidence
from drillbook.analysis.sequential.judging import (
    Test as Question,
)
from drillbook.analysis.sequential.judging import (
    is_harmless,
    is_worse,
    log_worse,
    needed_for_pass,
    probes_weight,
)
from drillbook.analysis.sequential.latency import limits, log_slower, quantiles
from drillbook.analysis.sequential.request import Request
from drillbook.analysis.sequential.stream import Stream

shares = st.floats(0.0005, 0.9995)


def binomial(trials: int, hits: int, share: float) -> float:
    return comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.data(), shares)
def test_the_tails_are_those_of_the_binomial(
    trials: int, data: st.DataObject, share: float
) -> None:
    hits = data.draw(st.integers(0, trials))

    assert exp(log_at_least(hits, trials, share)) == pytest.approx(
        binomial_tail(hits, trials, share), rel=1e-6, abs=1e-12
    )
    assert exp(log_at_most(hits, trials, share)) == pytest.approx(
        1 - binomial_tail(hits + 1, trials, share), rel=1e-6, abs=1e-12
    )


@given(shares, st.sampled_from([HIGHER, LOWER]))
def test_one_request_multiplies_the_evidence_by_one_on_average(
    share: float, ratios: tuple[float, ...]
) -> None:
    hit, miss = (log_evidence(Counts(1, k), share, ratios) for k in (1, 0))

    assert share * exp(hit) + (1 - share) * exp(miss) == pytest.approx(1)


@pytest.mark.parametrize(
    ("before", "share"), [(3, 0.1), (20, 0.01), (20, 0.35), (24, 0.8), (24, 1.0)]
)
def test_with_an_unknown_baseline_the_e_values_have_a_mean_of_at_most_one(
    before: int, share: float
) -> None:
    after = 12
    worse = harmless = 0.0
    harm = harmful(share)
    for k0 in range(before + 1):
        known, likely = Before(Counts(before, k0)), binomial(before, k0, share)
        if likely < 1e-7:
            continue
        for k1 in range(after + 1):
            counts = Counts(after, k1)
            worse += likely * binomial(after, k1, share) * exp(known.log_higher(counts))
            harmless += likely * binomial(after, k1, harm) * exp(known.log_harmless(counts))

    assert 0 < worse <= 1
    assert 0 < harmless <= 1


def test_however_often_one_looks_the_bound_holds() -> None:
    """Exact: the chance ever to reach 5 within 16 looks, over all that may come before."""
    share, before, after, bound = 0.2, 20, 16, log(5)
    ever = 0.0
    for k0 in range(before + 1):
        known, likely = Before(Counts(before, k0)), binomial(before, k0, share)
        if likely < 1e-4:
            ever += likely
            continue
        alive = {0: 1.0}
        for n in range(1, after + 1):
            moved: dict[int, float] = {}
            for k, chance in alive.items():
                moved[k] = moved.get(k, 0.0) + chance * (1 - share)
                moved[k + 1] = moved.get(k + 1, 0.0) + chance * share
            least = next(
                (k for k in sorted(moved) if known.log_higher(Counts(n, k)) >= bound), n + 1
            )
            ever += likely * sum(chance for k, chance in moved.items() if k >= least)
            alive = {k: chance for k, chance in moved.items() if k < least}

    assert 0 < ever <= 1 / 5


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 400), st.data())
def test_more_errors_are_more_evidence_and_more_good_requests_less(
    trials: int, data: st.DataObject
) -> None:
    before = Before(Counts(trials, data.draw(st.integers(0, trials))))
    hits = data.draw(st.integers(0, 30))
    more = hits + data.draw(st.integers(0, 10))

    assert before.log_higher(Counts(50, more)) >= before.log_higher(Counts(50, hits)) - 1e-9
    assert before.log_higher(Counts(90, hits)) <= before.log_higher(Counts(50, hits)) + 1e-9
    assert before.log_harmless(Counts(50, more)) <= before.log_harmless(Counts(50, hits)) + 1e-9


def test_a_longer_time_before_lets_less_suffice() -> None:
    after = Counts(100, 8)
    found = [Before(Counts(n, n / 100)).log_higher(after) for n in (0, 100, 1000, 10_000, 100_000)]

    assert found == sorted(found)
    assert is_worse(found[-1])
    assert not is_worse(found[1])


def test_nothing_known_before_fails_only_what_mostly_fails() -> None:
    nothing = Before(Counts())

    assert is_worse(nothing.log_higher(Counts(20, 20)))
    assert not is_worse(nothing.log_higher(Counts(1000, 300)))
    assert is_harmless([nothing.log_harmless(Counts(1000, 0))])


@pytest.mark.parametrize("share", [1.0, 0.9])
def test_an_app_that_always_failed_is_not_called_worse(share: float) -> None:
    before = Before(Counts(200, 200 * share))

    assert not is_worse(before.log_higher(Counts(500, 500 * share)))


def test_harm_is_threefold_odds_and_at_least_a_hundredth() -> None:
    assert harmful(0.0) == pytest.approx(0.01)
    assert harmful(0.1) == pytest.approx(0.25)
    assert harmful(1.0) == 1.0
    assert all(harmful(n / 100) <= harmful((n + 1) / 100) for n in range(100))


def test_counts_that_cannot_be_are_refused_and_parts_add_up() -> None:
    with pytest.raises(ValueError, match="cannot be"):
        Counts(1, 2)
    assert Counts(3, 1) + Counts(4, 2) == Counts(7, 3)
    assert Counts().share is None


@pytest.mark.parametrize("sizes", [(4, 6), (12, 2), (1, 9)])
def test_side_by_side_the_evidence_has_a_mean_of_at_most_one_for_any_shares(
    sizes: tuple[int, int],
) -> None:
    old, new = sizes
    for share in (0.1, 0.6):
        mean = sum(
            binomial(old, a, share)
            * binomial(new, b, share)
            * exp(log_higher_beside([Pair(Counts(old, a), Counts(new, b))]))
            for a in range(old + 1)
            for b in range(new + 1)
        )
        assert 0 < mean <= 1 + 1e-12


def test_side_by_side_a_share_that_drifts_for_both_is_no_news_and_one_for_the_new_is() -> None:
    chance = random.Random(3)
    both, one = [], []
    for minute in range(120):
        share = 0.01 + 0.2 * (minute % 40 > 30)
        old, hits, bad = (sum(chance.random() < s for _ in range(10)) for s in (share, share, 0.15))
        both.append(Pair(Counts(10, old), Counts(10, hits)))
        one.append(
            Pair(Counts(10, sum(chance.random() < 0.01 for _ in range(10))), Counts(10, bad))
        )

    assert not is_worse(log_higher_beside(both))
    assert is_worse(log_higher_beside(one))
    assert is_harmless([log_harmless_beside(Counts(5000, 25), Counts(5000, 25))])
    assert not is_harmless([log_harmless_beside(Counts(5000, 25), Counts(5000, 250))])


def test_side_by_side_one_clients_burst_counts_as_a_few_errors() -> None:
    burst = [Pair(Counts(30, 0), Counts(30, 20))]

    assert not is_worse(log_higher_beside(burst))


def test_slower_within_the_tolerance_is_borne_and_beyond_it_found() -> None:
    chance = random.Random(5)
    before = [chance.lognormvariate(4, 0.8) for _ in range(2000)]
    found = limits(before)

    def slower(times: float) -> float:
        after = [times * chance.lognormvariate(4, 0.8) for _ in range(300)]
        return log_slower(found, [limit.count(after) for limit in found])

    assert not is_worse(slower(1.0))
    assert not is_worse(slower(1.4))
    assert is_worse(slower(3.0))


def test_one_path_of_ten_that_became_slow_is_found() -> None:
    chance = random.Random(6)
    found = limits([chance.lognormvariate(3, 0.3) for _ in range(3000)])
    after = [chance.lognormvariate(3, 0.3) + 2000 * (chance.random() < 0.1) for _ in range(600)]

    assert is_worse(log_slower(found, [limit.count(after) for limit in found]))


def test_latency_of_whole_milliseconds_and_too_few_times_are_borne() -> None:
    found = limits([2.0] * 500 + [3.0] * 20)

    assert not is_worse(log_slower(found, [limit.count([3.0] * 400) for limit in found]))
    assert limits([1.0] * 10) == ()
    assert quantiles([]) == ()
    assert quantiles([1.0, 2.0, 3.0]) == (2.0, 3.0, 3.0)


def test_independent_errors_look_alone_and_bursts_as_large_as_they_are() -> None:
    chance = random.Random(7)
    alone = [Counts(10, sum(chance.random() < 0.01 for _ in range(10))) for _ in range(4000)]
    bursts = [Counts(10, 8 if chance.random() < 0.01 else 0) for _ in range(4000)]

    assert group_size(alone) < 1.2
    assert 4 < group_size(bursts) < 12
    assert group_size([]) == 1
    assert group_size([Counts(10, 10)] * 50) == 1


def test_only_the_worst_blocks_are_cut_to_what_a_burst_may_count() -> None:
    usual = Usual(0.001)
    burst, lasting = [Counts(10, 10)] * 2 + [Counts(10, 0)] * 20, [Counts(10, 10)] * 9

    assert usual.capped(burst, 3).hits < 3
    assert usual.capped(burst, 0).hits == 20
    assert usual.capped(lasting, 3).hits > 60
    assert usual.capped(lasting, 3).trials == 90


def requests(
    chance: random.Random, count: int, share: float, first: float, every: float = 1.0
) -> list[Request]:
    return [
        Request(first + n * every, chance.random() < share, chance.lognormvariate(3, 0.5))
        for n in range(count)
    ]


def test_a_stream_judges_the_same_requests_alike_in_any_order() -> None:
    chance = random.Random(8)
    stream = Stream(requests(chance, 4000, 0.01, -40_000, 10))
    after = requests(chance, 300, 0.05, 0)
    mixed = chance.sample(after, len(after))

    assert stream.look(after) == stream.look(mixed)
    assert is_worse(log_worse(stream.look(after).tests))


def test_an_outage_of_half_a_minute_decides_less_than_a_lasting_one() -> None:
    chance = random.Random(9)
    stream = Stream(requests(chance, 4000, 0.002, -40_000, 10))
    good = requests(chance, 600, 0.0, 0)
    short = [Request(r.at, 300 <= r.at < 320) for r in good]
    lasting = [Request(r.at, 300 <= r.at < 420) for r in good]

    assert not is_worse(stream.look(short).error_test.log_worse)
    assert is_worse(stream.look(lasting).error_test.log_worse)


def test_slowness_while_far_busier_than_before_is_no_evidence() -> None:
    chance = random.Random(10)
    stream = Stream(requests(chance, 1000, 0.0, -10_000, 10))
    slow = [Request(r.at, False, 4000.0) for r in requests(chance, 200, 0.0, 0)]

    assert is_worse(log_worse(stream.look(slow).tests))
    assert not is_worse(log_worse(stream.look(slow, calm=[]).tests))


def test_the_requests_still_needed_are_those_a_simulation_needs() -> None:
    before = Before(Counts(20_000, 100))
    told = needed_for_pass(before, Counts())
    assert told is not None
    found = []
    for seed in range(9):
        chance, counts = random.Random(seed), Counts()
        while not is_harmless([before.log_harmless(counts)]) and counts.trials < 10 * told:
            counts = counts + Counts(50, sum(chance.random() < 0.005 for _ in range(50)))
        found.append(counts.trials)

    assert 0.5 * told < sorted(found)[4] < 2 * told


def test_no_number_of_requests_helps_where_the_time_before_is_too_short() -> None:
    assert needed_for_pass(Before(Counts(20, 10)), Counts()) is None


def test_the_evidence_of_several_questions_is_their_weighted_mean() -> None:
    tests = [Question(0.9, log(10), 0.0), Question(0.1, log(1000), 0.0)]

    assert exp(log_worse(tests)) == pytest.approx(0.9 * 10 + 0.1 * 1000)
    assert log_worse([]) == 0
    assert not is_harmless([])
    assert [probes_weight(p, u) for p, u in ((0, 5), (60, 60), (118, 2))] == [0, 0.5, 0.8]
