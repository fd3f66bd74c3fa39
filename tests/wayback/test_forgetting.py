"""What a way back keeps is listed, and goes only when somebody says that nobody goes back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from drillbook.actions import migration
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused, UndoImpossible
from drillbook.core.files import File
from drillbook.ports.ways_back import WayBackScript
from drillbook.providers.postgres.database import PostgresDatabase
from drillbook.providers.postgres.migrations import PostgresMigrations
from drillbook.providers.postgres.side_tables import PostgresSideTables
from wayback.conftest import Shop, change

if TYPE_CHECKING:
    from drillbook.actions.migration.subject import Given

TEXT = "ALTER TABLE stays DROP COLUMN note;"
FILE = File(name="0001_change.sql", sha256=change(TEXT).sha256, text=TEXT)
EFFECT = Effect(key="r-1/3.1", run="r-1", task="3.1", by="ana")
LATER = Effect(key="r-2/1.1", run="r-2", task="1.1", by="ana")


class Site:
    """A copy of the shop, and the way back that was proven for it."""

    def __init__(self, shop: Shop, script: WayBackScript) -> None:
        self.shop = shop
        self.database = PostgresDatabase(shop.server)
        self.migrations = PostgresMigrations(shop.server)
        self.side_tables = PostgresSideTables(shop.server)
        self.given: Given = {"file": FILE, "way_back": script}

    def apply(self) -> None:
        migration.apply.do(self.database, self.migrations, EFFECT, **self.given)


@pytest.fixture(scope="module")
def script(shop: Shop) -> WayBackScript:
    return shop.proven(TEXT)


@pytest.fixture
def site(shop: Shop, script: WayBackScript) -> Iterator[Site]:
    with shop.copied() as copy:
        yield Site(copy, script)


def test_what_is_kept_is_listed_and_goes_when_it_is_confirmed(site: Site) -> None:
    undo = migration.apply.undo
    assert undo is not None
    before = undo.remember(site.database, site.migrations, EFFECT, **site.given)
    site.apply()

    (kept,) = migration.kept.do(site.side_tables).migrations
    assert (kept.migration, kept.run) == (FILE.name, "r-1")
    assert kept.applied_at is not None
    assert kept.size_bytes > 0
    assert migration.look_forgotten(site.side_tables, LATER, file=FILE) is None
    gone = migration.forget_before.do(site.side_tables, LATER, file=FILE)
    assert gone.tables == kept.tables
    assert migration.kept.do(site.side_tables).count == 0

    again = migration.forget_before.do(site.side_tables, LATER, migration=FILE.name)
    assert (again.tables, again.size_bytes) == ((), 0)
    assert migration.look_forgotten(site.side_tables, LATER, file=FILE) == again
    with pytest.raises(UndoImpossible, match="were let go after it was applied; nothing was"):
        undo.take_back(before, site.database, site.migrations, EFFECT, **site.given)
    assert site.shop.run("SELECT status FROM drillbook.migrations") == [("applied",)]


def test_what_may_still_be_needed_is_not_dropped(site: Site) -> None:
    def refused(name: str = FILE.name) -> str:
        with pytest.raises(Refused) as error:
            migration.forget_before.do(site.side_tables, LATER, migration=name)
        return str(error.value)

    assert "0001_change.sql is not applied to" in refused()
    site.apply()
    assert "0002_other.sql is not applied" in refused("0002_other.sql")
    other = FILE.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(Refused, match="with other contents"):
        migration.forget_before.do(site.side_tables, LATER, file=other)
    site.shop.run("UPDATE drillbook.migrations SET status = 'taking back'")
    assert "its way back may still need the copies" in refused()
    assert migration.kept.do(site.side_tables).count == 1
    with pytest.raises(Refused, match="exactly one of file and migration"):
        migration.forget_before.do(site.side_tables, LATER)


def test_nothing_goes_while_a_migration_is_under_way(site: Site) -> None:
    site.apply()
    holding = "SELECT pg_advisory_xact_lock(hashtextextended('drillbook migrations', 0))"

    with site.shop.server.session() as other, other.transaction():
        other.execute(holding)
        with pytest.raises(Refused, match="nothing was changed"):
            migration.forget_before.do(site.side_tables, LATER, file=FILE)

    assert migration.kept.do(site.side_tables).count == 1


def test_staging_tries_a_derived_way_back_and_goes_back_by_it(site: Site) -> None:
    undo = migration.try_.undo
    assert undo is not None
    notes = site.shop.run("SELECT id, note FROM stays ORDER BY id")
    before = undo.remember(site.database, site.migrations, EFFECT, **site.given)

    tried = migration.try_.do(site.database, site.migrations, EFFECT, **site.given)

    assert tried.way_back == "proven"
    assert migration.look_tried(site.database, site.migrations, EFFECT, **site.given) == tried
    assert migration.kept.do(site.side_tables).count == 1
    undo.take_back(before, site.database, site.migrations, EFFECT, **site.given)
    assert site.shop.run("SELECT id, note FROM stays ORDER BY id") == notes
    assert migration.kept.do(site.side_tables).count == 0
