"""What worked before and fails after is broken; what never worked, or was never sure, is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.behaviour import compared, fails_always
from drillbook.analysis.dropping import dropped_by
from drillbook.core.behaviour import Behaviour, Behaviours, Subject
from drillbook.core.files import File

TABLE = "public.bookings"


def one(**values: object) -> Behaviour:
    usual = {
        "subject": TABLE,
        "kind": Subject.TABLE,
        "operation": "insert",
        "role": "service",
        "ok": True,
        "worked": 1,
        "rows": 1,
        "identity": "relation 7",
    }
    return Behaviour.model_validate(usual | values)


def seen(*found: Behaviour, there: tuple[str, ...] = ()) -> Behaviours:
    return Behaviours(behaviours=found, there=there)


FAILS = {"ok": False, "worked": 0, "rows": 0, "sqlstate": "23502", "error": "null value"}


def test_an_insert_that_fails_now_is_broken_with_table_operation_role_and_error() -> None:
    (found,) = compared(seen(one()), seen(one(**FAILS))).broken

    assert found.says == "insert on public.bookings as service: null value"
    assert found.sqlstate == "23502"


def test_what_never_worked_is_no_finding() -> None:
    assert compared(seen(one(**FAILS)), seen(one(**FAILS))).broken == ()


def test_what_could_not_be_tried_again_is_unsure_and_not_broken() -> None:
    late = one(**FAILS | {"sure": False, "sqlstate": "55P03", "error": "a lock was not free"})

    found = compared(seen(one()), seen(late))

    assert found.broken == ()
    assert found.unsure == ("insert on public.bookings as service: a lock was not free",)


def test_a_renamed_table_is_the_same_table() -> None:
    renamed = one(subject="public.appointments", **FAILS)

    assert compared(seen(one()), seen(one(subject="public.appointments"))).broken == ()
    assert compared(seen(one()), seen(renamed)).broken[0].subject == "public.appointments"


def test_a_table_that_took_the_name_is_what_the_app_meets() -> None:
    swapped = seen(one(identity="relation 8", **FAILS), one(subject="public.old"))

    assert len(compared(seen(one()), swapped).broken) == 1


def test_failing_for_some_rows_only_is_broken() -> None:
    before, after = one(tries=3, worked=3), one(tries=3, worked=2, error="no deposit")

    (found,) = compared(seen(before), seen(after)).broken

    assert found.error == "fails for 1 of 3 rows: no deposit"


def test_an_update_that_changes_nothing_any_more_is_broken() -> None:
    before, after = one(operation="update"), one(operation="update", rows=0)

    (found,) = compared(seen(before), seen(after)).broken

    assert "changes no row where it changed 1" in found.error


@pytest.mark.parametrize(
    ("then", "now", "is_broken"),
    [
        ((10, 100), (0, 100), True),
        ((10, 100), (100, 100), True),
        ((10, 100), (50, 100), True),
        ((10, 100), (10, 100), False),
        ((100, 100), (90, 90), False),
        ((100, 100), (0, 0), False),
        ((0, 100), (10, 100), False),
    ],
)
def test_a_role_that_sees_otherwise_is_broken(
    then: tuple[int, int], now: tuple[int, int], is_broken: bool
) -> None:
    before = one(operation="read", rows=then[0], of=then[1])
    after = one(operation="read", rows=now[0], of=now[1])

    assert bool(compared(seen(before), seen(after)).broken) is is_broken


def test_rows_that_others_change_meanwhile_are_no_finding_on_a_live_database() -> None:
    before = one(operation="read", rows=40, of=100)
    after = one(operation="read", rows=45, of=100)

    assert compared(seen(before), seen(after), live=True).broken == ()
    assert compared(seen(before), seen(after)).broken != ()


def test_what_a_role_may_do_or_see_now_is_widened() -> None:
    refused = one(**FAILS | {"sqlstate": "42501"})
    blind = one(operation="read", rows=0, of=9)

    found = compared(seen(refused, blind), seen(one(), one(operation="read", rows=9, of=9)))

    assert found.broken == ()
    assert len(found.widened) == 2


def test_a_call_that_its_own_words_refuse_is_unsure_on_a_live_database_only() -> None:
    call = {"subject": "public.f()", "kind": Subject.FUNCTION, "operation": "call"}
    after = one(**call, **FAILS | {"refused": True})

    assert compared(seen(one(**call)), seen(after), live=True).unsure != ()
    assert compared(seen(one(**call)), seen(after)).broken != ()


@pytest.mark.parametrize(
    ("state", "always"),
    [("42703", True), ("42P17", True), ("23502", True), ("42501", False), ("P0001", False)],
)
def test_a_new_function_is_broken_when_no_arguments_could_help(state: str, always: bool) -> None:
    new = one(subject="public.f()", kind=Subject.FUNCTION, **FAILS | {"sqlstate": state})

    assert fails_always(new) is always
    assert bool(compared(seen(), seen(new)).broken) is always


def test_a_view_taken_along_by_cascade_is_broken_and_one_dropped_by_name_is_not() -> None:
    view = one(subject="public.open", kind=Subject.VIEW, operation="read", identity="relation 9")

    assert len(compared(seen(view), seen(), dropped=["bookings"]).broken) == 1
    for name in ("open", "public.open", "public.*"):
        assert compared(seen(view), seen(), dropped=[name]).broken == ()
    assert compared(seen(view), seen(), dropped=None).broken == ()
    assert compared(seen(view), seen(there=("public.open",)), dropped=[]).broken == ()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("DROP TABLE a, b.c CASCADE", {"a", "b.c"}),
        ("DROP FUNCTION f(int), s.g", {"f", "s.g"}),
        ("DROP SCHEMA old CASCADE", {"old.*"}),
        ("DROP VIEW v; DROP TYPE t; DROP DOMAIN s.d", {"v", "t", "s.d"}),
        ("ALTER TABLE a RENAME TO b", {"a"}),
        ("ALTER FUNCTION s.f(int) RENAME TO g", {"s.f"}),
        ("ALTER TABLE a SET SCHEMA s", {"a"}),
        ("CREATE TABLE a ()", set()),
        ("DO $$ BEGIN EXECUTE 'DROP TABLE a'; END $$", None),
    ],
)
def test_what_a_file_drops_by_name_is_read_from_it(text: str, names: set[str] | None) -> None:
    assert dropped_by(File(name="1.sql", sha256="", text=text)) == names


BEHAVIOUR = st.builds(
    one,
    subject=st.sampled_from([TABLE, "public.users"]),
    operation=st.sampled_from(["insert", "read", "update", "delete"]),
    role=st.sampled_from(["service", "anon"]),
    ok=st.booleans(),
    sure=st.booleans(),
    rows=st.integers(min_value=0, max_value=9),
    of=st.integers(min_value=0, max_value=9),
)


@given(st.lists(BEHAVIOUR, max_size=8))
def test_nothing_is_broken_against_itself(found: list[Behaviour]) -> None:
    unique = {(b.subject, b.operation, b.role): b for b in found}.values()

    result = compared(seen(*unique), seen(*unique), dropped=[])

    assert (result.broken, result.widened, result.unsure) == ((), (), ())
