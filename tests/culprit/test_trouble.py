"""What users feel, and what only looks like it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from culprit.scenes import BEGAN, NOW, fails, felt, requests
from drillbook.analysis.culprit.requests import Request, folded, route_of
from drillbook.analysis.culprit.scene import Badness


def beside(
    status: int, route: str, *, user: str = "", address: str, every: float = 0.3
) -> list[Request]:
    """Requests of somebody who comes on top of all others, for the last minute."""
    count = int((NOW - BEGAN).total_seconds() / every)
    return [
        Request(at=BEGAN.timestamp() + number * every, status=status, route=route, user=user,
                address=address, milliseconds=5.0)
        for number in range(count)
    ]  # fmt: skip


def together(*several: list[Request]) -> list[Request]:
    return sorted((one for each in several for one in each), key=lambda one: one.at)


def test_failures_on_one_route_are_felt_since_they_began() -> None:
    trouble = felt(requests(fails("oops", on="orders", one_in=3))).trouble

    assert trouble is not None
    assert trouble.kinds == (Badness.FAILED,)
    assert abs(trouble.onset.at - BEGAN.timestamp()) < 15
    assert trouble.onset.earliest <= BEGAN.timestamp() + 3


def test_slow_answers_are_felt_where_they_are_long() -> None:
    slow = requests(lambda one, _: replace(one, milliseconds=4000.0))
    quick = requests(lambda one, _: replace(one, milliseconds=60.0))

    trouble = felt(slow).trouble

    assert trouble is not None
    assert trouble.kinds == (Badness.SLOW,)
    assert felt(quick).trouble is None


def test_nobody_answered_is_felt_though_nothing_is_logged() -> None:
    until = [one for one in requests() if one.at < BEGAN.timestamp()]
    door = [Request(at=NOW.timestamp(), status=0, route="own probe")] * 3

    trouble = felt(until, door).trouble

    assert trouble is not None
    assert trouble.kinds == (Badness.SILENT,)
    assert felt(until, [replace(door[0], status=200)] * 3).trouble is None


def test_everybody_refused_is_felt() -> None:
    trouble = felt(requests(fails("the token is not yet valid", status=401))).trouble

    assert trouble is not None
    assert trouble.kinds == (Badness.REFUSED,)


UNFELT = {
    "a scanner's 404s": beside(404, "GET /wp-login.php", address="203.0.113.9"),
    "one client's bad token": beside(401, "GET /api/list", address="203.0.113.8"),
    "wrong passwords for one user": beside(401, "POST /api/login", address="203.0.113.7"),
    "a partner's nonsense": beside(400, "POST /api/orders", address="203.0.113.6"),
    "one stranger whom the app fails": beside(500, "POST /api/odd", address="203.0.113.5"),
    "one stranger who is limited": beside(429, "GET /api/list", address="203.0.113.4"),
}


@pytest.mark.parametrize("case", UNFELT)
def test_what_comes_on_top_and_hurts_nobody_else_is_not_felt(case: str) -> None:
    found = felt(together(requests(), UNFELT[case]))

    assert found.trouble is None, found.says


def test_many_more_users_who_are_answered_are_no_trouble() -> None:
    crowd = [
        replace(one, at=one.at + part / 10, user=f"new{part}", address=f"10.1.0.{part}")
        for part in range(8)
        for one in requests()
        if one.at >= BEGAN.timestamp()
    ]

    assert felt(together(requests(), crowd)).trouble is None


def test_one_failure_among_few_requests_is_no_trouble() -> None:
    few = requests(every=20.0)

    assert felt([*few[:-2], replace(few[-2], status=503), few[-1]]).trouble is None


def test_what_failed_as_often_before_is_no_trouble() -> None:
    usual = requests(fails("conflict", one_in=40), began=NOW - timedelta(hours=1))

    assert felt(usual).trouble is None


def test_an_incident_that_is_over_is_no_trouble() -> None:
    ended = (BEGAN - timedelta(seconds=60)).timestamp()

    def spoil(one: Request, _: int) -> Request:
        return replace(one, status=500) if one.at < ended else one

    assert felt(requests(spoil, began=BEGAN - timedelta(seconds=120))).trouble is None


def test_two_incidents_of_different_kinds_do_not_lend_each_other_their_time() -> None:
    first, second = fails("the mail service answers 503", on="pay"), fails("oops", on="orders")
    middle = (BEGAN - timedelta(seconds=60)).timestamp()

    def spoil(one: Request, number: int) -> Request:
        if one.at < middle:
            return first(one, number)
        return second(one, number) if one.at >= BEGAN.timestamp() else one

    trouble = felt(requests(spoil, began=BEGAN - timedelta(seconds=180))).trouble

    assert trouble is not None
    assert abs(trouble.onset.at - BEGAN.timestamp()) < 15


def test_paths_become_routes() -> None:
    assert route_of("POST", "/api/orders/A-17/pay?now=1") == "POST /api/orders/*/pay"
    assert route_of("GET", "/v1/users") == "GET /v1/users"
    names = [
        f"GET /team/{name}/hours"
        for name in (
            "ana",
            "ben",
            "cem",
            "dora",
            "eli",
            "fay",
            "gus",
            "hal",
            "ida",
            "jo",
            "kay",
            "li",
            "mo",
        )
    ]
    routes = folded([*names, "GET /team/ana/photo", "GET /about"])

    assert {routes[name] for name in names} == {"GET /team/*/hours"}
    assert routes["GET /about"] == "GET /about"


def test_failures_count_before_slowness_that_a_busy_machine_brings() -> None:
    failing = fails("MAIL_KEY is not set", on="pay", one_in=2)

    def spoil(one: Request, number: int) -> Request:
        return failing(replace(one, milliseconds=900.0 if number % 3 else 20.0), number)

    trouble = felt(requests(spoil)).trouble

    assert trouble is not None
    assert trouble.kinds[0] is Badness.FAILED
    assert {one.message for one in trouble.bad} == {"MAIL_KEY is not set"}


def test_a_lull_that_may_be_chance_is_no_end() -> None:
    lull = (NOW - timedelta(seconds=7)).timestamp()
    failing = fails("oops", on="POST /api/orders", one_in=4)

    def spoil(one: Request, number: int) -> Request:
        return failing(one, number) if one.at < lull else one

    found = felt(requests(spoil, every=0.5))

    assert found.trouble is not None, found.says


def test_outages_that_are_over_do_not_make_the_next_one_usual() -> None:
    now_fails = fails("the login service answers 503", on="list", one_in=2)
    outages = [(900, 780), (600, 480), (300, 200)]

    def spoil(one: Request, number: int) -> Request:
        ago = NOW.timestamp() - one.at
        if any(late < ago <= early for early, late in outages):
            return replace(one, status=500, message="connection refused")
        return now_fails(one, number) if ago <= 25 else one

    trouble = felt(requests(spoil, began=NOW - timedelta(seconds=900), every=0.5)).trouble

    assert trouble is not None
    assert NOW.timestamp() - 60 < trouble.onset.at < NOW.timestamp() - 10
    assert {one.message for one in trouble.bad} == {"the login service answers 503"}


def test_the_first_errors_of_a_new_kind_begin_anew_right_after_another_outage() -> None:
    password, column = fails("password authentication failed"), fails('column "x" does not exist')
    ended, began = (NOW.timestamp() - seconds for seconds in (16, 4))

    def spoil(one: Request, number: int) -> Request:
        if one.at < ended:
            return password(one, number)
        return column(one, number) if one.at >= began else one

    trouble = felt(requests(spoil, began=NOW - timedelta(seconds=60), every=0.5)).trouble

    assert trouble is not None
    assert {one.message for one in trouble.bad} == {'column "x" does not exist'}
    assert trouble.onset.at > ended
