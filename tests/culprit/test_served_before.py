"""What served well before, is gone again, or is as before on other routes, and what that says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from culprit.scenes import BEGAN, NEW, NOW, START, WELL, requests, scene, switch
from drillbook.analysis.culprit import judge
from drillbook.analysis.culprit.requests import Request, Word
from drillbook.analysis.culprit.scene import LimiterSeen, MigrationKnown, Scene
from drillbook.analysis.schema_words import dropped_names, made_names
from drillbook.core.incident import CauseKind, Change, ChangeKind, FixKind
from drillbook.core.migration_files import LedgerEntry
from drillbook.core.vitals import TableUse
from drillbook.triage import timeline

SCANNED = WELL.model_copy(
    update={
        "tables": (
            TableUse(
                table="public.orders", rows=90_000, size_bytes=9_000_000, scans_per_second=44.0,
                rows_per_second=4_000_000.0,
                before_per_second=20_000.0, read_per_scan=90_000.0, unindexed=("slot",),
            ),
        )
    }
)  # fmt: skip
DROPPED = MigrationKnown(
    "orders_slot_idx", BEGAN, 'DROP INDEX "orders_slot_idx"', in_ledger=False, has_file=False
)
JUST = (switch(BEGAN - timedelta(seconds=2)),)


def waits(one: Request, _: int) -> Request:
    return replace(one, milliseconds=900.0) if "list" in one.route else one


@pytest.fixture(scope="module")
def slow() -> Scene:
    """Lists are slow since the new build has the users; a table is read whole."""
    return scene(requests(waits), vitals=SCANNED, changes=JUST)


def served(seen: Scene, build_id: str) -> Scene:
    """The same, where another build answered before."""
    assert seen.trouble is not None
    before = tuple(replace(one, deployment=build_id) for one in seen.trouble.before)
    return replace(seen, trouble=replace(seen.trouble, before=before))


def test_a_release_is_blamed_for_the_query_that_is_slow_since_it_serves(slow: Scene) -> None:
    judged = judge(slow)

    assert judged.found is not None
    assert judged.found.cause.kind is CauseKind.RELEASE
    assert judged.fix.kind is FixKind.ROLL_BACK


def test_an_index_dropped_by_hand_is_no_fault_of_the_release_given_back_that_minute(
    slow: Scene,
) -> None:
    new = judge(replace(slow, migrations=(DROPPED,)))
    back = judge(replace(served(slow, "dpl_new"), migrations=(DROPPED,)))

    assert new.fix.kind is back.fix.kind is FixKind.PERSON, new.says
    assert new.found is None or new.found.cause.kind is CauseKind.SLOW_QUERY
    assert back.found is not None
    assert back.found.cause.subject == "public.orders"


def test_a_build_whose_code_served_well_before_is_not_gone_back_from(slow: Scene) -> None:
    twin = replace(served(slow, "dpl_twin"), commits={"dpl_twin": NEW.deployment.commit})

    for seen in (served(slow, "dpl_new"), twin):
        judged = judge(seen)
        assert judged.fix.kind is not FixKind.ROLL_BACK, judged.says


def test_one_route_that_is_slower_at_the_same_load_speaks_for_the_release(slow: Scene) -> None:
    found = judge(replace(slow, vitals=WELL)).candidates[0]

    assert found.cause.kind is CauseKind.RELEASE
    assert any("2 other routes" in one.says and one.weight > 0 for one in found.evidence)


def test_some_that_wait_on_every_route_are_no_release() -> None:
    def some_wait(one: Request, number: int) -> Request:
        return replace(one, milliseconds=900.0) if number % 5 == 0 else one

    judged = judge(scene(requests(some_wait), changes=JUST))

    assert judged.found is None, judged.says


def test_the_moment_is_told_by_the_change_that_is_named(slow: Scene) -> None:
    judged = judge(slow)

    assert slow.trouble is not None
    assert judged.onset is not None
    assert judged.onset.earliest >= JUST[0].at.timestamp() - 1
    assert judged.onset.latest <= slow.trouble.onset.latest + 1


def test_the_last_failures_of_an_earlier_outage_are_not_this_one_s(slow: Scene) -> None:
    trouble = slow.trouble
    assert trouble is not None
    earlier = replace(trouble.bad[0], at=trouble.onset.at - 20, message="too many requests")

    both = replace(trouble, bad=(earlier,) * 30 + trouble.bad)

    assert both.telling == trouble.telling


def test_a_cache_that_hangs_is_named_where_requests_wait_whatever_a_few_say(slow: Scene) -> None:
    trouble = slow.trouble
    assert trouble is not None
    said = 'null value in column "price" violates not-null constraint'
    few = tuple(replace(one, status=500, message=said) for one in trouble.bad[:3])
    mixed = replace(trouble, bad=(*few, *trouble.bad[3:]))
    ruled = MigrationKnown("0005_price", None, "ALTER TABLE orders ADD COLUMN price int NOT NULL")
    hanging = LimiterSeen(False, 0.0, 0, 0, "", says="it does not answer us")

    judged = judge(
        replace(slow, trouble=mixed, vitals=WELL, changes=(), migrations=(ruled,), limiter=hanging)
    )

    assert judged.found is not None, judged.says
    assert judged.found.cause.kind is CauseKind.CACHE
    assert all(one.cause.kind is not CauseKind.MIGRATION for one in judged.candidates)


def test_a_log_that_could_not_be_read_is_a_person_s_to_see_and_never_nobody_hit() -> None:
    judged = judge(Scene(now=NOW, unknown={"logs": "took too long"}))

    assert judged.fix.kind is FixKind.PERSON
    assert "not known" in judged.says


def test_a_migration_after_which_its_routes_served_well_is_no_cause() -> None:
    early = MigrationKnown("0005_price", BEGAN - timedelta(minutes=4), "ALTER TABLE orders ADD COL")
    said = 'null value in column "channel" violates not-null constraint'

    def refused(one: Request, _: int) -> Request:
        return replace(one, status=500, message=said)

    change = Change(kind=ChangeKind.MIGRATION, at=BEGAN - timedelta(minutes=4),
                    subject="0005_price", says="", source="ledger")  # fmt: skip
    judged = judge(scene(requests(refused), migrations=(early,), changes=(change,)))

    assert judged.found is None
    assert any("of those routes came between" in one.says for candidate in judged.candidates
               for one in candidate.evidence)  # fmt: skip


def word(ago: float, text: str) -> Word:
    return Word(NOW.timestamp() - ago, "info", f"statement: {text}", "", "database")


MADE = "CREATE FUNCTION shop.price() RETURNS int; CREATE TRIGGER t_price BEFORE INSERT ON orders"


def test_a_migration_whose_objects_are_dropped_again_is_known_as_taken_back() -> None:
    hand = timeline.by_hand([
        word(90, MADE),
        word(50, "CREATE SCHEMA IF NOT EXISTS drillbook"),
        word(49, "CREATE UNIQUE INDEX IF NOT EXISTS in_force\nON drillbook.migrations (name)"),
        word(48, "DROP TRIGGER t_price ON orders"),
        word(47, "DROP FUNCTION shop.price()"),
    ])  # fmt: skip

    known = {one.name: one for one in timeline.known_migrations((), {}, hand, {})}

    assert [one.objects for one in hand] == [("shop.price", "t_price")] * 1 + [
        ("t_price", "shop.price")
    ]
    first, second = known.values()
    assert first.undone_at == second.at
    assert second.undone_at is None


def test_a_migration_that_a_ledger_has_as_taken_back_is_blamed_for_no_refusal() -> None:
    entry = LedgerEntry(
        ledger="own", name="0005_price", statements=("ALTER TABLE orders ADD COLUMN price int",),
        status="taken back", at=BEGAN - timedelta(seconds=60),
        taken_back_at=BEGAN - timedelta(seconds=20),
    )  # fmt: skip
    (known,) = timeline.known_migrations((entry,), {}, (), {})
    changes = tuple(timeline.ledgered((entry,), START, NOW))

    def refused(one: Request, _: int) -> Request:
        said = 'null value in column "price" of relation "orders" violates not-null constraint'
        return replace(one, status=500, message=said)

    judged = judge(scene(requests(refused), migrations=(known,), changes=changes))

    assert [one.says.rpartition("was ")[2] for one in changes] == ["applied", "taken back"]
    assert judged.fix.kind is FixKind.PERSON
    assert judged.found is None


def answers(*builds: tuple[str, int]) -> list[Request]:
    names = [name for name, count in builds for _ in range(count)]
    return [
        Request(at=float(at), status=200, route="GET /", deployment=name)
        for at, name in enumerate(names)
    ]


def test_a_build_that_comes_back_is_dated_by_its_coming_back() -> None:
    back = timeline.switched(answers(("old", 200), ("new", 100), ("old", 100)))
    late = timeline.switched(answers(("old", 200), ("new", 100), ("old", 1), ("new", 100)))

    assert [(one.deployment, one.first) for one in back] == [("old", 0), ("new", 200), ("old", 300)]
    assert [one.deployment for one in late] == ["old", "new"]


def test_what_statements_make_and_drop_is_read_by_their_words() -> None:
    altered = "ALTER TABLE o ADD COLUMN IF NOT EXISTS a int, ADD CONSTRAINT b CHECK (a > 0)"

    assert made_names(altered) == {"a", "b"}
    assert made_names('CREATE UNIQUE INDEX CONCURRENTLY "x" ON o (a)') == {"x"}
    assert made_names("CREATE TABLE t (); DROP TABLE t") == frozenset()
    assert dropped_names('DROP INDEX CONCURRENTLY IF EXISTS s."x"') == {"x"}


ANEW = {
    "a constraint": "ALTER TABLE orders DROP CONSTRAINT IF EXISTS c; "
    "ALTER TABLE orders ADD CONSTRAINT c CHECK (price > 0)",
    "a constraint in one statement": "ALTER TABLE o DROP CONSTRAINT c, ADD CONSTRAINT c CHECK (a)",
    "a function": "DROP FUNCTION IF EXISTS shop.c(int); CREATE FUNCTION shop.c(int) RETURNS int",
    "a trigger": "DROP TRIGGER c ON orders; CREATE TRIGGER c BEFORE INSERT ON orders",
    "a table by another's name": 'DROP TABLE "c"; ALTER TABLE c_new RENAME TO c',
    "one on another table": "ALTER TABLE b ADD CONSTRAINT c CHECK (a); "
    "ALTER TABLE old DROP CONSTRAINT c",
}


@pytest.mark.parametrize("text", ANEW.values(), ids=ANEW)
def test_what_is_dropped_and_made_anew_is_there(text: str) -> None:
    assert "c" not in dropped_names(text)
    assert "c" in dropped_names(f"{text}; DROP TRIGGER c ON b; DROP TABLE c")


def test_a_rule_that_is_dropped_and_made_anew_is_blamed_for_what_it_refuses() -> None:
    text = ANEW["a constraint"].replace(" c", " orders_price_check")
    known = MigrationKnown("0009_price", BEGAN - timedelta(seconds=1), text)
    change = Change(kind=ChangeKind.MIGRATION, at=BEGAN - timedelta(seconds=1),
                    subject=known.name, says="", source="ledger")  # fmt: skip
    said = 'new row for relation "orders" violates check constraint "orders_price_check"'

    def refused(one: Request, _: int) -> Request:
        return replace(one, status=500, message=said)

    judged = judge(scene(requests(refused), migrations=(known,), changes=(change,)))

    assert judged.found is not None, judged.says
    assert judged.found.cause.subject == known.name
    assert any("name what it makes" in one.says for one in judged.found.evidence)


def hand_group(ago: float, text: str) -> timeline.ByHand:
    return timeline.ByHand(NOW - timedelta(seconds=ago), text, ("orders",), False)


def test_a_hand_that_drops_what_is_made_anew_or_is_of_another_table_takes_nothing_back() -> None:
    entry = LedgerEntry(
        ledger="own", name="0009", statements=("ALTER TABLE orders ADD CONSTRAINT c CHECK (a)",),
        status="applied", at=NOW - timedelta(seconds=90),
    )  # fmt: skip
    drop, add = (
        "ALTER TABLE orders DROP CONSTRAINT c",
        "ALTER TABLE orders ADD CONSTRAINT c CHECK (b)",
    )

    def undone(*hand: timeline.ByHand) -> object:
        return timeline.known_migrations((entry,), {}, hand, {})[0].undone_at

    assert undone(hand_group(50, f"{drop};\n{add}")) is None
    assert undone(hand_group(50, drop), hand_group(20, add)) is None
    assert undone(hand_group(50, drop.replace("orders", "rooms"))) is None
    assert undone(hand_group(50, f"{add};\n{drop}")) == NOW - timedelta(seconds=50)
    assert undone(hand_group(50, drop), hand_group(20, drop)) == NOW - timedelta(seconds=50)


def test_a_build_that_comes_back_little_by_little_is_found_as_coming_back() -> None:
    mixed = tuple((name, 1) for _ in range(5) for name in ("old", "new"))

    back = timeline.switched(answers(("old", 100), ("new", 200), *mixed, ("old", 300)))

    assert [one.deployment for one in back] == ["old", "new", "old"]
    assert 300 <= back[-1].first <= 312


TAKEN_BACK = LedgerEntry(
    ledger="own", name="0005_price", statements=("ALTER TABLE orders ADD COLUMN price int",),
    status="taken back", at=BEGAN - timedelta(days=3), taken_back_at=BEGAN - timedelta(seconds=1),
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "told", "fits"),
    [
        (
            'column "price" does not exist',
            f"it was taken back at {BEGAN - timedelta(seconds=1):%H:%M:%S} UTC",
            True,
        ),
        (
            'null value in column "price" violates not-null constraint',
            f"it was applied at {BEGAN - timedelta(days=3):%Y-%m-%d %H:%M} UTC, long before",
            False,
        ),
    ],
)
def test_a_migration_is_dated_by_what_was_done_to_it_at_that_moment(
    said: str, told: str, fits: bool
) -> None:
    known = timeline.known_migrations((TAKEN_BACK,), {}, (), {})
    changes = tuple(timeline.ledgered((TAKEN_BACK,), START, NOW))

    def refused(one: Request, _: int) -> Request:
        return replace(one, status=500, message=said)

    judged = judge(scene(requests(refused), migrations=known, changes=changes))
    (case,) = (one for one in judged.candidates if one.cause.kind is CauseKind.MIGRATION)
    weights = {one.says: one.weight for one in case.evidence}

    assert (weights[told] > 0) is fits
    assert not any(one.startswith("it was applied at") for one in weights if one != told)


def test_what_was_taken_back_and_applied_once_more_by_hand_is_in_force_since_then() -> None:
    text = "ALTER TABLE orders ADD COLUMN channel text NOT NULL"
    hand = (
        hand_group(300, text),
        hand_group(200, "ALTER TABLE orders DROP COLUMN channel"),
        hand_group(30, text),
    )
    taken_back = LedgerEntry(
        ledger="own", name="0009_channel", statements=(text,), status="taken back",
        at=NOW - timedelta(seconds=300), taken_back_at=NOW - timedelta(seconds=200),
    )  # fmt: skip

    for entries in ((), (taken_back,)):
        known = timeline.known_migrations(
            entries, {"0009_channel.sql": text}, hand, {text: "0009_channel"}
        )
        found = {one.name: (one.at, one.undone_at) for one in known}["0009_channel"]
        assert found == (NOW - timedelta(seconds=30), None)


def test_a_file_that_the_database_s_log_has_not_seen_is_blamed_for_no_row() -> None:
    def refused(one: Request, _: int) -> Request:
        said = 'new row for relation "orders" violates check constraint "orders_channel_check"'
        return replace(one, status=500, message=said)

    def file(name: str) -> MigrationKnown:
        text = "ALTER TABLE orders ADD CONSTRAINT orders_channel_check CHECK (true)"
        return MigrationKnown(name, None, text, False, in_code_only=True)

    seen = scene(requests(refused), migrations=(file("0020_a"), file("0022_b")))
    other = Change(kind=ChangeKind.MIGRATION, at=BEGAN - timedelta(minutes=5), subject="rooms",
                   says="the schema was changed: rooms", source="database log")  # fmt: skip

    alone, logged = judge(seen), judge(replace(seen, changes=(other,)))

    assert logged.none > 10 * alone.none
    assert logged.found is None
