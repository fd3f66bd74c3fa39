"""Which cause is named in which scene, and that none is named where none is sure."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from culprit.scenes import (
    BEGAN,
    GIVEN,
    LOGIN,
    MAIL,
    NEW,
    NOW,
    OLD,
    WELL,
    build,
    fails,
    requests,
    scene,
    switch,
)
from drillbook.analysis.culprit import judge
from drillbook.analysis.culprit.requests import Request
from drillbook.analysis.culprit.scene import (
    Door,
    FileDiff,
    LimiterSeen,
    MigrationKnown,
    Scene,
    Served,
)
from drillbook.analysis.culprit.symptoms import Symptom
from drillbook.core.incident import CauseKind, Change, ChangeKind, FixKind
from drillbook.core.vitals import Blocker, Entrance, Holder, RoleUse, Vitals, Waiting

HOLDER = Blocker(
    pid=77, application="psql", user="ana", state="idle in transaction", transaction_seconds=62,
    query="LOCK TABLE orders", waiting=6, session_started=BEGAN - timedelta(seconds=9),
    transaction_started=BEGAN,
)  # fmt: skip
LOCKED = WELL.model_copy(
    update={
        "blockers": (HOLDER,),
        "waiting": (
            Waiting(pid=5, role="web", application="shop", seconds=4.0, relation="orders",
                    mode="RowShareLock", query="SELECT", blocked_by=(77,)),
        ),
    }
)  # fmt: skip
IDLE = tuple(
    HOLDER.model_copy(update={"pid": 100 + n, "state": "idle", "waiting": 0}) for n in range(60)
)
FULL = WELL.model_copy(
    update={
        "used": 97,
        "roles": (RoleUse(role="web", used=60, limit=60, idle=60),),
        "holders": (
            Holder(role="web", application="report", count=60, idle=60, longest_idle_seconds=70,
                   waiting_for_locks=0, sessions=IDLE),
        ),
    }
)  # fmt: skip
AWAY = Vitals(entrance=Entrance.REFUSED, problem="connection refused")
STACK = (
    'Traceback (most recent call last):\n  File "/srv/shop/orders.py", line 12, in place\n'
    "    raise\nTypeError: 'NoneType' object is not subscriptable\n"
)
CHANGED = (FileDiff(path="shop/orders.py", added="x", lines=((10, 14),)),)
JUST = (switch(BEGAN - timedelta(seconds=2)),)
SAME = Served(deployment=build("dpl_new", "a" * 40, 0.02), given=GIVEN)
SICK = replace(
    MAIL, alive=False, failed=3, problem="answered 503", switch="MAIL", routes=("/api/orders",)
)
ADDED = FileDiff(path="shop/orders.py", added='need("SMS_SENDER")', lines=((10, 14),))
LEDGERED = MigrationKnown(
    "0042_channel", BEGAN, "ALTER TABLE orders ADD COLUMN channel text NOT NULL"
)
APPLIED = Change(
    kind=ChangeKind.MIGRATION, at=BEGAN, subject="0042_channel", says="", source="ledger"
)


def gone(name: str) -> Change:
    return Change(kind=ChangeKind.VALUE, at=BEGAN, subject=name, says="", source="hosting")


CASES: dict[str, tuple[Scene, CauseKind, str, FixKind]] = {
    "a release whose code throws in lines it changed": (
        scene(requests(fails("no", on="orders", one_in=3, stack=STACK)), changes=JUST,
              diff=CHANGED),
        CauseKind.RELEASE, "dpl_new", FixKind.ROLL_BACK),
    "a release that reads a value nobody has set": (
        scene(requests(fails("SMS_SENDER is not set", on="orders")), changes=JUST, diff=(ADDED,)),
        CauseKind.RELEASE, "dpl_new", FixKind.ROLL_BACK),
    "a release that asks for a column nobody made": (
        scene(requests(fails('column "paid_at" does not exist', on="list")), changes=JUST,
              diff=(replace(ADDED, added="SELECT paid_at"),)),
        CauseKind.RELEASE, "dpl_new", FixKind.ROLL_BACK),
    "a value that was taken away": (
        scene(requests(fails("MAIL_KEY is not set", on="orders")), serving=replace(
            SAME, given=("DATABASE_URL",)), changes=(*JUST, gone("MAIL_KEY"))),
        CauseKind.VALUE, "MAIL_KEY", FixKind.ROLL_BACK),
    "a value that no build has, and that the stack holds": (
        scene(requests(fails("MAIL_FROM is not set", on="pay")), serving=SAME,
              restorable=("MAIL_FROM",)),
        CauseKind.VALUE, "MAIL_FROM", FixKind.RESTORE_VALUE),
    "a migration that refuses every row": (
        scene(requests(fails('null value in column "channel" of relation "orders" violates '
                             "not-null constraint", on="orders")),
              migrations=(LEDGERED,), changes=(APPLIED,)),
        CauseKind.MIGRATION, "0042_channel", FixKind.TAKE_BACK_MIGRATION),
    "a database that is away, and with it the login service": (
        scene(requests(fails('connection to server at "db", port 5432 failed: refused')),
              vitals=AWAY, auth=replace(LOGIN, alive=False, failed=3, problem="answered 500")),
        CauseKind.DATABASE, "database", FixKind.RESTART_DATABASE),
    "a forgotten lock": (
        scene(requests(fails("canceling statement due to statement timeout", status=503)),
              vitals=LOCKED),
        CauseKind.LOCK, "pid 77 psql", FixKind.END_SESSIONS),
    "a forgotten lock in the minute of a harmless release": (
        scene(requests(fails("canceling statement due to statement timeout", status=503)),
              vitals=LOCKED, changes=JUST, diff=CHANGED),
        CauseKind.LOCK, "pid 77 psql", FixKind.END_SESSIONS),
    "somebody else's idle sessions": (
        scene(requests(fails('FATAL: too many connections for role "web"', status=503)),
              vitals=FULL),
        CauseKind.CONNECTIONS, "report", FixKind.END_SESSIONS),
    "a full disk": (
        scene(requests(fails("could not extend file: No space left on device", on="orders"))),
        CauseKind.DISK, "disk", FixKind.PERSON),
    "a password that was changed": (
        scene(requests(fails('password authentication failed for user "web"', status=503))),
        CauseKind.PASSWORD, "web", FixKind.PERSON),
    "a dependency that fails": (
        scene(requests(fails("the mail service answers 503", on="POST /api/orders", status=503)),
              dependencies=(SICK,)),
        CauseKind.DEPENDENCY, "mail", FixKind.SWITCH_OFF),
    "a clock that is ahead": (
        scene(requests(fails("the token is not yet valid", status=401)), auth_clock_seconds=900.0),
        CauseKind.CLOCK, "auth service", FixKind.PERSON),
    "counts that never end": (
        scene(requests(fails("", status=429)), limiter=LimiterSeen(True, 1.0, 40, 90, "shop:")),
        CauseKind.LIMIT, "shop:", FixKind.CLEAR_LIMIT),
    "a process that hangs": (
        scene(requests(fails("", status=504)), door=Door((0, 504, 0), (5.0, 5.0, 5.0))),
        CauseKind.PROCESS, "dpl_new", FixKind.REDEPLOY),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_cause_is_named_with_the_one_thing_to_do(case: str) -> None:
    seen, kind, subject, fix = CASES[case]

    judged = judge(seen)

    assert judged.found is not None, judged.says
    assert (judged.found.cause.kind, judged.found.cause.subject) == (kind, subject)
    assert judged.fix.kind is fix
    assert judged.found.probability >= 0.9
    assert judged.says.startswith(str(kind))


def test_what_the_release_lacks_is_named_with_it() -> None:
    value = judge(CASES["a release that reads a value nobody has set"][0])
    column = judge(CASES["a release that asks for a column nobody made"][0])

    assert value.found
    assert value.found.cause.lacks == "SMS_SENDER"
    assert column.found
    assert column.found.cause.lacks == "paid_at"


def test_the_release_before_is_where_to_go_back_to() -> None:
    fix = judge(CASES["a release whose code throws in lines it changed"][0]).fix

    assert (fix.to, fix.leaving) == (OLD.deployment.id, NEW.deployment.id)


def test_only_the_sessions_that_are_named_would_be_ended() -> None:
    lock = judge(CASES["a forgotten lock"][0]).fix
    idle = judge(CASES["somebody else's idle sessions"][0]).fix

    assert [one.pid for one in lock.sessions] == [77]
    assert {one.pid for one in idle.sessions} == {one.pid for one in IDLE}


UNSURE: dict[str, Scene] = {
    "errors of which nothing is known but their words": scene(requests(fails("oops", one_in=4))),
    "errors without any change, while all that is asked is well": scene(
        requests(fails("the code is odd", on="orders", stack=STACK))
    ),
    "a release long ago": scene(
        requests(fails("oops", on="orders")), changes=(switch(NOW - timedelta(minutes=9)),)
    ),
    "a release of the same commit": scene(
        requests(fails("oops", on="orders")), serving=SAME, changes=JUST
    ),
    "nothing answered but the log": Scene(now=NOW, trouble=scene(requests(fails("oops"))).trouble),
}


@pytest.mark.parametrize("case", UNSURE)
def test_none_is_named_where_none_is_sure(case: str) -> None:
    judged = judge(UNSURE[case])

    assert judged.found is None, judged.says
    assert judged.fix.kind is FixKind.PERSON
    assert judged.says.startswith("no cause found")


def test_where_nobody_is_hit_nothing_is_to_be_done() -> None:
    spike = requests(every=0.4)
    judged = judge(scene(spike, changes=JUST, diff=CHANGED, vitals=LOCKED))

    assert judged.found is None
    assert judged.fix.kind is FixKind.NONE


@pytest.mark.parametrize("case", CASES)
def test_a_part_that_did_not_answer_never_makes_another_cause_sure(case: str) -> None:
    seen, kind, _, _ = CASES[case]
    for part in ("vitals", "auth", "door", "dependencies", "changes", "diff", "limiter", "serving"):
        judged = judge(replace(seen, **{part: None}))  # type: ignore[arg-type]  # a field by its name

        if judged.found is not None:
            assert judged.found.cause.kind is kind, part


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(CASES)), st.randoms(use_true_random=False))
def test_the_order_of_what_is_seen_does_not_matter(case: str, chance: object) -> None:
    seen = CASES[case][0]
    changes = list(seen.changes or ())
    chance.shuffle(changes)  # type: ignore[attr-defined]  # hypothesis' Random

    again = judge(replace(seen, changes=tuple(changes)))

    assert again.found == judge(seen).found


def test_probabilities_of_all_candidates_and_none_make_one() -> None:
    for seen, *_ in CASES.values():
        judged = judge(seen)
        whole = judged.none + sum(one.probability for one in judged.candidates)
        assert whole == pytest.approx(1.0, abs=0.002)


def test_a_failing_request_without_words_is_known_by_its_status() -> None:
    users: list[Request] = requests(fails("", status=429))
    seen = scene(users)

    assert seen.trouble is not None
    assert seen.trouble.share("too many requests") == 1.0  # type: ignore[arg-type]  # its word


def test_a_processor_and_an_author_are_no_login_services() -> None:
    for name in ("payment processor", "author service"):
        judged = judge(scene(requests(fails(f"the {name} answered 503")), auth=None))

        assert {one.cause.kind for one in judged.candidates} & {
            CauseKind.AUTH, CauseKind.DEPENDENCY
        } == {CauseKind.DEPENDENCY}, name  # fmt: skip


def test_words_that_have_not_come_yet_say_nothing_beside_those_that_have() -> None:
    late = (NOW - timedelta(seconds=30)).timestamp()
    told, untold = fails("the token is not yet valid", status=503), fails("", status=503)

    def spoil(one: Request, number: int) -> Request:
        return (untold if one.at >= late else told)(one, number)

    trouble = scene(requests(spoil)).trouble

    assert trouble is not None
    assert trouble.share(Symptom.TOKEN_EARLY) == 1.0


@pytest.mark.parametrize("value", [False, True])
def test_a_release_in_the_minute_of_a_crowd_is_not_blamed_for_slow_answers(value: bool) -> None:
    def waits(one: Request, _: int) -> Request:
        return replace(one, milliseconds=900.0)

    usual = requests(waits)
    crowd = [
        replace(one, at=one.at + part / 8, user=f"new{part}", address=f"10.1.0.{part}")
        for part in range(7)
        for one in usual
        if one.at >= BEGAN.timestamp()
    ]
    users = sorted((*usual, *crowd), key=lambda one: one.at)
    changes = (*JUST, gone("MAIL_FROM")) if value else JUST
    serving = replace(SAME, given=GIVEN) if value else NEW
    before = replace(OLD, given=(*GIVEN, "MAIL_FROM")) if value else OLD

    seen = scene(users, changes=changes, diff=CHANGED, serving=serving, earlier=before)
    judged = judge(seen)

    assert seen.trouble is not None
    assert judged.found is None or judged.found.cause.kind is CauseKind.TRAFFIC
    assert judged.fix.kind is FixKind.PERSON
    alone = judge(replace(seen, trouble=scene(usual).trouble))
    assert alone.candidates[0].cause.kind in {CauseKind.RELEASE, CauseKind.VALUE}
