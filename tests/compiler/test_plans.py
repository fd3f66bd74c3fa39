"""A plan holds all that a run is: values, risks, needs, the way back, other runbooks."""

import json
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.small_catalog import BOOK, STACK, BookRejected, plan, read, steps, task
from drillbook.analysis.inputs import typed_inputs
from drillbook.core.errors import DrillbookError, NotFound, SettingsInvalid
from drillbook.core.model import Risk
from drillbook.core.plan import Kind, Plan, Retry
from drillbook.core.policy import Consent, Needs


def test_a_bound_task_holds_all_the_engine_needs() -> None:
    applied = task(plan(migration="m.sql", down="down.sql"), "2.2")

    assert (applied.kind, applied.does, applied.on) == (
        Kind.ACTION,
        "migration.apply",
        "production",
    )
    assert applied.arguments["file"].paths == ("migration",)
    assert applied.arguments["lock_timeout"].literal == "1s"
    assert applied.name == "applied"
    assert applied.risk is Risk.WRITE
    assert applied.when == 'tried.failed == 0 && backup.age < duration("1d")'
    assert applied.retry == Retry(times=5, wait_seconds=2, doubling=True, jitter=True)
    assert task(plan(migration="m.sql"), "1.2").timeout_seconds == 1800
    assert task(plan(migration="m.sql"), "1.2").evidence == ("id", "files")


def test_a_file_can_raise_what_the_policy_asks_and_never_lower_it() -> None:
    found = plan(migration="m.sql")
    weaker = steps("- A `@backup.restore on=production backup=x`", "  - needs: confirm")

    assert task(found, "2.2").needs == Needs(
        consent=Consent.APPROVALS, approvals=1, roles=("dba",), valid_seconds=900
    )
    assert task(found, "1.2").needs.consent is Consent.CONFIRM
    assert task(found, "2.1").needs.consent is Consent.AUTO
    assert task(plan(weaker, "one"), "1.1").needs.approvals == 2


def test_the_way_back_is_told_with_the_values_known_before_the_run() -> None:
    with_down = task(plan(migration="m.sql", down="down.sql"), "2.2").way_back
    without = task(plan(migration="m.sql"), "2.2").way_back
    restart = task(plan(migration="m.sql"), "2.3")

    assert with_down is not None
    assert (with_down.possible, with_down.says) == (True, "runs down.sql")
    assert without is not None
    assert (without.possible, without.says) == (False, "there is no down script")
    assert restart.undo_does is not None
    assert (restart.undo_does.id, restart.undo_does.does) == ("2.3.undo", "app.restart")
    assert restart.undo_does.arguments["wait"].literal == "1m"
    assert restart.undo_does.needs.consent is Consent.CONFIRM


def test_rollback_and_post_mortem_are_never_on_the_forward_path() -> None:
    part = plan(migration="m.sql").part

    assert [step.id for step in part.steps] == ["1", "2"]
    assert [step.id for step in part.rollback] == ["3"]
    assert part.rollback[0].optional
    assert [step.id for step in part.post_mortem] == ["4"]
    assert [each.id for each in part.gate] == ["0.1", "0.2"]


def test_a_symptom_keeps_its_condition() -> None:
    first, second = plan(migration="m.sql").part.symptoms

    assert (first.id, first.when) == ("s.1", 'errors.rate("5m") > 0.05')
    assert {key: each.literal for key, each in first.arguments.items()} == {
        "for": "2m",
        "severity": "high",
    }
    assert (second.kind, second.when) == (Kind.HUMAN, "")


def test_a_choice_holds_its_options_and_the_runbook_one_of_them_runs() -> None:
    choice = task(plan(migration="m.sql"), "2.4")

    assert [(each.id, each.kind) for each in choice.options] == [
        ("2.4.1", Kind.ACTION),
        ("2.4.2", Kind.HUMAN),
        ("2.4.3", Kind.RUNBOOK),
    ]
    called = choice.options[2]
    assert called.part is not None
    assert called.arguments["count"].literal == 3
    assert [each.id for each in called.part.all_tasks()] == ["2.4.3/1.1"]
    assert typed_inputs(called.part, {"count": 3}) == {"count": 3, "size": "small"}


def test_a_choice_takes_over_the_risk_of_its_most_dangerous_option() -> None:
    book = steps(
        "- Choose `@choose`",
        "  - Look `@app.status`",
        "  - Go `@backup.restore on=staging backup=x`",
    )

    assert task(plan(book, "one"), "1.1").risk is Risk.DESTROY


def test_nested_bullets_are_tasks_of_their_own_after_their_parent() -> None:
    book = steps("- A", "  - B", "    - C `@app.status`", "  - D", "- E")

    found = [each.id for each in plan(book, "one").part.all_tasks()]

    assert found == ["1.1", "1.1.1", "1.1.1.1", "1.1.2", "1.2"]


def test_a_step_without_bullets_is_its_own_task() -> None:
    book = "## Runbook: One\n\n### Steps\n1. Look at the lights\n2. Call somebody\n"

    assert [each.text for each in plan(book, "one").part.all_tasks()] == [
        "Look at the lights",
        "Call somebody",
    ]


def test_an_environment_need_not_be_named_when_there_is_one() -> None:
    only = {"staging": STACK.environments["staging"]}
    stack = STACK.model_copy(update={"environments": only})

    found = plan(steps("- A `@app.health`"), "one", stack=stack)

    assert task(found, "1.1").on == "staging"
    assert list(found.environments) == ["staging"]


def test_a_missing_input_is_refused_where_it_is_needed_and_no_when_guards_it() -> None:
    bound = "- A `@migration.apply on=staging file=${f}`"

    guarded = plan(steps(bound, "  - when: `f != null`", before=INPUTS), "one")

    assert task(guarded, "1.1").when == "f != null"
    with pytest.raises(BookRejected, match=r"file: \$\{f\} has no value"):
        plan(steps(bound, before=INPUTS), "one")


def test_only_what_is_used_of_the_stack_is_in_the_plan() -> None:
    found = plan(steps("- A `@app.health on=staging`"), "one")

    assert list(found.environments) == ["staging"]
    assert found.roles == {}


@pytest.mark.parametrize(
    ("inputs", "says", "hint"),
    [
        ({}, "runbook Database Migration needs the input migration", "-i migration=FILE"),
        ({"migration": "n.sql"}, "there is no file n.sql", "Check the path"),
        ({"migration": "m.sql", "dwn": "x"}, "has no input dwn", "Did you mean down?"),
        (
            {"migration": "m.sql", "wait": "soon"},
            "input wait: 'soon' is not a duration",
            "-i wait=30m",
        ),
    ],
)
def test_wrong_inputs_are_refused_in_one_sentence(
    inputs: dict[str, str], says: str, hint: str
) -> None:
    with pytest.raises(DrillbookError) as caught:
        plan(BOOK, "database-migration", **inputs)

    assert says in str(caught.value)
    assert hint in caught.value.hint


INPUTS = """### Inputs
| Input | Type | Default | Meaning |
|---|---|---|---|
| f | file | none | |
| t | text | none | |
| i | integer | none | |
| n | number | none | |
| b | boolean | none | |
| d | duration | none | |
| s | size | none | |
| c | choice(red, blue) | none | |
"""


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("f", "m.sql", read("m.sql")),
        ("t", "a b", "a b"),
        ("i", "-5", -5),
        ("n", "0.5", 0.5),
        ("b", "yes", True),
        ("d", "1h30m", timedelta(minutes=90)),
        ("s", "1GiB", 2**30),
        ("c", "blue", "blue"),
    ],
)
def test_an_input_survives_the_plan_as_its_typed_value(name: str, text: str, value: object) -> None:
    found = plan(steps("- A", before=INPUTS), "one", **{name: text})
    again = Plan.model_validate_json(found.model_dump_json())

    assert typed_inputs(again.part, again.inputs)[name] == value


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("i", "5.5", "'5.5' is not a whole number"),
        ("i", str(2**53), "is too large"),
        ("n", "nan", "'nan' is not a number"),
        ("b", "maybe", "'maybe' is neither true nor false"),
        ("d", "5", "'5' is not a duration"),
        ("s", "5", "'5' is not a size"),
        ("c", "blu", "'blu' is none of red, blue; did you mean blue?"),
    ],
)
def test_an_input_of_the_wrong_type_is_refused(name: str, text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        plan(steps("- A", before=INPUTS), "one", **{name: text})

    assert says in str(caught.value)


def test_all_missing_inputs_are_named_at_once() -> None:
    table = INPUTS.replace("none", "")

    with pytest.raises(SettingsInvalid) as caught:
        plan(steps("- A", before=table), "one")

    assert "needs the inputs f, t, i, n, b, d, s, c" in str(caught.value)
    assert "-i f=FILE -i t=TEXT" in caught.value.hint


def test_a_runbook_that_does_not_exist_is_answered_with_the_nearest() -> None:
    with pytest.raises(NotFound) as caught:
        plan(BOOK, "database-migratoin")

    assert caught.value.hint == "Did you mean Database Migration?"


TWO = """## Runbook: Two Ways

### Backup Procedure
1. **Back up**
   - Take one

### Restore Procedure
1. **Restore**
   - Put it back
"""


def test_several_procedures_need_a_choice() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        plan(TWO, "two-ways")

    assert "has 2 procedures: Backup Procedure, Restore Procedure" in str(caught.value)
    assert "--procedure backup-procedure" in caught.value.hint
    assert plan(TWO, "two-ways", procedure="restore").part.steps[0].title == "Restore"
    assert [each.id for each in plan(TWO, "two-ways", procedure="all").part.steps] == ["1", "2"]
    with pytest.raises(NotFound, match="no procedure 'resore'"):
        plan(TWO, "two-ways", procedure="resore")


def test_alternatives_become_a_choice_of_a_person() -> None:
    book = """# Runbook: Database down

## Scenario 1: The disk is full
1. **Free space**
   - Delete old logs

## Scenario 2: The server is gone
1. **Start another**
   - Promote the replica
"""
    found = plan(book, "database-down")

    choice = task(found, "1.1")
    assert choice.kind is Kind.CHOOSE
    assert [each.id for each in found.part.all_tasks()] == [
        "1.1",
        "1.1.1",
        "1.1.1/1.1",
        "1.1.2",
        "1.1.2/1.1",
    ]


def test_the_way_back_alone_can_be_run() -> None:
    book = steps(
        "- A", after="2. **Rollback**\n   - Restore `@backup.restore on=staging backup=x`\n"
    )

    part = plan(book, "one", procedure="rollback").part

    assert [(step.id, step.title) for step in part.steps] == [("1", "Rollback")]
    assert part.rollback == ()


def test_a_book_with_errors_is_rejected_with_all_of_them() -> None:
    with pytest.raises(BookRejected) as caught:
        plan(steps("- A `@app.helth on=prod`", "- B `@app.status as run`"), "one")

    assert [each.code for each in caught.value.diagnostics] == ["DB201", "DB305"]
    assert "(and 1 more)" in str(caught.value)


def test_a_mistake_in_another_runbook_stops_nobody() -> None:
    book = (
        steps("- A `@app.status`") + "\n## Runbook: Bad\n\n### Steps\n1. **X**\n   - B `@no.such`\n"
    )

    assert task(plan(book, "one"), "1.1").does == "app.status"


def test_runbooks_that_multiply_are_refused_before_they_fill_the_machine() -> None:
    calls = [
        f"## Runbook: R{n}\n\n### Steps\n1. **Do**\n"
        + "".join(f'   - Go `@runbook name="R{n + 1}"`\n' for _ in range(9))
        for n in range(8)
    ]
    book = "\n".join([*calls, "## Runbook: R8\n\n### Steps\n1. **Do**\n   - A `@app.status`\n"])

    with pytest.raises(DrillbookError, match="more than 10000 tasks"):
        plan(book, "R0")


def test_a_plan_says_the_same_after_json() -> None:
    found = plan(migration="m.sql", down="down.sql")

    assert Plan.model_validate(json.loads(found.model_dump_json())).hash == found.hash


CHANGES = [
    ("lock_timeout=1s", "lock_timeout=2s"),
    ("needs: 1 approval", "needs: 2 approvals"),
    ("valid 15m", "valid 16m"),
    ("on=staging", "on=production"),
    ("Open the dashboard", "Open the door"),
    ("retry: 5", "retry: 6"),
    ("timeout: 30m", "timeout: 31m"),
    ("as tried", "as tried "),
    ("size | choice(small, large) | small", "size | choice(small, large) | large"),
    ("- Write it down", "- Write it up"),
    ("wait=1m", "wait=2m"),
]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(CHANGES)), st.sampled_from(["", "down.sql"]))
def test_the_hash_is_stable_and_tells_every_change(
    changes: set[tuple[str, str]], down: str
) -> None:
    book = BOOK
    for old, new in changes:
        book = book.replace(old, new)
    inputs = {"migration": "m.sql"} | ({"down": down} if down else {})

    first, again = plan(book, **inputs), plan(book, **inputs)
    plain = plan(BOOK, migration="m.sql")

    assert first.hash == again.hash
    assert (first.hash == plain.hash) is (not changes and not down)


def test_the_hash_tells_a_change_of_the_stack() -> None:
    other = STACK.environments["production"].model_copy(update={"digest": "moved"})
    stack = STACK.model_copy(update={"environments": STACK.environments | {"production": other}})
    people = STACK.model_copy(update={"roles": STACK.roles | {"dba": ("eve",)}})

    hashes = {plan(migration="m.sql", stack=each).hash for each in (STACK, stack, people)}

    assert len(hashes) == 3
