"""Whether an earlier build may serve again, as a judgement of facts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.going_back import DATA_FORMATS, Facts, Since, Subject, Verdict, judge
from drillbook.core.deployments import Cron, Deployment, EnvironmentValue, Stage

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def build(name: str, hours_ago: float, **more: object) -> Deployment:
    known = {
        "id": name, "url": f"{name}.example", "commit": name.encode().hex(),
        "branch": "main", "message": "", "created": NOW - hours_ago * HOUR, "stage": Stage.READY,
        "has_served": True, "crons": (),
    }  # fmt: skip
    return Deployment.model_validate(known | more)


def value(key: str, changed_hours_ago: float, kind: str = "encrypted") -> EnvironmentValue:
    changed = NOW - changed_hours_ago * HOUR
    created = NOW - 1000 * HOUR
    return EnvironmentValue(
        key=key, kind=kind, targets=("production",), created=created, changed=changed
    )


OLD, NEW = build("old", 48), build("new", 2)
SAFE = Facts(
    build_name="old", build=OLD, serving=NEW, now=NOW, oldest=timedelta(days=90),
    values=(value("KEY", 100), value("URL", 100)), given=("KEY", "URL"), given_now=("KEY", "URL"),
    migrations=(Since(name="1.sql", at=NOW - 3 * HOUR, text="CREATE TABLE t (a int)"),),
)  # fmt: skip
CRON = Cron(path="/api/clean", schedule="0 3 * * *")

AGAINST: dict[str, tuple[Subject, str, Callable[[Facts], Facts]]] = {
    "gone": (Subject.BUILD, "no more", lambda f: replace(f, build=None)),
    "marked as gone": (
        Subject.BUILD, "no more", lambda f: _with(f, stage=Stage.GONE)),
    "errored": (
        Subject.BUILD, "the build is error (out of memory)",
        lambda f: _with(f, stage=Stage.ERROR, error="out of memory")),
    "still building": (Subject.BUILD, "is building", lambda f: _with(f, stage=Stage.BUILDING)),
    "never served": (Subject.BUILD, "never served", lambda f: _with(f, has_served=False)),
    "serves already": (Subject.BUILD, "serves now", lambda f: replace(f, serving=f.build or NEW)),
    "too old": (
        Subject.BUILD, "longer than 90d", lambda f: _with(f, created=NOW - timedelta(days=91))),
    "rolled back from": (
        Subject.BUILD, "rolled back from", lambda f: replace(f, rolled_back_from=("old",))),
    "a column dropped since": (
        Subject.MIGRATION, "line 1: the column day of slots is dropped",
        lambda f: _since(f, "ALTER TABLE slots DROP COLUMN day")),
    "a migration taken back since": (
        Subject.MIGRATION, "it was taken back, and that release was built with it",
        lambda f: replace(f, migrations=(Since(name="0.sql", taken_back=True),))),
    "a value changed since": (
        Subject.VALUE, "it would serve with the old one",
        lambda f: replace(f, values=(value("KEY", 24), value("URL", 100)))),
    "a value taken away since": (
        Subject.VALUE, "taken away since",
        lambda f: replace(f, values=(value("URL", 100),), given_now=("URL",))),
    "a schedule added since": (
        Subject.CRON, "it runs now (0 3 * * *), and would run no more",
        lambda f: replace(f, crons_now=(CRON,))),
    "a schedule removed since": (
        Subject.CRON, "would run again", lambda f: replace(f, crons_then=(CRON,))),
    "a schedule changed since": (
        Subject.CRON, "it runs by 0 3 * * * now, and would run by 0 4 * * *",
        lambda f: replace(
            f, crons_now=(CRON,), crons_then=(Cron(path=CRON.path, schedule="0 4 * * *"),))),
}  # fmt: skip
OPEN: dict[str, tuple[str, Callable[[Facts], Facts]]] = {
    "no ledger": ("no ledger tells", lambda f: replace(f, migrations=None)),
    "a text nobody has": (
        "its text is not known",
        lambda f: replace(f, migrations=(Since(name="2.sql", at=NOW),))),
    "half applied": (
        "neither applied nor taken back",
        lambda f: replace(f, migrations=(Since(name="2.sql", text="SELECT 1", half=True),))),
    "code nobody can read": (
        "what this does to old code is not known",
        lambda f: _since(f, "DO $$ BEGIN NULL; END $$")),
    # It may have been changed between the two as well: the platform tells of the last time alone.
    "a value changed after both": (
        "after both builds, which may have different ones",
        lambda f: replace(f, values=(value("KEY", 1), value("URL", 100)))),
    "a value that no setting tells of": (
        "both builds have it and no setting tells of it",
        lambda f: replace(f, values=(value("URL", 100),))),
    "names of values not known": (
        "the names of the values this build has are not known", lambda f: replace(f, given=None)),
    "schedules not known": ("by schedule is not known", lambda f: replace(f, crons_then=None)),
    "never known whether it served": ("is not known", lambda f: _with(f, has_served=None)),
    "commits not in the repository": (
        "do not lie", lambda f: replace(f, migrations_unknown=("they do not lie there",))),
}  # fmt: skip


def _with(facts: Facts, **more: object) -> Facts:
    known = (facts.build or OLD).model_dump() | more
    return replace(facts, build=Deployment.model_validate(known))


def _since(facts: Facts, text: str) -> Facts:
    return replace(facts, migrations=(*(facts.migrations or ()), Since(name="9.sql", text=text)))


def test_a_release_with_nothing_against_it_is_safe_and_says_what_nobody_can_tell() -> None:
    found = judge(SAFE)

    assert found.verdict is Verdict.SAFE
    assert found.reasons == found.unknown == ()
    assert found.says == "going back to old is safe; 1 migration since only added"
    assert found.notes[-1] == DATA_FORMATS
    assert "1.sql was applied at 2026-11-24 09:00 UTC and only adds" in found.notes[0]


@pytest.mark.parametrize("case", AGAINST)
def test_each_reason_makes_it_unsafe_and_is_named(case: str) -> None:
    subject, says, change = AGAINST[case]

    found = judge(change(SAFE))

    assert found.verdict is Verdict.UNSAFE
    assert [one for one in found.reasons if one.subject is subject and says in one.says]
    assert found.says.startswith("going back to old is unsafe: ")


@pytest.mark.parametrize("case", OPEN)
def test_what_is_not_known_is_never_called_safe(case: str) -> None:
    says, change = OPEN[case]

    found = judge(change(SAFE))

    assert (found.verdict, found.reasons) == (Verdict.UNKNOWN, ())
    assert any(says in one.says for one in found.unknown)


TOGETHER = (  # each changes another fact, so that all can be so at once
    "never served", "rolled back from", "a column dropped since", "a value changed since",
    "a schedule added since",
)  # fmt: skip


@given(st.permutations(TOGETHER), st.integers(0, len(TOGETHER)), st.booleans())
def test_every_reason_is_named_whatever_else_is_so(
    order: list[str], count: int, unknown: bool
) -> None:
    facts = SAFE
    for case in order[:count]:
        facts = AGAINST[case][2](facts)
    if unknown:
        facts = OPEN["commits not in the repository"][1](facts)

    found = judge(facts)

    said = [reason.says for reason in found.reasons]
    assert len(said) == count
    assert all(any(AGAINST[case][1] in one for one in said) for case in order[:count])
    assert len(found.unknown) == unknown
    assert (found.verdict is Verdict.SAFE) is (not count and not unknown)


def test_values_the_platform_sets_and_new_ones_hold_nobody_back() -> None:
    values = (*SAFE.values, value("VERCEL_URL", 1, kind="system"), value("NEW_FLAG", 3))

    found = judge(replace(SAFE, values=values, given_now=("KEY", "NEW_FLAG", "URL")))

    assert found.verdict is Verdict.SAFE


def test_without_the_names_of_the_build_all_values_of_its_time_count() -> None:
    found = judge(replace(SAFE, given=None, values=(value("KEY", 24),)))

    assert [one.name for one in found.reasons] == ["KEY"]
    assert [one.subject for one in found.unknown] == [Subject.VALUE]


@pytest.mark.parametrize("hours_ago", [1, 24])
def test_the_value_that_going_back_is_for_is_no_reason_against_it(hours_ago: float) -> None:
    wrong = replace(SAFE, values=(value("KEY", 100), value("URL", hours_ago)))

    assert judge(wrong).verdict is not Verdict.SAFE
    assert judge(replace(wrong, restoring="KEY")).verdict is not Verdict.SAFE
    mended = judge(replace(wrong, restoring="URL"))

    assert mended.verdict is Verdict.SAFE
    assert any("URL is what going back is for" in note for note in mended.notes)
