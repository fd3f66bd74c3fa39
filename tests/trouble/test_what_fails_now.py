"""What fails now is found though other outages lie in the same window."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from culprit.scenes import NOW, START, Spoils, fails, felt, requests
from drillbook.analysis.culprit.kinds import Kinds
from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.culprit.scene import Badness
from drillbook.analysis.culprit.trouble import find_trouble

AN_OUTAGE_AGO = timedelta(seconds=150)


def after_an_outage(now_fails: Spoils, *, since: float, message: str = "") -> list[Request]:
    """Everybody fails for a minute, all is well for a minute, then something else fails."""

    def spoil(one: Request, number: int) -> Request:
        ago = NOW.timestamp() - one.at
        if 90 < ago <= 150:
            return replace(one, status=500, message=message)
        return now_fails(one, number) if ago <= since else one

    return requests(spoil, began=NOW - AN_OUTAGE_AGO, every=0.2)


def test_the_first_failures_on_one_route_are_seen_in_a_log_without_words() -> None:
    users = after_an_outage(fails("", on="pay", one_in=2), since=8)

    trouble = felt(users).trouble

    assert trouble is not None
    assert trouble.kinds[0] is Badness.FAILED
    assert NOW.timestamp() - 12 < trouble.onset.at < NOW.timestamp() - 4
    assert {one.route for one in trouble.bad} == {"POST /api/orders/*/pay"}


def test_what_is_over_is_not_taken_for_more_of_a_single_failure_now() -> None:
    once = iter((True,))

    def spoil(one: Request, _: int) -> Request:
        return replace(one, status=500) if "pay" in one.route and next(once, False) else one

    assert felt(after_an_outage(spoil, since=3)).trouble is None


def test_failures_of_one_new_kind_do_not_take_in_the_words_of_one_that_is_over() -> None:
    users = after_an_outage(
        fails("MAIL_KEY is not set", on="pay"), since=10, message="connection refused"
    )

    trouble = felt(users).trouble

    assert trouble is not None
    assert {one.message for one in trouble.bad} == {"MAIL_KEY is not set"}
    assert trouble.onset.earliest > NOW.timestamp() - 60


def test_a_health_check_dates_its_own_trouble_and_not_the_outage_before() -> None:
    def at(ago: float, status: int) -> Request:
        return Request(NOW.timestamp() - ago, status, "GET /health", milliseconds=5.0)

    def status_of(ago: int) -> int:
        return 503 if 300 < ago <= 360 else 500 if ago <= 30 else 200

    health = [at(ago, status_of(ago)) for ago in range(1195, 0, -5)]

    found = find_trouble(requests(), NOW.timestamp(), START.timestamp(), health=health)

    assert found.trouble is not None
    assert found.trouble.kinds == (Badness.UNHEALTHY,)
    assert abs(found.trouble.onset.at - (NOW.timestamp() - 30)) < 10
    assert {one.status for one in found.trouble.bad} == {500}


def test_a_few_slow_answers_among_very_many_are_a_machines_hiccups() -> None:
    def hiccup(one: Request, number: int) -> Request:
        return replace(one, milliseconds=400.0) if number % 50 == 0 else one

    assert felt(requests(hiccup, every=0.2)).trouble is None


def test_one_slow_route_is_seen_among_the_hiccups_of_others_and_dated_by_itself() -> None:
    def spoil(one: Request, number: int) -> Request:
        ago = NOW.timestamp() - one.at
        if "pay" in one.route:
            return replace(one, milliseconds=4000.0) if ago <= 12 else one
        return replace(one, milliseconds=500.0) if ago <= 90 and number % 29 == 0 else one

    trouble = felt(requests(spoil, began=START, every=0.2)).trouble

    assert trouble is not None
    assert trouble.kinds == (Badness.SLOW,)
    assert {one.route for one in trouble.bad} == {"POST /api/orders/*/pay"}
    assert NOW.timestamp() - 20 < trouble.onset.earliest <= trouble.onset.latest
    assert trouble.onset.latest < NOW.timestamp() - 8


FIRST = ("Anna", "Ben", "Cem", "Dora", "Emil", "Finn", "Gerd", "Hans", "Ida", "Jan")
LAST = ("Meier", "Schulz", "Wolf", "Kurz", "Lang", "Ott", "Paul", "Quast", "Rau", "Sommer")


def of_ids(number: int) -> str:
    return f"booking {UUID(int=number * 2**96 + number * 7919)} cannot be priced"


def of_people(number: int) -> str:
    return f"no price for {FIRST[number % 10]} {LAST[number // 10 % 10]}"


def whose_names_come_first(number: int) -> str:
    return f"{FIRST[number % 10]} {LAST[number // 10 % 10]} has no price"


@pytest.mark.parametrize("says", [of_ids, of_people, whose_names_come_first])
def test_failures_that_each_name_another_thing_are_of_one_kind(
    says: Callable[[int], str],
) -> None:
    def spoil(one: Request, number: int) -> Request:
        return replace(one, status=500, message=says(number // 10)) if number % 10 == 0 else one

    began = NOW - timedelta(seconds=400)
    users = requests(spoil, began=began, every=0.5)

    trouble = felt(users).trouble

    assert trouble is not None
    assert abs(trouble.onset.at - began.timestamp()) < 15
    assert len(trouble.bad) == sum(one.failed for one in users) == 80


def test_an_older_outage_whose_words_each_differ_lends_its_time_to_no_other() -> None:
    number = count()

    def spoil(one: Request, _: int) -> Request:
        ago = NOW.timestamp() - one.at
        if 200 < ago <= 260:
            return replace(one, status=500, message=of_people(next(number)))
        return replace(one, status=500, message="till is locked") if ago <= 10 else one

    trouble = felt(requests(spoil, began=START, every=0.2)).trouble

    assert trouble is not None
    assert {one.message for one in trouble.bad} == {"till is locked"}
    assert trouble.onset.earliest > NOW.timestamp() - 20


def test_few_kinds_are_told_apart_however_many_words_and_names_there_are() -> None:
    letters = [a + b + c for a in "abcdefghij" for b in "abcdefghij" for c in "abcdefghij"]
    bad = [Request(0.0, 500, "GET /", message=f"{one} is away") for one in letters]
    bad += [Request(0.0, 500, "GET /", message=f"no {one} here: {two}")
            for one in letters[:3] for two in letters]  # fmt: skip
    bad += [Request(0.0, 500, "GET /", message=f'column "{one}" does not exist') for one in letters]

    known = Kinds(bad)

    assert len({known.of(one) for one in bad}) <= 3
