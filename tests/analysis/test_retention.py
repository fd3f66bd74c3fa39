"""A rule keeps what it says, and never lets the last proven one go."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.retention import Held, Rule, decide

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@st.composite
def histories(draw: st.DrawFn) -> list[Held]:
    """Backups of three years; an incremental one builds on an older one."""
    ages = draw(st.lists(st.integers(0, 1000 * 24), unique=True, max_size=25).map(sorted))
    found: list[Held] = []
    for number, hours in enumerate(reversed(ages)):
        parent = draw(st.sampled_from([""] + [one.id for one in found[-3:]]))
        at = NOW - timedelta(hours=hours)
        found.append(Held(f"b{number}", at, parent, proven=draw(st.booleans())))
    return draw(st.permutations(found))


counts = st.integers(0, 6)
ages = st.none() | st.integers(0, 1000).map(lambda days: timedelta(days=days))
rules = st.builds(Rule, counts, counts, counts, counts, ages)


@settings(max_examples=50, deadline=None)
@given(histories(), rules)
def test_what_must_never_go_stays(backups: list[Held], rule: Rule) -> None:
    decided = decide(backups, rule, NOW)
    by_age = sorted(backups, key=lambda one: one.at)
    proven = [one for one in by_age if one.proven]

    assert set(decided.stays) | set(decided.goes) == {one.id for one in backups}
    assert not set(decided.stays) & set(decided.goes)
    for one in [*by_age[-1:], *proven[-1:]]:
        assert one.id in decided.stays
    for one in backups:
        assert not (one.id in decided.stays and one.parent in decided.goes)


@settings(max_examples=50, deadline=None)
@given(histories(), rules)
def test_children_go_before_their_parents(backups: list[Held], rule: Rule) -> None:
    goes = decide(backups, rule, NOW).goes

    for one in backups:
        if one.id in goes and one.parent in goes:
            assert goes.index(one.id) < goes.index(one.parent)


@settings(max_examples=50, deadline=None)
@given(histories(), rules)
def test_deciding_again_lets_nothing_more_go(backups: list[Held], rule: Rule) -> None:
    stays = decide(backups, rule, NOW).stays

    assert decide([one for one in backups if one.id in stays], rule, NOW).goes == ()


@settings(max_examples=50, deadline=None)
@given(histories(), rules, rules)
def test_a_rule_that_keeps_more_lets_no_other_go(
    backups: list[Held], rule: Rule, more: Rule
) -> None:
    both = Rule(
        max(rule.keep_last, more.keep_last),
        max(rule.daily, more.daily),
        max(rule.weekly, more.weekly),
        max(rule.monthly, more.monthly),
        rule.older_than,
    )

    assert set(decide(backups, both, NOW).goes) <= set(decide(backups, rule, NOW).goes)


def test_each_reason_is_told() -> None:
    backups = [
        Held("new", NOW - timedelta(hours=1), "base"),
        Held("yesterday", NOW - timedelta(days=1)),
        Held("base", NOW - timedelta(days=3)),
        Held("proven", NOW - timedelta(days=40), proven=True),
        Held("old", NOW - timedelta(days=41)),
    ]

    decided = decide(backups, Rule(daily=2), NOW)

    assert dict(decided.stays) == {
        "new": "the newest of its day",
        "yesterday": "the newest of its day",
        "proven": "the last proven one",
        "base": "new builds on it",
    }
    assert decided.goes == ("old",)


def test_younger_ones_stay_where_only_an_age_is_given() -> None:
    backups = [Held(str(days), NOW - timedelta(days=days)) for days in (1, 10, 30, 31, 60)]

    assert decide(backups, Rule(older_than=timedelta(days=30)), NOW).goes == ("31", "60")
