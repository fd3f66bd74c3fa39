"""Every mistake in a book is one sentence with a place, a code, and what to do."""

import re

import pytest

from compiler.small_catalog import BOOK, STACK, check_text, said, steps
from drillbook.compiler.diagnostics import CODES, Severity
from drillbook.core.model import Risk
from drillbook.core.policy import Consent, Needs

CASES = [
    ("- A `@app.helth on=production`", "DB201", "no action app.helth — Did you mean app.health?"),
    ("- A `@app.health no=production`", "DB202", "has no key no — Did you mean on?"),
    ("- A `@migration.check strict=true`", "DB203", "migration.check needs file="),
    ("- A `@backup.create on=production keep=3x`", "DB204", "keep: '3x' is not a size"),
    ("- A `@app.restart on=staging wait=soon`", "DB204", "wait: 'soon' is not a duration"),
    (
        "- A `@migration.apply on=staging file=m.sql attempts=many`",
        "DB204",
        "attempts: 'many' is not a whole number",
    ),
    (
        "- A `@migration.apply on=staging file=m.sql attempts=0`",
        "DB204",
        "attempts: '0' must be greater than 0",
    ),
    (
        "- A `@migration.apply on=staging file=m.sql mode=carefull`",
        "DB204",
        "mode: 'carefull' is none of fast, careful — Did you mean careful?",
    ),
    ("- A `@migration.check file=m.sql strict=maybe`", "DB204", "neither true nor false"),
    ("- A `@app.health on=prod`", "DB205", "no environment prod — Did you mean production?"),
    ("- A `@app.health on=${run.id}`", "DB205", "no computed value"),
    ("- A `@app.health`", "DB206", "app.health needs on=: where does it act? — Write on= and"),
    ("- A `@app.status on=production`", "DB207", "app.status acts on no environment"),
    ("- A `@backup.restore on=staging backup=${bakup.id}`", "DB301", "no value is named `bakup`"),
    ('- A `@backup.restore on=staging backup="${run.idd}"`', "DB304", "Did you mean id?"),
    ("- A `@app.status as run`", "DB305", "`run` is a word of the language"),
    ("- A `@app.status as x`\n   - B `@app.status as x`", "DB303", "already defined on line 5"),
    ("- A `@when 1 > 0`", "DB110", "@when binds a symptom"),
    ("- A `@choose`", "DB606", "@choose has no options"),
    ("- A `@runbook procedure=x`", "DB203", "@runbook needs name="),
    ('- A `@runbook name="On"`', "DB601", "no runbook 'On' — Did you mean One?"),
    ('- A `@runbook name="One"`', "DB603", "a runbook runs itself: One → One"),
    ('- A `@runbook name="One" procedure="Two"`', "DB602", "has no procedure 'Two'"),
]
OPTIONS = [
    ("expct: `status.ok`", "DB401", "no option expct — Did you mean expect?"),
    ("needs: everybody", "DB403", "'everybody' says nobody who must say yes"),
    ("needs: 0 approvals", "DB403", "0 approvals are not between 1 and 20"),
    ("needs: 1 approval from dbaa", "DB408", "no role dbaa — Did you mean dba?"),
    ("needs: 3 approvals from dba", "DB409", "3 approvals are needed and dba has 2 people"),
    ("needs: 1 approval from dba, valid soon", "DB403", "'soon' is not a duration"),
    ("timeout: 0s", "DB403", "0s is no time at all"),
    ("timeout:", "DB403", "timeout has no value"),
    ("retry: often", "DB403", "'often' is no number of times"),
    ("retry: 5 times, quickly", "DB403", "'quickly' is not known in a retry"),
    ("evidence: lgo", "DB407", "the result of app.status has no `lgo`"),
    ("undo: `@app.status`", "DB406", "app.status changes nothing"),
    ("expect: `status.ok ==`", "DB405", "the expression ends too early"),
    ("expect: `status.k`", "DB304", "`status` has no `k` — "),
    ("expect: `result.counts.x == 1 && reslt.ok`", "DB301", "named `reslt` — Did you mean result?"),
    ("expect: `result.counts.x / 2 > 1`", "DB410", "drops the remainder"),
    ("expect: `errors.rate('5m') < 1`", "DB405", "there is no function errors.rate()"),
    ("when: `status.ok`", "DB302", "`status` is used before it is there (line 5)"),
    ("when: `later.ok`", "DB302", "`later` is used before it is there (line 7)"),
    ("when: `back.ok`", "DB306", "`back` comes from the way back (line 9)"),
]


@pytest.mark.parametrize(("lines", "code", "says"), CASES)
def test_a_mistake_in_a_directive_is_told(lines: str, code: str, says: str) -> None:
    found = said(steps(lines))

    assert [each[0] for each in found] == [code]
    assert says in found[0][3]


@pytest.mark.parametrize(("option", "code", "says"), OPTIONS)
def test_a_mistake_in_a_sub_bullet_is_told(option: str, code: str, says: str) -> None:
    book = steps(
        "- A `@app.status as status`",
        f"  - {option}",
        "- B `@app.status as later`",
        after="2. **Rollback**\n   - C `@app.status as back`\n",
    )

    found = said(book)

    assert [each[0] for each in found] == [code]
    assert found[0][1] == 6
    assert says in found[0][3]


def test_an_option_given_twice_names_the_first() -> None:
    found = said(steps("- A `@app.status`", "  - timeout: 1m", "  - timeout: 2m"))

    assert [(each[0], each[1]) for each in found] == [("DB402", 7)]
    assert "timeout is given twice (line 6)" in found[0][3]


@pytest.mark.parametrize(
    ("book", "code", "says"),
    [
        (steps("- A") + "\n<!-- `@app.status a=1` -->\n", "DB106", "in a comment"),
        (steps("- A `@app.status a=1` and `@app.status b=2`"), "DB107", "this is the second"),
        (steps("- A", before="Text `@app.status a=1` here.\n"), "DB108", "outside a task"),
        (steps("- A `@app.status a=1"), "DB109", "is not closed"),
    ],
)
def test_a_directive_that_binds_nothing_is_an_error(book: str, code: str, says: str) -> None:
    found = [each for each in said(book) if each[0] == code]

    assert len(found) == 1
    assert says in found[0][3]


@pytest.mark.parametrize(
    ("row", "code", "says"),
    [
        ("| x | fil | | |", "DB501", "'fil' is no type of an input — Did you mean file?"),
        ("| x | choice() | | |", "DB501", "'choice()' is no type"),
        ("| x | integer | many | |", "DB502", "'many' is not a whole number"),
        ("| x | choice(a, b) | c | |", "DB502", "'c' is none of a, b"),
        ("| X y | text | | |", "DB503", "'X y' cannot name an input"),
        ("| run | text | | |", "DB503", "'run' cannot name an input"),
    ],
)
def test_a_mistake_in_the_inputs_is_told(row: str, code: str, says: str) -> None:
    table = f"### Inputs\n| Input | Type | Default | Meaning |\n|---|---|---|---|\n{row}\n"

    found = said(steps("- A `@app.status`", before=table))

    assert [each[0] for each in found] == [code]
    assert says in found[0][3]


@pytest.mark.parametrize(
    ("condition", "code", "says"),
    [
        ("@when errors.rate('5m') >", "DB405", "ends too early"),
        ("@when errors.rate('5m') > 1 for ever", "DB204", "'ever' is not a duration"),
        ("@when errors.rate('5m') > 1, severity=hihg", "DB204", "Did you mean high?"),
        ("@when errors.rate('5m') > 1, sevrity=high", "DB202", "@when has no key sevrity"),
        ("@app.health on=production", "DB110", "a symptom is bound by @when"),
    ],
)
def test_a_mistake_in_a_symptom_is_told(condition: str, code: str, says: str) -> None:
    found = said(steps("- A", before=f"### Symptoms\n- Slow `{condition}`\n"))

    assert [each[0] for each in found] == [code]
    assert says in found[0][3]


def test_an_undo_may_not_replace_the_one_an_action_has() -> None:
    book = steps(
        "- A `@migration.apply on=staging file=m.sql`",
        "  - undo: none, because nobody needs it",
        "- B `@app.restart on=staging`",
        "  - undo: restart it by hand",
    )

    found = said(book)

    assert [(each[0], each[1]) for each in found] == [("DB406", 6), ("DB403", 8)]


def test_runbooks_that_run_each_other_are_named_as_a_circle() -> None:
    book = "".join(
        f'## Runbook: {name}\n\n### Steps\n1. **Do**\n   - Go `@runbook name="{after}"`\n\n'
        for name, after in (("One", "Two"), ("Two", "Three"), ("Three", "Two"))
    )

    found = said(book)

    assert [each[0] for each in found] == ["DB603"]
    assert "Two → Three → Two" in found[0][3] or "Three → Two → Three" in found[0][3]


def test_an_action_that_changes_something_in_the_gate_is_a_finding() -> None:
    book = steps("- A", before="### Prerequisites\n- Backup `@backup.create on=staging`\n")

    found = check_text(book).diagnostics

    assert [(each.code, each.severity) for each in found] == [("DB412", Severity.FINDING)]


def test_an_option_below_a_plain_task_is_a_finding() -> None:
    found = check_text(steps("- A", "  - expect: it works `@app.status`")).diagnostics

    assert [each.code for each in found if each.severity is Severity.FINDING] == ["DB411"]


def test_policy_with_a_role_nobody_has_is_told_at_the_task() -> None:
    needs = Needs(consent=Consent.APPROVALS, approvals=1, roles=("ops",))
    stack = STACK.model_copy(update={"policy": {"staging": {Risk.WRITE: needs}}})

    found = said(steps("- A `@backup.create on=staging`"), stack=stack)

    assert [each[0] for each in found] == ["DB408"]


@pytest.mark.parametrize(
    ("given", "code", "says"),
    [
        ("count=1 cuont=2", "DB604", "runbook Other has no input cuont — Did you mean count?"),
        ("", "DB605", "runbook Other needs count="),
        ("count=many", "DB204", "input count: 'many' is not a whole number"),
        ("count=1 size=middle", "DB204", "'middle' is none of small, large"),
        ("count=${run.idd}", "DB304", "`run` has no `idd`"),
    ],
)
def test_a_mistake_in_a_call_of_a_runbook_is_told(given: str, code: str, says: str) -> None:
    found = said(BOOK.replace('name="Other" count=3', f'name="Other" {given}'))

    assert [each[0] for each in found] == [code]
    assert says in found[0][3]


def test_an_environment_that_lacks_what_an_action_needs_is_told_before_the_start() -> None:
    bare = STACK.model_copy(update={"port_systems": {"Database": ("database", "app")}})

    [(code, line, column, says)] = said(steps("- A `@app.health on=staging`"), stack=bare)

    assert (code, line, column) == ("DB208", 5, 24)
    assert says == (
        "staging has no app, which app.health needs — Add [environments.staging.app] to stack.toml."
    )


def test_a_role_the_policy_does_not_name_is_told() -> None:
    ruled = Needs(consent=Consent.APPROVALS, approvals=1, roles=("dba",))
    stack = STACK.model_copy(update={"policy": {"staging": {Risk.WRITE: ruled}}})
    book = steps(
        "- A `@app.restart on=staging wait=1s`", "  - needs: 1 approval from owner, valid 30m"
    )

    found = said(book, stack=stack)

    assert "DB413" in [each[0] for each in found]
    assert any("the policy asks dba, and this task asks owner" in each[3] for each in found)


def test_a_sound_book_has_nothing_said_about_it() -> None:
    assert said(BOOK) == []


def test_every_code_is_listed_and_every_listed_code_is_used() -> None:
    from pathlib import Path

    import drillbook.compiler

    sources = [each.read_text() for each in Path(drillbook.compiler.__path__[0]).glob("*.py")]
    used = [re.findall(r'"(DB\d{3})"(?!:)', text) for text in sources]

    assert {code for codes in used for code in codes} == set(CODES)
