"""From times on a copy to times in production, computed."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.forecast import (
    Kept,
    Ran,
    Span,
    compare,
    count_says,
    factor_of,
    forecast,
    growth_of,
    in_production,
    joined,
    seconds_says,
)
from drillbook.core.rehearsal import Growth, Observed, TableForecast

times = st.floats(min_value=0, max_value=1000, allow_nan=False)
spans = st.builds(lambda a, b: Span(min(a, b), max(a, b)), times, times)


def test_each_part_of_a_wait_grows_as_the_statement_it_waited_for() -> None:
    wait = Span(1.0, 4.0)
    ran = [Ran(Span(0.0, 2.0), factor=1.0), Ran(Span(2.0, 4.0), factor=10.0)]

    assert in_production(wait, ran) == 1.0 + 20.0


def test_time_between_statements_is_ours_and_does_not_count() -> None:
    assert in_production(Span(0.0, 9.0), [Ran(Span(1.0, 2.0), 1.0)]) == 1.0


def test_a_short_lock_of_a_long_statement_in_phases_does_not_grow() -> None:
    phases = [Ran(Span(0.0, 10.0), factor=10.0, in_phases=True)]

    assert in_production(Span(4.0, 5.0), phases) == 1.0
    assert in_production(Span(0.0, 10.0), phases) == 100.0


def test_the_factor_is_weighed_by_the_work_on_each_table() -> None:
    copied, production = {"a": 1000, "b": 1000}, {"a": 10_000, "b": 1000}

    assert factor_of({"a": 5000, "b": 5000}, copied, production) == 5.5
    assert factor_of({"a": 999}, copied, production) == 1.0
    assert factor_of({"unknown": 5000}, copied, production) == 1.0


def test_growth_is_one_of_three_classes() -> None:
    assert growth_of({"a": 10}, blocks=True) is Growth.CONSTANT
    assert growth_of({"a": 5000}, blocks=True) is Growth.BLOCKING
    assert growth_of({"a": 5000}, blocks=False) is Growth.FREE


def test_a_forecast_says_the_worst_first_and_how_many_rows() -> None:
    found = forecast(
        [Ran(Span(0.0, 1.0), 10.0, pace=0.74)],
        [
            Kept("payments", reads=(), writes=(Span(0.5, 1.0),)),
            Kept("bookings", reads=(Span(0.0, 1.0),), writes=(Span(0.0, 1.0),)),
        ],
        {"bookings": 2_100_000},
        rows_rewritten=2_100_000,
        scale=10,
    )

    assert found.dangerous
    assert found.blocked_seconds == 7.4
    assert found.says == (
        "reads of bookings blocked 7.4 s, writes 7.4 s; writes of payments blocked 3.7 s; "
        "2.1 M rows rewritten"
    )


def test_what_is_shorter_than_the_threshold_is_not_dangerous() -> None:
    kept = [Kept("bookings", reads=(), writes=(Span(0.0, 0.05),))]
    ran = [Ran(Span(0.0, 1.0), 1.0)]

    assert not forecast(ran, kept, {}).dangerous
    assert forecast(ran, kept, {}, threshold_seconds=0.05).dangerous
    assert forecast(ran, kept, {}).says == "nobody waits longer than 50 ms"


def test_a_forecast_holds_until_a_wait_is_twice_as_long() -> None:
    foretold = forecast([Ran(Span(0.0, 1.0), 1.0)], [Kept("bookings", (Span(0.0, 1.0),), ())], {})

    def shown(seconds: float) -> Observed:
        table = TableForecast(table="bookings", reads_seconds=seconds, writes_seconds=0)
        return Observed(seconds=seconds, tables=(table,))

    assert compare(foretold, shown(1.9)).held
    assert compare(foretold, shown(0.2)).held
    late = compare(foretold, shown(2.1))
    assert not late.held
    assert "bookings was foretold 1.0 s and waited 2.1 s" in late.says


def test_numbers_are_said_as_people_say_them() -> None:
    assert [seconds_says(s) for s in (0.0352, 7.42, 1234)] == ["35 ms", "7.4 s", "1,234 s"]
    assert [count_says(n) for n in (1284, 2_100_000)] == ["1,284", "2.1 M"]


@given(st.lists(spans, max_size=8))
def test_joined_spans_cover_the_same_and_do_not_overlap(found: list[Span]) -> None:
    whole = joined(found)

    assert all(a.end < b.start for a, b in itertools.pairwise(whole))
    assert all(any(w.start <= s.start and s.end <= w.end for w in whole) for s in found)


@given(spans, st.lists(st.builds(Ran, spans, st.floats(min_value=0, max_value=100)), max_size=5))
def test_a_wait_grows_with_the_pace_of_production(wait: Span, ran: list[Ran]) -> None:
    twice = [Ran(one.span, one.factor, pace=2.0) for one in ran]

    assert abs(in_production(wait, twice) - 2 * in_production(wait, ran)) < 1e-6
