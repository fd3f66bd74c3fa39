"""What is right to name and to write in each case, and that what is not is found."""

import json
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound, Refused
from drillbook.core.incident import CauseKind, FixKind
from drillbook.drills.errors.case import Facts, Said
from drillbook.drills.errors.cases import CASES, CONTROLS, case_named
from drillbook.drills.errors.cases_felt import FELT
from drillbook.drills.errors.cases_unfelt import UNFELT
from drillbook.drills.errors.drill import BOOK, SOONER, Shard, order, write_book
from drillbook.drills.errors.product import Step
from drillbook.drills.errors.report import append_result, drilled, read_results
from drillbook.drills.errors.result import MOST_TOLD, Course, Result, judged, told
from drillbook.drills.errors.rights import wrong_writes
from drillbook.drills.errors.users import Harm
from drillbook.drills.errors.world import CHANGED, HOSTING, LIMITER, MADE, REMOVED, World, Written
from drillbook.range.cloud import Cloud
from drillbook.range.faults import FAULTS

BEGAN = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
DATABASE, SESSION, REPOSITORY = "production database", "session", "repository"
GOOD, BAD, AGAIN = "dpl_good", "dpl_bad", "dpl_again"
HOLDER, READER = 4711, 4712
PAYMENTS_KEY = "value PAYMENTS_KEY (production)"
STACK = '[environments.production.dependencies.payments]\nswitch = "PAYMENTS"\n'


@pytest.fixture
def facts(tmp_path: Path) -> Facts:
    """The facts of a case in which a release took the users, and a worker holds sessions."""
    cloud = Cloud(tmp_path)
    (tmp_path / "stack.toml").write_text(STACK, encoding="utf-8")
    for name, commit in ((GOOD, "aaa"), (BAD, "bbb"), (AGAIN, "bbb")):
        cloud.documents("vercel").put("deployment", name, {"id": name, "commit": commit})
    before = {HOSTING: {PAYMENTS_KEY: "0123 encrypted"}, LIMITER: {}, DATABASE: {"index a": "on b"}}
    broken = World(BEGAN, before | {HOSTING: {}})
    return Facts(cloud, World(BEGAN, before), broken, GOOD, BAD, holders=(HOLDER,))


def wrong(case: str, facts: Facts, *written: Written) -> int:
    return len(wrong_writes(case_named(case), facts, written))


def switch(kind: str, to: str, environment: str = "production") -> Written:
    said = {"environment": environment, "type": kind, "toDeploymentId": to}
    return Written(part=HOSTING, what="switch job_1", how=MADE, after=json.dumps(said))


def build(commit: str) -> Written:
    said = {"commit": commit, "source": "redeploy"}
    return Written(part=HOSTING, what="build dpl_x", how=MADE, after=json.dumps(said))


def named(case: str, facts: Facts, **said: object) -> Result:
    culprit: Said = {"found": True, "fix": "none", **said}  # type: ignore[dict-item]  # JSON
    steps = [Step("errors.culprit", "1.9", "task.done", BEGAN + timedelta(seconds=9), culprit)]
    course = Course(run="r-1", broken=BEGAN, started=BEGAN, ended=BEGAN + timedelta(minutes=1))
    harm = Harm(100, 40, first=BEGAN + timedelta(seconds=1))
    return judged(case_named(case), 1, facts, course, harm, steps, ())


def test_every_fault_of_the_range_is_a_case_and_enough_is_to_be_left_alone() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {case.fault for case in (*FELT, *UNFELT)} == set(FAULTS)
    assert len(CONTROLS) >= 12
    assert all(case.causes and case.remedies for case in FELT)
    assert not any(case.remedies for case in (*UNFELT, *CONTROLS))
    with pytest.raises(NotFound, match="no case 'relaese-throws'"):
        case_named("relaese-throws")


def test_the_very_thing_must_be_named_and_the_fix_aimed_at_it(facts: Facts) -> None:
    right = named("release-throws", facts, kind=CauseKind.RELEASE, subject=BAD)
    another = named("release-throws", facts, kind=CauseKind.RELEASE, subject=GOOD)
    other_kind = named("release-throws", facts, kind=CauseKind.DATABASE, subject="booking")
    back = named("release-throws", facts, kind=CauseKind.RELEASE, fix=FixKind.ROLL_BACK, to=GOOD)
    too_far = named("release-throws", facts, kind=CauseKind.RELEASE, fix=FixKind.ROLL_BACK, to="x")

    assert (right.named, another.named, other_kind.named) == ("right", "wrong", "wrong")
    assert (back.fix_right, too_far.fix_right) == (True, False)
    assert (right.diagnosed, right.triage) == (8.0, 9.0)


def test_only_who_holds_what_others_need_is_to_be_ended(facts: Facts) -> None:
    holder, reader = {"pid": HOLDER}, {"pid": READER}
    lock = {"kind": CauseKind.LOCK, "subject": f"{HOLDER} report worker", "fix": "end sessions"}

    right = named("database-locked", facts, **lock, sessions=[holder])
    too_many = named("database-locked", facts, **lock, sessions=[holder, reader])
    nobody = named("database-locked", facts, **lock, sessions=[])

    assert right.named == "right"
    assert [each.fix_right for each in (right, too_many, nobody)] == [True, False, False]


def test_no_cause_is_a_miss_where_users_suffer_and_right_where_they_do_not(facts: Facts) -> None:
    missed = named("payments-failing", facts, found=False)
    quiet = named("refactoring", facts, found=False)
    false = named("refactoring", facts, kind=CauseKind.RELEASE, subject=BAD)
    true = named("cache-down", facts, kind=CauseKind.CACHE, subject="valkey")

    assert (missed.named_right, missed.named_wrong) == (False, False)
    assert (quiet.named_right, false.named_wrong, true.named_right) == (True, True, True)


def test_whatever_belongs_to_no_right_fix_is_a_wrong_write(facts: Facts) -> None:
    back, too_far = switch("rollback", GOOD), switch("rollback", "dpl_older")
    reminder = Written(part=REPOSITORY, what="issue 7", how=MADE)
    ended = [Written(part=SESSION, what=str(pid), how=REMOVED) for pid in (HOLDER, READER)]
    given = Written(part=HOSTING, what=PAYMENTS_KEY, how=MADE, after="0123 encrypted")
    invented = Written(part=HOSTING, what=PAYMENTS_KEY, how=MADE, after="9876 encrypted")
    off = Written(part=HOSTING, what="value PAYMENTS (production)", how=MADE, after="1 plain")
    index = Written(part=DATABASE, what="index a", how=REMOVED, before="on b")
    back_to = Written(part=DATABASE, what="index a", how=MADE, after="on b")
    limit = Written(part=DATABASE, what="role booking_app", how=CHANGED)
    count = Written(part=LIMITER, what="booking:limit:x", how=REMOVED, before="-1")
    ending = Written(part=LIMITER, what="booking:limit:y", how=REMOVED, before="1795538947729")

    assert wrong("release-throws", facts, back, reminder) == 0
    assert wrong("release-throws", facts, too_far, switch("rollback", GOOD, "staging")) == 2
    assert wrong("database-locked", facts, back, *ended) == 2
    assert wrong("value-missing", facts, given, build("bbb"), switch("assign", AGAIN)) == 0
    assert wrong("value-missing", facts, invented, build("ccc")) == 2
    assert wrong("payments-failing", facts, off, build("bbb"), given) == 1
    assert wrong("migration-breaks-inserts", facts, back_to) == 0
    assert wrong("migration-breaks-inserts", facts, index, limit) == 2
    assert wrong("database-out-of-connections", facts, limit) == 0
    assert wrong("limit-blocks-for-ever", facts, count, ending) == 1
    assert wrong("auth-down", facts, back, off, limit, count, *ended) == 6
    assert wrong("refactoring", facts, build("bbb")) == 1


def test_verified_is_what_both_the_product_and_the_users_say(facts: Facts) -> None:
    watched = Step("errors.watch", "4.9", "task.done", BEGAN + timedelta(seconds=50), {})
    normal = Step(watched.does, watched.task, watched.kind, watched.at, {"verdict": "NORMAL"})
    course = Course(run="r-1", broken=BEGAN, ended=BEGAN + timedelta(minutes=1))
    well = Harm(100, 40, first=BEGAN, well_since=BEGAN + timedelta(seconds=30))
    ill = Harm(100, 40, first=BEGAN)

    def verified(harm: Harm, step: Step) -> float | None:
        return judged(case_named("app-hangs"), 1, facts, course, harm, [step], ()).verified

    assert verified(well, normal) == 50.0
    assert verified(ill, normal) is None
    assert verified(well, watched) is None


def test_shards_share_all_turns_and_each_seed_has_an_order_of_its_own() -> None:
    parts = [order(CASES, 2, Shard.named(f"{n}/3")) for n in (1, 2, 3)]
    played = [(case.name, seed) for part in parts for case, seed in part]
    whole = order(CASES, 2, Shard())
    short = order(CASES, 2, Shard(), whole=False)

    assert sorted(played) == sorted((case.name, seed) for case in CASES for seed in (1, 2))
    assert [c.name for c, seed in whole if seed == 1] != [c.name for c, seed in whole if seed == 2]
    assert len(short) == len(CASES) + len(FELT)
    with pytest.raises(Refused, match="no shard"):
        Shard.named("4/3")


def test_what_was_kept_is_read_again_and_counted(facts: Facts, tmp_path: Path) -> None:
    append_result(tmp_path / "1-of-2.jsonl", named("release-throws", facts, found=False))
    right = named("release-throws", facts, kind=CauseKind.RELEASE, subject=BAD)
    append_result(tmp_path / "1-of-2.jsonl", right)
    false = named("refactoring", facts, kind=CauseKind.RELEASE, subject=BAD)
    append_result(tmp_path / "2-of-2.jsonl", false.model_copy(update={"triage": 31.0}))

    found = drilled(read_results(tmp_path).values())

    assert (found.right.says, found.false_causes.says) == ("1 of 1 (100.0%)", "1 of 1 (100.0%)")
    assert [words.split(":")[0] for words in found.failures] == [
        "false causes on controls",
        "the longest triage took 31.0 s, at most 30",
    ]


def test_quiet_faults_do_not_make_up_for_what_users_feel(facts: Facts) -> None:
    quiet = [named("cache-down", facts, found=False) for _ in range(40)]
    missed = named("payments-failing", facts, found=False)
    nobody = named("release-throws", facts, kind=CauseKind.RELEASE, subject=BAD)
    harmless = nobody.model_copy(update={"harmed": 1})

    found = drilled([*quiet, missed, harmless])

    assert found.right.share > 0.95
    assert found.failures == (
        "right causes over what users feel: 1 of 2 (50.0%), wanted 95 %",
        "nobody was harmed in 1 cases of what users feel",
    )


def test_another_holder_of_connections_and_another_limit_are_not_right(facts: Facts) -> None:
    full = {"kind": CauseKind.CONNECTIONS, "fix": "a person"}
    holder = named("database-out-of-connections", facts, **full, subject="report worker")
    another = named("database-out-of-connections", facts, **full, subject="booking_app")
    counts = named("limit-too-strict", facts, kind=CauseKind.LIMIT, subject="booking:limit:")

    assert (holder.named, another.named, counts.named) == ("right", "wrong", "wrong")


def test_the_drills_book_is_the_shipped_one_but_for_what_is_said_to_be_sooner(
    tmp_path: Path,
) -> None:
    write_book(tmp_path / "runbooks", None)
    shipped = (files("drillbook") / "library" / BOOK).read_text(encoding="utf-8")
    here = (tmp_path / "runbooks" / BOOK).read_text(encoding="utf-8")

    for words, sooner in SOONER.items():
        shipped = shipped.replace(words, sooner)
    assert here == shipped
    assert all(sooner in here for sooner in SOONER.values())


def test_of_many_writes_alike_the_first_are_told_and_how_many_more() -> None:
    written = tuple(
        Written(part=LIMITER, what=f"count {number}", how=REMOVED) for number in range(10)
    )

    lines = told(written)

    assert lines[0] == "limiter: count 0 removed"
    assert lines[-1] == f"limiter: {10 - MOST_TOLD} more removed"
    assert len(lines) == MOST_TOLD + 1
