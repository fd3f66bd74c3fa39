"""What migrations take from a program that was written before them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.analysis.oldcode import breaks_old_code

ADDS = (
    "CREATE TABLE notes (id bigint PRIMARY KEY, slot bigint REFERENCES slots (id))",
    "ALTER TABLE slots ADD COLUMN note text",
    "ALTER TABLE slots ADD COLUMN seats int NOT NULL DEFAULT 1",
    "CREATE INDEX CONCURRENTLY slots_day ON slots (day)",
    "ALTER TABLE slots ALTER COLUMN title DROP NOT NULL",
    "INSERT INTO slots (title) VALUES ('new')",
    "COMMENT ON TABLE slots IS 'times to book'",
    "GRANT SELECT ON slots TO reader",
    "CREATE FUNCTION fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER TYPE mood ADD VALUE 'calm'",
    "DROP INDEX slots_old",
    "ALTER TABLE bookings ADD COLUMN voucher text UNIQUE",
    "CREATE VIEW open_slots AS SELECT * FROM slots",
    "ALTER TABLE slots VALIDATE CONSTRAINT slots_check",
    "SELECT set_config('search_path', 'public', false)",
)
TAKES = {
    "ALTER TABLE slots DROP COLUMN day": "the column day of slots is dropped",
    "ALTER TABLE public.slots RENAME COLUMN day TO date": "the column day of slots is now date",
    "ALTER TABLE slots RENAME TO times": "slots is now times",
    "DROP TABLE bookings": "the table bookings is dropped",
    "DROP FUNCTION price(int)": "the function price is dropped",
    "ALTER TABLE slots ADD COLUMN room int NOT NULL": "the new column room of slots must be given",
    "ALTER TABLE slots ALTER COLUMN day TYPE text": "the type of day of slots is changed",
    "ALTER TABLE slots ALTER COLUMN day SET NOT NULL": "day of slots may be empty no longer",
    "ALTER TABLE slots ALTER COLUMN day DROP DEFAULT": "the default of day of slots is taken",
    "ALTER TABLE slots ADD CHECK (length(day) < 9) NOT VALID": "a check on slots (day)",
    "CREATE UNIQUE INDEX one_a_day ON bookings (day)": "bookings (day) must be unique",
    "ALTER TABLE bookings ENABLE ROW LEVEL SECURITY": "row security of bookings is turned on",
    "UPDATE bookings SET status = upper(status)": "rows of bookings are overwritten (status)",
    "DELETE FROM slots WHERE day < now()": "rows of slots are deleted",
    "TRUNCATE bookings": "all rows of bookings are deleted",
    "ALTER TYPE mood RENAME VALUE 'ok' TO 'fine'": "the value ok of mood is now fine",
    "REVOKE INSERT ON bookings FROM app": "rights on bookings are taken away",
    "ALTER TABLE slots SET SCHEMA old": "slots is now in the schema old",
    "DROP TRIGGER audit ON bookings": "the trigger audit of bookings is dropped",
}
NOBODY_KNOWS = (
    "DO $$ BEGIN EXECUTE 'DROP TABLE slots'; END $$",
    "CREATE OR REPLACE FUNCTION price(int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "CREATE TRIGGER guard BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION guard()",
    "WITH old AS (DELETE FROM slots RETURNING *) SELECT count(*) FROM old",
    "SELECT move_everything()",
    "ALTER TABLE slots ADD COLUMN",
)


@pytest.mark.parametrize("sql", TAKES)
def test_what_is_taken_from_old_code_is_named(sql: str) -> None:
    (found,) = breaks_old_code([("0007.sql", f"-- why\n{sql};")])

    assert found.says.startswith(TAKES[sql])
    assert (found.migration, found.line, found.sure) == ("0007.sql", 2, True)


@pytest.mark.parametrize("sql", NOBODY_KNOWS)
def test_what_nobody_can_tell_is_not_called_harmless(sql: str) -> None:
    found = breaks_old_code([("0007.sql", sql)])

    assert found
    assert not any(one.sure for one in found)


@given(st.lists(st.sampled_from(ADDS), min_size=1, max_size=6))
def test_additions_never_break_old_code(statements: list[str]) -> None:
    assert breaks_old_code([("a.sql", ";\n".join(statements))]) == ()


@given(
    st.lists(st.sampled_from(ADDS), max_size=4),
    st.sampled_from(sorted(TAKES)),
    st.lists(st.sampled_from(ADDS), max_size=4),
    st.booleans(),
)
def test_one_loss_among_additions_is_always_found(
    before: list[str], loss: str, after: list[str], in_one_file: bool
) -> None:
    files = [*before, loss, *after]
    texts = ["; ".join(files)] if in_one_file else files

    found = breaks_old_code([(f"{at}.sql", text) for at, text in enumerate(texts)])

    assert [one.says for one in found if one.sure and one.says.startswith(TAKES[loss])]


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (a int); ALTER TABLE t DROP COLUMN a; DELETE FROM t; DROP TABLE t",
        "ALTER TABLE slots ADD n int; UPDATE slots SET n = 1; ALTER TABLE slots DROP n",
        "ALTER TABLE slots ADD n int; CREATE UNIQUE INDEX u ON slots (n)",
        "ALTER TABLE slots ADD n int; ALTER TABLE slots ADD FOREIGN KEY (n) REFERENCES rooms (id)",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION f()",
    ],
)
def test_what_was_made_meanwhile_may_be_taken_again(sql: str) -> None:
    assert breaks_old_code([("a.sql", sql)]) == ()


def test_a_new_column_that_loses_its_default_later_must_be_given() -> None:
    found = breaks_old_code(
        [
            ("1.sql", "ALTER TABLE slots ADD COLUMN room int NOT NULL DEFAULT 1"),
            ("2.sql", "ALTER TABLE slots ALTER COLUMN room DROP DEFAULT"),
        ]
    )

    assert [(one.migration, one.says) for one in found] == [
        ("2.sql", "the new column room of slots must be given, and old code does not")
    ]
