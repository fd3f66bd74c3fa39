"""What the campaign runs: migrations of every kind, and commands, each with what must be so."""

import re
from dataclasses import dataclass
from importlib.resources import files

SEED = """
CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
                      at timestamptz NOT NULL DEFAULT clock_timestamp(), what text NOT NULL);
CREATE TABLE people (id int PRIMARY KEY, name text NOT NULL, phone text, balance int NOT NULL);
CREATE TABLE orders (id int PRIMARY KEY, person_id int NOT NULL REFERENCES people, amount int,
                     CHECK (amount > 0));
CREATE VIEW debtors AS SELECT id, name FROM people WHERE balance < 0;
CREATE FUNCTION doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE INDEX orders_person ON orders (person_id);
INSERT INTO people SELECT n, 'person ' || n, '+49' || (1000000 + n), n % 7 - 1
  FROM generate_series(1, 3000) n;
INSERT INTO orders SELECT n, 1 + n % 3000, 1 + n % 90 FROM generate_series(1, 6000) n;
"""
# Production has what real ones have: a shared phone.
FLAWS = "UPDATE people SET phone = '+491000001' WHERE id IN (1, 2)"
DRIFT = "ALTER TABLE people ADD COLUMN drifted int"

ONE = """
INSERT INTO effects (what) VALUES ('up-1');
UPDATE people SET balance = balance + 1;
ALTER TABLE people ADD COLUMN language text NOT NULL DEFAULT 'en';
SELECT pg_sleep(0.1);
CREATE TABLE reviews (id bigint GENERATED ALWAYS AS IDENTITY, stars int CHECK (stars < 6));
"""
ONE_DOWN = """
INSERT INTO effects (what) VALUES ('down-1');
SELECT pg_sleep(0.1), 'down-';
DROP TABLE reviews;
ALTER TABLE people DROP COLUMN language;
UPDATE people SET balance = balance - 1;
"""
PARTS = """
INSERT INTO effects (what) VALUES ('up-1');
UPDATE people SET balance = balance + 1;
CREATE INDEX CONCURRENTLY people_phone ON people (phone);
INSERT INTO effects (what) VALUES ('up-2');
ALTER TABLE people ADD COLUMN seen_at timestamptz;
CREATE INDEX CONCURRENTLY orders_amount ON orders (amount);
INSERT INTO effects (what) VALUES ('up-3');
"""
PARTS_DOWN = """
INSERT INTO effects (what) VALUES ('down-1');
UPDATE people SET balance = balance - 1;
DROP INDEX CONCURRENTLY IF EXISTS orders_amount;
INSERT INTO effects (what) VALUES ('down-2');
ALTER TABLE people DROP COLUMN IF EXISTS seen_at;
DROP INDEX CONCURRENTLY IF EXISTS people_phone;
"""
MIDWAY = """
INSERT INTO effects (what) VALUES ('up-1');
ALTER TABLE people ADD COLUMN verified_at timestamptz;
CREATE UNIQUE INDEX CONCURRENTLY people_one_phone ON people (phone);
INSERT INTO effects (what) VALUES ('up-2');
"""
MIDWAY_DOWN = """
INSERT INTO effects (what) VALUES ('down-1');
DROP INDEX CONCURRENTLY IF EXISTS people_one_phone;
ALTER TABLE people DROP COLUMN IF EXISTS verified_at;
"""
COMMAND_BOOK = """# Commands

## Runbook: Count

### Steps
1. **Count**
   - Enter production `@database.access on=production as entered`
   - Count `@command.run on=production name=NAME argument="campaign" as counted`
     - expect: `counted.exit_code == 0`
   - Enter production again `@database.access on=production as left`
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """One kind of run; `ends` are the states it may end in when only workers are killed."""

    name: str
    weight: int
    ends: tuple[str, ...]
    up: str = ""
    down: str = ""
    drift: bool = False
    undone: bool = False
    command: str = ""

    @property
    def is_migration(self) -> bool:
        """Whether databases are changed."""
        return not self.command

    @property
    def entries(self) -> int:
        """About how many entries such a run has in the journal."""
        if self.command:
            return 10
        return 31 if self.ends == ("done",) or self.undone else 41

    @property
    def entries_of_undo(self) -> int:
        """About how many entries the run has that takes it back."""
        return 12 if self.down else 16


VARIANTS = (
    Variant("transactional", 20, ("done",), ONE, ONE_DOWN),
    Variant("parts", 20, ("done",), PARTS, PARTS_DOWN),
    Variant("taken-back", 12, ("taken back",), ONE, ONE_DOWN, drift=True),
    Variant("parts-taken-back", 8, ("taken back",), PARTS, PARTS_DOWN, drift=True),
    Variant("fails-midway", 12, ("taken back",), MIDWAY, MIDWAY_DOWN),
    # Without a down script staging keeps the migration, and the run says so.
    Variant("restored", 14, ("partly taken back",), ONE, drift=True),
    Variant("undo", 6, ("taken back",), ONE, ONE_DOWN, undone=True),
    Variant("undo-parts", 5, ("taken back",), PARTS, PARTS_DOWN, undone=True),
    Variant("undo-restored", 5, ("partly taken back",), ONE, undone=True),
    Variant("command", 8, ("done",), command="count"),
    # A command that may not run twice ends in a person's hands when nobody knows how it ended.
    Variant("command-once", 5, ("done", "stuck"), command="count_once"),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}


def migration_book() -> str:
    """Return the shipped Database Migration runbook without what asks the app."""
    shipped = files("drillbook.library").joinpath("database-migration.md").read_text("utf-8")
    shipped = shipped.partition("### Rollback Script")[0]
    lines, dropping = [], False
    for line in shipped.splitlines(keepends=True):
        if line.startswith("   - "):
            dropping = re.search(r"@(checks|errors)\.", line) is not None
        elif not line.startswith("     - "):
            dropping = False
        if not dropping:
            lines.append(line)
    kept = re.sub(r"4\. \*\*Verify Application\*\*\n\s*\n", "", "".join(lines))
    return kept.replace("5. **Rollback", "4. **Rollback")


def command_book(variant: Variant) -> str:
    """Return a runbook that starts the command of a variant."""
    return COMMAND_BOOK.replace("NAME", variant.command)


def effects(sql: str) -> list[str]:
    """Return the words that a script writes into the table of effects, in order."""
    return re.findall(r"INTO effects \(what\) VALUES \('([a-z0-9-]+)'\)", sql)


def statements(sql: str) -> list[str]:
    """Return a script's statements; those of the campaign hold no semicolon inside."""
    return [part.strip() for part in sql.split(";") if part.strip()]
