"""Only what was proven is offered; a given down script is held to the same."""

import pytest

from drillbook.core.errors import Failed
from drillbook.ports.ways_back import ONLY_A_RESTORE
from wayback.conftest import Shop

ADD = "ALTER TABLE stays ADD COLUMN paid bool; CREATE INDEX stays_paid ON stays (paid)"


def test_a_right_down_script_is_proven(shop: Shop) -> None:
    found = shop.rehearse(ADD, "ALTER TABLE stays DROP COLUMN paid;")

    assert found.proven
    assert found.script is not None
    assert (found.script.derived, found.script.capture_sql) == (False, "")
    assert found.script.down_sql == "ALTER TABLE stays DROP COLUMN paid;"
    assert found.price == "rows written to public.stays after it lose column paid"


@pytest.mark.parametrize(
    ("down", "price"),
    [
        (
            "DELETE FROM later",
            "its down script deletes from later, also rows written after it",
        ),
        (
            "TRUNCATE public.later; UPDATE later SET note = 'x' WHERE id < 0",
            (
                "its down script sets note of later, also in rows written after it; "
                "its down script deletes from public.later, also rows written after it"
            ),
        ),
        (
            "DROP TABLE later; CREATE TABLE later (id int, note text)",
            "rows written to public.later after it are lost: its down script drops it",
        ),
        (
            "ALTER TABLE later DROP note; ALTER TABLE later ADD note text",
            "rows written to public.later after it lose column note",
        ),
    ],
)
def test_the_price_of_a_given_script_tells_what_it_takes_itself(
    shop: Shop, down: str, price: str
) -> None:
    with shop.copied() as copy:
        copy.run("CREATE TABLE later (id int, note text)")  # empty: nothing is missed yet

        found = copy.rehearse("SELECT 1", down)

    assert found.proven, found.says
    assert found.price == price


def test_the_price_tells_that_a_unique_index_may_not_come_back(shop: Shop) -> None:
    with shop.copied() as copy:
        copy.run("CREATE UNIQUE INDEX one_note ON stays (id)")

        found = copy.rehearse("DROP INDEX one_note")

    assert found.price == (
        "rows written to public.stays after it that break public.one_note stop the way back "
        "until they are mended"
    )


@pytest.mark.parametrize(
    ("up", "down", "said"),
    [
        (ADD, "DROP INDEX stays_paid", "column public.stays.paid is there and was not"),
        (
            "ALTER TABLE stays DROP COLUMN note",
            "ALTER TABLE stays ADD note varchar(40)",
            "with other contents",
        ),
        ("DELETE FROM log", "SELECT 1", "table public.log has 0 rows and had 5"),
        (ADD, "DROP TABLE nothing", 'table "nothing" does not exist'),
        (
            "CREATE TABLE IF NOT EXISTS a (b int)",
            "ALTER TABLE a RENAME TO c",
            "table public.c is there",
        ),
        (
            "ALTER SEQUENCE stays_id_seq RESTART",
            "SELECT 1",
            "sequence public.stays_id_seq stands before 30",
        ),
    ],
)
def test_a_down_script_that_does_not_lead_back_is_not_offered(
    shop: Shop, up: str, down: str, said: str
) -> None:
    found = shop.rehearse(up, down)

    assert found.script is None
    assert found.says.startswith(f"{ONLY_A_RESTORE}: the given down script does not lead back")
    assert said in " ".join((found.why_not, *found.differences))


@pytest.mark.parametrize(
    ("up", "said"),
    [
        ("DELETE FROM log WHERE line > 'x'", "public.log has no unique key without nulls"),
        ("ALTER TABLE log DROP COLUMN line", "public.log has no unique key without nulls"),
        ("ALTER TABLE guests DROP COLUMN id CASCADE", "public.guests has no unique key"),
    ],
)
def test_without_a_key_only_a_restore_leads_back(shop: Shop, up: str, said: str) -> None:
    found = shop.rehearse(up)

    assert found.script is None
    assert said in found.why_not
    assert found.says.startswith(ONLY_A_RESTORE)


def test_what_is_too_big_to_copy_is_not_copied(shop: Shop) -> None:
    found = shop.rehearse("DROP TABLE log", at_most_bytes=1000)

    assert found.script is None
    assert "is too big to copy" in found.why_not


def test_what_the_catalog_cannot_make_again_is_named(shop: Shop) -> None:
    with shop.copied() as copy:
        copy.run("CREATE AGGREGATE most(int) (SFUNC = int4larger, STYPE = int)")

        found = copy.rehearse("DROP AGGREGATE most(int)")

    assert found.script is None
    assert "aggregate public.most(integer)" in found.why_not


def test_a_migration_that_fails_on_the_copy_is_an_error(shop: Shop) -> None:
    with pytest.raises(Failed, match="cannot be applied to the copy"):
        shop.rehearse("ALTER TABLE no_table ADD a int")


def test_a_way_back_that_up_again_would_not_follow_is_not_offered(shop: Shop) -> None:
    test = "IF to_regnamespace('drillbook') IS NULL THEN CREATE TABLE a (i int); END IF"
    up = f"DO $$BEGIN {test}; END$$"

    found = shop.rehearse(up, "DROP TABLE a; CREATE SCHEMA drillbook")

    assert found.script is None
    assert "table public.a is missing" in found.differences


def test_the_way_back_is_tried_with_the_rights_of_the_role(shop: Shop) -> None:
    with shop.copied() as copy:
        copy.run("CREATE ROLE clerk; CREATE SCHEMA desk AUTHORIZATION clerk")
        copy.run("CREATE TABLE desk.pens (id int PRIMARY KEY, ink text, cap bool)")
        copy.run(
            "INSERT INTO desk.pens VALUES (1, 'blue', true); ALTER TABLE desk.pens OWNER TO clerk"
        )
        try:
            found = copy.rehearse("ALTER TABLE desk.pens DROP COLUMN ink", role="clerk")
            refused = copy.rehearse(
                "CREATE TABLE desk.a (b int)", "DROP FUNCTION public.noted()", role="clerk"
            )
        finally:
            copy.run("DROP OWNED BY clerk CASCADE; DROP ROLE clerk")

    assert found.proven, found.says
    assert found.captured_rows == 1
    assert "must be owner of function public.noted" in refused.why_not
