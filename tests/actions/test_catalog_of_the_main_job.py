"""The actions of database, backup and migration keep the catalog's promises."""

import pytest

from drillbook.actions import CATALOG
from drillbook.core.files import File
from drillbook.core.model import Risk

READS = [
    "backup.compare", "backup.latest", "backup.list", "backup.ready", "backup.verify",
    "database.access", "database.blockers", "database.connections",
    "migration.behave", "migration.check", "migration.drift", "migration.pending",
    "migration.review", "migration.verify",
]  # fmt: skip
FILE = File(name="1.sql", sha256="0" * 64, text="ALTER TABLE a DROP COLUMN b;")
DOWN = File(name="1.down.sql", sha256="1" * 64, text="ALTER TABLE a ADD COLUMN b int;")


@pytest.mark.parametrize("name", READS)
def test_reads_change_nothing(name: str) -> None:
    assert CATALOG[name].risk is Risk.READ
    assert CATALOG[name].says.endswith(".")


@pytest.mark.parametrize("name", ["migration.apply", "migration.try", "backup.restore"])
def test_writes_are_looked_for_and_undone(name: str) -> None:
    action = CATALOG[name]

    assert action.look is not None
    assert action.undo is not None
    assert action.memory is not None
    assert action.takes_environment


def test_a_backup_takes_nothing_away_and_a_restore_endangers_data() -> None:
    assert CATALOG["backup.create"].harmless
    assert CATALOG["backup.create"].look is not None
    assert CATALOG["backup.restore"].risk is Risk.DESTROY
    assert "kept beside" in CATALOG["backup.restore"].way_back({}).says


def test_the_plan_tells_the_way_back_of_a_migration_and_its_price() -> None:
    action = CATALOG["migration.apply"]

    without = action.way_back({"file": FILE, "down": None, "way_back": None})
    given = action.way_back({"file": FILE, "down": DOWN, "way_back": None})
    later = action.way_back({"file": FILE, "down": None})

    assert not without.possible
    assert "only a restore leads back" in without.says
    assert without.price == "a restore loses what is written after the backup"
    assert later.possible
    assert "the script that the rehearsal derives and proves" in later.says
    assert given.possible
    assert given.says == (
        "runs 1.down.sql and compares the schema with the one remembered; "
        "no rehearsal has proven it"
    )
    assert "the column b and its values are dropped" in given.price
    tried = CATALOG["migration.try"].way_back({"file": FILE, "down": DOWN, "way_back": None})
    assert tried == given


def test_a_file_is_checked_without_any_environment() -> None:
    assert not CATALOG["migration.check"].takes_environment
    assert set(CATALOG["migration.check"].params.model_fields) == {"file", "down"}
