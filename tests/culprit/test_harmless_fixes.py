"""No repair is proposed that would hit those who have done nothing."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from culprit.scenes import (
    BEGAN,
    NEW,
    NOW,
    WELL,
    build,
    fails,
    felt,
    requests,
    scene,
    switch,
)
from drillbook.analysis.culprit import judge
from drillbook.analysis.culprit.crowd import crowd_cases
from drillbook.analysis.culprit.databases import database_cases
from drillbook.analysis.culprit.requests import Request
from drillbook.core.deployments import EnvironmentValue
from drillbook.core.incident import CauseKind, Change, ChangeKind, FixKind
from drillbook.core.vitals import Entrance


def flood(address: str, users: int) -> list[Request]:
    """Return usual requests, and ten a second that fail from one address for a minute."""
    usual = requests()
    many = [
        replace(
            usual[-1], at=BEGAN.timestamp() + number / 10, status=503, address=address,
            user=f"v{number % users}" if users else "", message="too many requests",
        )
        for number in range(600)
    ]  # fmt: skip
    return sorted([*usual, *many], key=lambda one: one.at)


@pytest.mark.parametrize(
    ("address", "users", "fix"),
    [
        ("198.51.100.7", 0, FixKind.BLOCK_SOURCE),
        ("198.51.100.7", 40, FixKind.PERSON),  # a school, or a carrier's one address
        ("10.3.0.1", 0, FixKind.PERSON),  # a proxy of our own
        ("address-9f3a", 0, FixKind.PERSON),  # a pseudonym
    ],
)
def test_a_source_is_blocked_only_where_one_sender_is_behind_it(
    address: str, users: int, fix: FixKind
) -> None:
    users_requests = flood(address, users)
    trouble = felt(requests(lambda one, _: replace(one, status=503))).trouble
    since = tuple(one for one in users_requests if one.at >= BEGAN.timestamp())
    bad = tuple(one for one in since if one.failed)
    assert trouble is not None
    trouble = replace(trouble, since=since, bad=bad)

    found = [
        case
        for case in crowd_cases(scene(users_requests), trouble)
        if case.cause.kind is CauseKind.SOURCE
    ]

    assert [case.fix.kind for case in found] == [fix]


def test_a_database_that_is_starting_is_not_started_anew() -> None:
    failing = requests(lambda one, _: replace(one, status=500, message="connection refused"))
    trouble = felt(failing).trouble
    assert trouble is not None
    for entrance, fix in (
        (Entrance.STARTING, FixKind.PERSON),
        (Entrance.REFUSED, FixKind.RESTART_DATABASE),
    ):
        vitals = WELL.model_copy(update={"entrance": entrance, "started_at": None})
        cases = database_cases(scene(failing, vitals=vitals, now=NOW), trouble)
        down = next(case for case in cases if case.cause.kind is CauseKind.DATABASE)
        assert down.fix.kind is fix


def rotated(at: datetime) -> dict[str, object]:
    """A value that was changed for good, with a build of the same commit that has it."""
    serving = replace(NEW, deployment=build("dpl_new", "a" * 40, 0.02))
    value = Change(
        kind=ChangeKind.VALUE, at=at, subject="DATABASE_URL", says="DATABASE_URL was changed",
        source="hosting",
    )  # fmt: skip
    known = EnvironmentValue(
        key="DATABASE_URL", kind="encrypted", targets=(), created=NOW - timedelta(days=9),
        changed=NOW - timedelta(hours=1),
    )  # fmt: skip
    return {"serving": serving, "changes": (switch(at), value), "values": (known,)}


def test_a_build_that_is_slow_at_first_is_not_gone_back_from_to_a_value_that_is_no_more() -> None:
    began = NOW - timedelta(seconds=3)

    def cold(one: Request, number: int) -> Request:
        return replace(one, milliseconds=900.0) if number % 3 == 0 else one

    seen = scene(requests(cold, began=began, every=0.1), **rotated(began))
    judged = judge(seen)

    assert seen.trouble is not None
    assert judged.found is None
    assert judged.fix.kind is FixKind.PERSON


def test_a_value_is_not_blamed_by_its_time_alone() -> None:
    seen = scene(requests(fails("", status=500)), **rotated(BEGAN))
    judged = judge(seen)

    assert seen.trouble is not None
    assert judged.found is None
    assert {one.cause.subject for one in judged.candidates} >= {"DATABASE_URL"}


@pytest.mark.parametrize("told", [True, False])
def test_a_build_is_not_gone_back_from_for_what_the_one_before_it_met(told: bool) -> None:
    began, switched = NOW - timedelta(seconds=3), NOW - timedelta(seconds=0.45)

    def refused(one: Request, number: int) -> Request:
        if one.at >= switched.timestamp():
            return replace(one, deployment="dpl_new" if told else "")
        said = 'FATAL: password authentication failed for user "web"'
        return replace(one, status=503, message=said, deployment="dpl_old" if told else "")

    seen = scene(requests(refused, began=began, every=0.2), **rotated(switched))
    judged = judge(seen)

    assert seen.trouble is not None
    assert judged.none > 0.5
    assert judged.fix.kind is FixKind.PERSON
