"""Files are taken apart as the server would, and nothing in them makes it crash."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.dangers import dangers_of, destructive_of, tables_of
from drillbook.analysis.statements import read_script
from drillbook.analysis.units import Settling, units_of


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_it_crash(text: str) -> None:
    script = read_script(text)

    assert bool(script.statements) or bool(script.problems)
    units_of(script.statements)
    dangers_of(script.statements)
    destructive_of(script.statements)


PIECES = st.sampled_from(
    [
        "SELECT 1", "INSERT INTO a VALUES (';')", "CREATE TABLE é (x int)", "VACUUM a",
        "DO $x$ BEGIN PERFORM 1; END $x$", "CREATE INDEX CONCURRENTLY i ON a (b)",
        "UPDATE a SET b = 'it''s'", "DROP TABLE a", "COMMENT ON TABLE a IS '-- no comment'",
    ]
)  # fmt: skip
GAPS = st.sampled_from([";\n", " ; ", ";\n-- é;\n", ";/* ; */\n\n", ";\r\n"])


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(PIECES, GAPS), min_size=1, max_size=8))
def test_statements_come_back_as_written_with_their_lines(pieces: list[tuple[str, str]]) -> None:
    text = "-- head\n" + "".join(piece + gap for piece, gap in pieces)

    script = read_script(text)

    assert script.problems == ()
    assert [statement.text for statement in script.statements] == [piece for piece, _ in pieces]
    lines = text.split("\n")
    for statement in script.statements:
        assert statement.text.split("\n")[0] in lines[statement.line - 1]
    together = [s for unit in units_of(script.statements) for s in unit.statements]
    assert together == list(script.statements)


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "no statement"),
        ("-- nothing but words\n", 1, "no statement"),
        ("SELECT 1;\nSELCT 2;", 2, 'syntax error at or near "SELCT"'),
        ("SELECT 1;\n\\set x 1\n", 2, "\\set is a command of psql"),
        ("-- é\nSELECT 'é';\n\\copy a from b\n", 3, "\\copy is a command of psql"),
        ("BEGIN;\nSELECT 1;", 1, "BEGIN without a COMMIT"),
        ("SELECT 1;\nCOMMIT;", 2, "COMMIT without a BEGIN"),
        ("BEGIN;\nBEGIN;\nCOMMIT;", 2, "BEGIN inside the transaction of line 1"),
        ("BEGIN;\nROLLBACK;", 2, "ROLLBACK throws the work away"),
        ("BEGIN;\nPREPARE TRANSACTION 'x';", 2, "PREPARE TRANSACTION leaves"),
        ("BEGIN;\nCOMMIT AND CHAIN;", 2, "AND CHAIN"),
        ("COPY a FROM STDIN;", 1, "COPY from or to the client"),
        ("CREATE INDEX CONCURRENTLY ON a (b);", 1, "needs a name"),
        ("DELETE FROM drillbook.migrations;", 1, "schema drillbook holds"),
        ("DROP TABLE drillbook.migrations;", 1, "schema drillbook holds"),
        ("DROP SCHEMA drillbook CASCADE;", 1, "schema drillbook holds"),
    ],
)
def test_what_cannot_be_applied_is_named_with_its_line(text: str, line: int, says: str) -> None:
    problems = read_script(text).problems

    assert [(found.line, says in found.says) for found in problems[:1]] == [(line, True)]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("SELECT 1; SELECT 2;", [2]),
        ("BEGIN; SELECT 1; SELECT 2; COMMIT;", [2]),
        ("SELECT 1; VACUUM a; SELECT 2;", [1, 1, 1]),
        ("BEGIN; SELECT 1; COMMIT; SELECT 2; BEGIN; SELECT 3; SELECT 4; COMMIT;", [1, 1, 2]),
        ("ALTER TYPE m ADD VALUE 'x'; SELECT 1;", [2]),
        ("ALTER TYPE m ADD VALUE 'x'; INSERT INTO a VALUES ('x');", [1, 1]),
        ("SAVEPOINT a; SELECT 1; RELEASE a;", [3]),
    ],
)
def test_what_commits_together_is_one_unit(text: str, sizes: list[int]) -> None:
    units = units_of(read_script(text).statements)

    assert [len(unit.statements) for unit in units] == sizes


@pytest.mark.parametrize(
    ("text", "settling"),
    [
        ("CREATE INDEX CONCURRENTLY i ON a (b)", Settling.INDEX_BUILT),
        ("DROP INDEX CONCURRENTLY i", Settling.INDEX_GONE),
        ("REINDEX TABLE CONCURRENTLY a", Settling.INDEX_REBUILT),
        ("REINDEX SCHEMA public", Settling.REPEAT),
        ("VACUUM (FULL) a", Settling.REPEAT),
        ("CLUSTER", Settling.REPEAT),
        ("ALTER SYSTEM SET work_mem = '8MB'", Settling.REPEAT),
        ("ALTER TABLE p DETACH PARTITION q CONCURRENTLY", Settling.DETACHED),
        ("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", Settling.UNKNOWN),
        ("ANALYZE a", None),
        ("CLUSTER a USING i", None),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY m", None),
        ("CREATE INDEX i ON a (b)", None),
        ("REINDEX TABLE a", None),
    ],
)
def test_what_runs_alone_says_how_it_is_settled(text: str, settling: Settling | None) -> None:
    (unit,) = units_of(read_script(text).statements)

    assert (unit.lone.settling if unit.lone else None) is settling


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("CREATE INDEX i ON a (b)", "writes wait"),
        ("ALTER TABLE a ALTER b TYPE bigint", "changing the type of b"),
        ("ALTER TABLE a ALTER b SET NOT NULL", "NOT NULL of b"),
        ("ALTER TABLE a ADD CHECK (b > 0)", "every row is checked"),
        ("ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES c", "writes to both tables"),
        ("ALTER TABLE a ADD UNIQUE (b)", "an index is built"),
        ("ALTER TABLE a ADD COLUMN b bigserial", "numbers every row"),
        ("ALTER TABLE a ADD b int GENERATED ALWAYS AS IDENTITY", "numbers every row"),
        ("ALTER TABLE a ADD b int GENERATED ALWAYS AS (1) STORED", "generated b"),
        ("ALTER TABLE a ADD b uuid DEFAULT gen_random_uuid()", "computed for every row"),
        ("VACUUM FULL a", "rewrites"),
        ("UPDATE a SET b = 1", "all rows are locked"),
        ("LOCK TABLE a", "the lock is held"),
        ("SET lock_timeout = 0", "sets its own lock_timeout"),
    ],
)
def test_who_would_wait_is_told(text: str, says: str) -> None:
    assert [says in danger.says for danger in dangers_of(read_script(text).statements)] == [True]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE a (b int); CREATE INDEX i ON a (b)",
        "CREATE INDEX CONCURRENTLY i ON a (b)",
        "ALTER TABLE a ADD COLUMN b timestamptz DEFAULT now()",
        "ALTER TABLE a ADD CHECK (b > 0) NOT VALID",
        "ALTER TABLE a ADD UNIQUE USING INDEX i",
    ],
)
def test_what_makes_nobody_wait_is_not_told(text: str) -> None:
    assert dangers_of(read_script(text).statements) == ()


def test_what_is_lost_for_good_is_told() -> None:
    text = (
        "DROP TABLE s.a, b; ALTER TABLE c DROP COLUMN d; TRUNCATE e; DELETE FROM f;"
        " UPDATE g SET h = 1; DROP INDEX i; CREATE TABLE j ();"
    )
    script = read_script(text)

    assert [loss.table for loss in destructive_of(script.statements)] == [
        "s.a", "b", "c", "e", "f", "g",
    ]  # fmt: skip
    assert {"c", "e", "f", "g", "j"} <= set(tables_of(script.statements))
