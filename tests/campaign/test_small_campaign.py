"""The campaign of `make campaign-kill`, in small: real runs, really killed, counted afterwards."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from benchmarks.campaign import deployments
from benchmarks.campaign.cases import Case, draw
from benchmarks.campaign.counting import (
    Counts,
    References,
    count_command,
    count_left_over,
    count_migration,
)
from benchmarks.campaign.deployments import FIRST
from benchmarks.campaign.site import DATABASE, Site
from benchmarks.campaign.upgrade import reordered
from benchmarks.campaign.variants import BY_NAME, DRIFT, Variant, migration_book, statements
from benchmarks.campaign_kill import Campaign, drawn

from drillbook.actions import CATALOG
from drillbook.compiler import check_book
from drillbook.engine.outcome import RunOutcome, State

SEED = 1
SMALL = {"sqlite": (2, 8), "postgres": (9, 19)}
DONE = RunOutcome(state=State.DONE)
BACK = RunOutcome(state=State.TAKEN_BACK)


@pytest.mark.parametrize("store", SMALL)
def test_killed_runs_do_nothing_twice_lose_nothing_and_say_what_is_so(
    store: str, tmp_path: Path
) -> None:
    cases = [draw(SEED, number) for number in SMALL[store]]
    campaign = Campaign(tmp_path / "campaign", SEED, cases)

    campaign.carry_out()

    assert campaign.broken == []
    assert [(told.case, told.counts.says) for told in campaign.told] == [
        (case, []) for case in cases
    ]
    assert campaign.is_clean
    assert not (tmp_path / "campaign").exists()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    opened = Site(folder / "lane", "sqlite", folder)
    try:
        opened.open()
        yield opened
    finally:
        opened.close()


@pytest.fixture(scope="module")
def references(site: Site) -> References:
    """What is right, made once: nothing here changes it."""
    return References(site)


Counter = Callable[[Case, RunOutcome], Counts]


@pytest.fixture
def counted(site: Site, references: References) -> Counter:
    def count(case: Case, outcome: RunOutcome) -> Counts:
        return count_migration(site, references, case, outcome, site.plan(case.variant))

    return count


def migrated(site: Site, name: str = "transactional") -> Case:
    """Databases as the migration leaves them, made by hand, with a ledger as Drillbook's."""
    variant = BY_NAME[name]
    site.reset(variant)
    up, down = statements(variant.up), statements(variant.down)
    ledger = (
        "CREATE SCHEMA drillbook",
        "CREATE TABLE drillbook.migrations (effect_key text, name text, status text)",
        "INSERT INTO drillbook.migrations VALUES ('key', 'name', 'applied')",
    )
    site.run_sql("production", DATABASE, *up, *ledger)
    site.run_sql("staging", DATABASE, *up, *down, *up, *ledger)
    return Case(0, "sqlite", variant, (), in_undo=False)


def test_the_counters_find_nothing_where_nothing_is_wrong(site: Site, counted: Counter) -> None:
    case = migrated(site)

    assert counted(case, DONE).says == []


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("INSERT INTO effects (what) VALUES ('up-1')", {"twice": 1}),
        ("DELETE FROM effects", {"lost": 1}),
        ("UPDATE people SET balance = balance + 1 WHERE id = 1", {"false_done": 1}),
        ("DROP TABLE reviews", {"false_done": 1}),
        ("DROP INDEX orders_person", {"false_done": 1}),
        ("UPDATE drillbook.migrations SET status = 'applying'", {"lost": 1}),
        ("INSERT INTO drillbook.migrations SELECT * FROM drillbook.migrations",
         {"lost": 1, "twice": 1}),
        ("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_person'::regclass",
         {"false_done": 1, "left_over": 1}),  # pg_dump leaves an invalid index out
    ],
)  # fmt: skip
def test_the_counters_find_what_is_wrong_with_a_done_run(
    site: Site, counted: Counter, wrong: str, found: dict[str, int]
) -> None:
    case = migrated(site)
    site.run_sql("production", DATABASE, wrong)

    assert dict(counted(case, DONE).counts) == found


def test_the_counters_find_a_run_that_was_not_taken_back(site: Site, counted: Counter) -> None:
    case = migrated(site)

    found = counted(case, BACK).counts

    assert found["false_taken_back"] == 4  # schema and ledger of both databases
    assert found["lost"] == 2  # two ways back


def test_the_counters_find_what_a_restore_left(site: Site, counted: Counter) -> None:
    variant = BY_NAME["restored"]
    site.reset(variant)
    site.fresh("production", f"{DATABASE}_restore_1")
    site.fresh("production", DATABASE)
    site.run_sql("production", DATABASE, DRIFT)
    site.fresh("production", f"{DATABASE}_restore_1")
    (site.folder / "backups" / "half").mkdir(parents=True)
    partly = RunOutcome(state=State.PARTLY_TAKEN_BACK, kept=("2.1",))

    found = counted(Case(0, "sqlite", variant, (), in_undo=False), partly)

    assert found.says == [
        "left_over: database app_restore_1", "left_over: half a backup: half"
    ]  # fmt: skip


def test_the_counters_find_commands_side_by_side_doubled_and_lost(site: Site) -> None:
    once = Case(0, "sqlite", BY_NAME["command-once"], (), in_undo=False)
    log = site.counts / "r-one.log"

    log.write_text("begun\noverlap: the lock is held\nbegun\neffect\neffect\nended\n")
    doubled = count_command(site, once, "r-one", DONE).counts
    log.write_text("begun\n")
    lost = count_command(site, once, "r-one", DONE).counts

    assert dict(doubled) == {"twice": 2, "side_by_side": 1}
    assert dict(lost) == {"lost": 1, "false_done": 1}


def test_the_counters_find_sessions_and_locks_left_behind(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchmarks.campaign.counting.CALM_SECONDS", 0.0)
    import psycopg

    url = site.servers["staging"].url()
    with psycopg.connect(url, autocommit=True, application_name="drillbook r-one:1") as left:
        left.execute("SELECT pg_advisory_lock(1)")
        found = count_left_over(site, "r-one")

    assert found.counts["left_over"] == 2


def test_a_case_is_the_same_for_the_same_seed() -> None:
    assert [draw(3, number) for number in range(50)] == [draw(3, number) for number in range(50)]
    assert draw(3, 1) != draw(4, 1)


def test_the_book_of_the_campaign_is_the_shipped_one_without_the_app() -> None:
    book = migration_book()

    assert "@migration.apply" in book
    assert "@backup.restore" in book
    assert "@checks." not in book
    assert "@errors." not in book


@pytest.mark.parametrize("variant", deployments.VARIANTS, ids=lambda variant: variant.name)
def test_the_book_of_a_deployment_is_the_shipped_one_without_its_time_of_watching(
    variant: Variant,
) -> None:
    book = deployments.deployment_book(variant)

    checked = check_book(book, name="book.md", catalog=lambda: CATALOG)
    assert [each.shown("book.md") for each in checked.diagnostics] == []
    assert book.count("@repository.merge") == 2
    assert "@deployment.rollback" in book
    assert "@deployment.watch" not in book
    assert ("See what cannot be so" in book) is variant.drift


def test_deployments_are_drawn_the_same_for_the_same_seed_and_hit_every_part() -> None:
    cases = [drawn(7, FIRST + number) for number in range(60)]

    assert cases == [drawn(7, FIRST + number) for number in range(60)]
    assert {case.store for case in cases} == {deployments.LANE}
    hit = {server for case in cases for blow in case.blows for server in blow.servers}
    assert hit == {"cloud", "edge", "app"}
    assert {blow.worker for case in cases for blow in case.blows} == {"kill", "nothing"}
    assert {blow.line for case in cases for blow in case.blows} == {"", "cut", "silence"}


def test_an_upgrade_changes_the_order_and_nothing_else() -> None:
    text = "class A:\n    x = 1\n\n    def one(self):\n        return 1\n\n    def two(self):\n        return 2\n"  # noqa: E501

    changed = reordered(text)

    assert changed.index("def two") < changed.index("def one")
    assert sorted(ast.dump(node) for node in ast.parse(changed).body[0].body) == sorted(  # type: ignore[attr-defined]
        ast.dump(node)
        for node in ast.parse(text).body[0].body  # type: ignore[attr-defined]
    )
