"""find_onset on streams whose truth is known."""

from functools import cache
from random import Random

import pytest

from drillbook.analysis.onset import (
    Dated,
    Onset,
    Stream,
    attribute,
    find_onset,
    find_onset_of_counts,
    find_silence,
    slow_from,
)
from drillbook.core.incident import ChangeKind

HOUR = 3600.0


def chance(seed: int) -> Random:
    return Random(seed)  # noqa: S311 - chance that can be played again, no secret


def requests(
    seed: int, a_minute: float, shares: list[tuple[float, float]], until: float = HOUR
) -> tuple[list[float], list[bool]]:
    """Return times and what failed; `shares` are (from, share of failures), by time."""
    random = chance(seed)
    times, bad, at = [], [], 0.0
    while (at := at + random.expovariate(a_minute / 60.0)) < until:
        share = next(share for begin, share in reversed(shares) if at >= begin)
        times.append(at)
        bad.append(random.random() < share)
    return times, bad


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("after", [1.0, 0.1])
def test_a_change_among_ten_requests_a_second_is_found_within_seconds(
    seed: int, after: float
) -> None:
    times, bad = requests(seed, 600, [(0, 0.005), (3000, after)])

    onset = find_onset(times, bad, HOUR)

    assert onset is not None
    assert abs(onset.at - 3000) < 20
    assert onset.earliest <= onset.at <= onset.latest
    assert onset.after.share == pytest.approx(after, rel=0.2)
    assert onset.before.bad + onset.after.bad == sum(bad)


def test_requests_that_fail_as_before_have_no_onset() -> None:
    found = [find_onset(*requests(seed, 20, [(0, 0.02)]), HOUR) for seed in range(6)]

    assert all(onset is None or onset.probability < 0.5 for onset in found)


def test_an_earlier_trouble_mended_a_minute_ago_is_not_the_onset() -> None:
    times, bad = requests(5, 120, [(0, 0.01), (2000, 0.8), (3240, 0.01), (3300, 0.5)])

    onset = find_onset(times, bad, HOUR)

    assert onset is not None
    assert abs(onset.at - 3300) < 20
    assert onset.before.share < 0.05


def test_a_trouble_that_is_over_has_no_onset() -> None:
    times, bad = requests(6, 60, [(0, 0.01), (2400, 0.9), (3000, 0.01)])

    assert find_onset(times, bad, HOUR) is None


def test_a_spike_of_seconds_before_is_not_the_onset() -> None:
    times, bad = requests(7, 300, [(0, 0.002), (3200, 0.9), (3210, 0.002), (3480, 0.3)])

    onset = find_onset(times, bad, HOUR)

    assert onset is not None
    assert abs(onset.at - 3480) < 15


def test_own_probes_find_what_two_requests_a_minute_leave_open() -> None:
    times, bad = requests(8, 2, [(0, 0.0), (3300, 1.0)])
    probes = Stream([i * 5.0 for i in range(720)], [i * 5.0 >= 3300 for i in range(720)])

    alone = find_onset(times, bad, HOUR)
    both = find_onset(times, bad, HOUR, probes=probes)

    assert alone is not None
    assert both is not None
    assert alone.earliest <= 3300 <= alone.latest
    assert abs(both.at - 3300) <= 5
    assert both.latest - both.earliest < alone.latest - alone.earliest
    assert (both.probes_after.bad, both.probes_after.all) == (60, 60)


def test_probes_that_ask_only_what_still_works_hide_nothing() -> None:
    times, bad = requests(9, 120, [(0, 0.01), (3000, 0.2)])
    probes = Stream([i * 10.0 for i in range(360)], [False] * 360)

    onset = find_onset(times, bad, HOUR, probes=probes)

    assert onset is not None
    assert abs(onset.at - 3000) < 60


def test_a_leak_begins_before_it_is_everywhere() -> None:
    ramp = [(2400 + i * 10, min(1.0, i / 60)) for i in range(120)]
    times, bad = requests(10, 300, [(0, 0.005), *ramp])

    onset = find_onset(times, bad, HOUR)

    assert onset is not None
    assert abs(onset.at - 2400) < 60


def test_lines_that_only_errors_write_have_an_onset_without_a_denominator() -> None:
    random = chance(11)
    usual = sorted(random.uniform(0, HOUR) for _ in range(20))
    since = sorted(random.uniform(3200, HOUR) for _ in range(60))

    onset = find_onset_of_counts(sorted([*usual, *since]), HOUR, start=0.0)

    assert onset is not None
    assert abs(onset.at - 3200) < 30
    assert onset.before.all == 0
    assert onset.after.a_minute > 5 * onset.before.a_minute


def test_no_requests_give_no_onset_but_a_silence() -> None:
    times, bad = requests(12, 30, [(0, 0.0)], until=3000)

    silence = find_silence(times, HOUR)

    assert find_onset([], [], HOUR) is None
    assert find_onset(times, bad, HOUR) is None
    assert silence is not None
    assert silence.since == times[-1]
    assert silence.expected == pytest.approx(300, rel=0.2)
    assert find_silence(times, 3010.0) is None


def test_slower_answers_have_an_onset_too() -> None:
    random = chance(13)
    times, _ = requests(13, 60, [(0, 0.0)])
    took = [random.lognormvariate(4, 0.6) * (4 if at >= 3000 else 1) for at in times]

    limit = slow_from(took)
    assert limit is not None
    found = find_onset(times, [each > limit for each in took], HOUR)

    assert found is not None
    assert abs(found.at - 3000) < 30
    same = [random.lognormvariate(4, 0.6) for _ in times]
    limit = slow_from(same)
    assert limit is not None
    assert find_onset(times, [each > limit for each in same], HOUR) is None


def test_times_out_of_order_are_put_in_order() -> None:
    times, bad = requests(14, 60, [(0, 0.01), (3000, 0.7)])
    pairs = list(zip(times, bad, strict=True))
    chance(1).shuffle(pairs)

    mixed = find_onset([at for at, _ in pairs], [failed for _, failed in pairs], HOUR)

    assert mixed == find_onset(times, bad, HOUR)


def test_a_time_without_a_verdict_is_refused() -> None:
    with pytest.raises(ValueError, match="2 times and 1 of what was seen"):
        find_onset([1.0, 2.0], [True], 3.0)


@cache
def a_sharp_onset() -> Onset:
    times, bad = requests(15, 300, [(0, 0.005), (3000, 0.6)])
    onset = find_onset(times, bad, HOUR)
    assert onset is not None
    return onset


def test_the_release_that_was_switched_on_is_named_not_those_minutes_before() -> None:
    deployed = [Dated(ChangeKind.DEPLOYMENT, at) for at in (600.0, 2400.0, 2995.0)]

    found = attribute(a_sharp_onset(), deployed)

    assert found.best == 2
    assert found.shares[2] > 0.95
    assert sum(found.shares) + found.none == pytest.approx(1.0)


def test_a_release_long_before_or_after_is_not_named() -> None:
    onset = a_sharp_onset()

    found = attribute(onset, [Dated(ChangeKind.DEPLOYMENT, at) for at in (1200.0, 3100.0)])

    assert found.best is None
    assert found.none > 0.5
    assert found.at == pytest.approx(onset.at, abs=1)
    assert attribute(onset, []).none == 1.0


def test_two_changes_seconds_apart_are_alike_until_something_else_speaks() -> None:
    release, limit = Dated(ChangeKind.DEPLOYMENT, 2996.0), Dated(ChangeKind.MIGRATION, 2992.0)

    by_time = attribute(a_sharp_onset(), [release, limit])
    more = Dated(ChangeKind.MIGRATION, 2992.0, log_weight=6.0)
    by_both = attribute(a_sharp_onset(), [release, more])

    assert (by_time.best, by_time.alike) == (None, (0, 1))
    assert by_both.best == 1


def test_a_change_known_to_an_interval_counts_as_spread_over_it() -> None:
    onset = a_sharp_onset()
    known = attribute(onset, [Dated(ChangeKind.VALUE, 2998.0)])
    spread = attribute(onset, [Dated(ChangeKind.VALUE, 2998.0, not_before=2998.0 - 1800)])

    assert spread.shares[0] < known.shares[0]
    assert spread.none > known.none


def test_an_incident_that_a_platform_posts_late_may_still_be_the_cause() -> None:
    late = attribute(a_sharp_onset(), [Dated(ChangeKind.PLATFORM, 3400.0)])
    deployed_late = attribute(a_sharp_onset(), [Dated(ChangeKind.DEPLOYMENT, 3400.0)])

    assert late.shares[0] > 0.7
    assert deployed_late.shares[0] < 0.001
