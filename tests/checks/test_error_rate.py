from math import comb

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.error_rate import (
    binomial_tail,
    fisher_tail,
    is_more_often,
    is_raised,
    is_too_quiet,
)


@pytest.mark.parametrize(
    ("errors", "requests", "before_errors", "before_requests", "raised"),
    [
        (0, 50, 0, 1000, False),
        (1, 10, 0, 100, False),  # one error of ten is chance
        (2, 10, 0, 100, True),
        (2, 10, 0, 10, False),  # the time before is too short to know
        (10, 10, 0, 10, True),
        (60, 1000, 55, 1000, False),  # six of a hundred, as ever
        (60, 1000, 20, 1000, True),
        (1, 1, 0, 0, False),
        (3, 5, 0, 0, True),
        (30_000, 1_000_000, 1_000, 1_000_000, True),
    ],
)
def test_errors_are_raised_only_when_chance_does_not_explain_them(
    errors: int, requests: int, before_errors: int, before_requests: int, raised: bool
) -> None:
    assert is_raised(errors, requests, before_errors, before_requests) is raised


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 40), st.integers(0, 40), st.integers(1, 40), st.integers(0, 40))
def test_fisher_is_what_counting_all_ways_gives(n: int, k: int, m: int, j: int) -> None:
    k, j = min(k, n), min(j, m)
    ways = sum(comb(k + j, x) * comb(n + m - k - j, n - x) for x in range(k, min(k + j, n) + 1))

    assert fisher_tail(k, n, j, m) == pytest.approx(ways / comb(n + m, n), abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 30), st.integers(0, 30), st.floats(0.0, 1.0))
def test_a_tail_is_what_adding_up_gives(at_least: int, trials: int, share: float) -> None:
    added = sum(
        comb(trials, hits) * share**hits * (1 - share) ** (trials - hits)
        for hits in range(at_least, trials + 1)
    )
    if at_least == 0 or share < 1.0:
        assert binomial_tail(at_least, trials, share) == pytest.approx(added, abs=1e-9)


def test_lines_are_more_often_only_by_their_time() -> None:
    assert not is_more_often(1, 10.0, 60, 600.0)
    assert is_more_often(8, 10.0, 60, 600.0)
    assert not is_more_often(0, 10.0, 0, 600.0)


def test_silence_counts_when_enough_was_expected() -> None:
    assert is_too_quiet(20.0, 0)
    assert not is_too_quiet(2.0, 0)
    assert not is_too_quiet(20.0, 1)
