"""What counters grew by: restarts, counters born late, and silences."""

from hypothesis import given
from hypothesis import strategies as st

from drillbook.providers.prometheus.counters import increases


def test_a_counter_that_started_anew_counts_from_nothing() -> None:
    assert increases([{0: 90, 1: 95, 2: 3, 3: 4}], 4, range(4)) == {1: 5, 2: 3, 3: 1}


def test_a_counter_born_with_the_first_error_counts_it() -> None:
    requests = {0: 100.0, 1: 110.0, 2: 120.0}

    assert increases([{2: 4.0}], 3, requests) == {1: 0, 2: 4}


def test_what_appears_after_a_silence_is_no_burst_and_the_silence_is_not_nothing() -> None:
    grown = increases([{0: 10, 1: 11, 4: 900, 5: 905}, {4: 7, 5: 8}], 6, (0, 1, 4, 5))

    assert grown == {1: 1, 5: 6}


def test_a_series_missed_by_one_look_loses_nothing() -> None:
    assert increases([{0: 1, 2: 7}, {0: 0, 1: 0, 2: 0}], 3, range(3)) == {1: 0, 2: 6}


@given(st.lists(st.lists(st.integers(0, 50), min_size=5, max_size=5), min_size=1, max_size=4))
def test_without_restarts_and_gaps_the_parts_are_the_whole(steps: list[list[int]]) -> None:
    series = [
        {number: float(sum(many[: number + 1])) for number in range(len(many))} for many in steps
    ]

    grown = increases(series, 5, range(5))

    assert sum(grown.values()) == sum(one[4] - one[0] for one in series)
    assert all(growth >= 0 for growth in grown.values())
