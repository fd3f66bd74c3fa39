"""What the campaign runs: migrations, backups and commands, each with what must be so."""

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
ADDS = """
ALTER TABLE people ADD COLUMN language text NOT NULL DEFAULT 'en';
CREATE TABLE reviews (id bigint GENERATED ALWAYS AS IDENTITY, stars int CHECK (stars < 6));
CREATE OR REPLACE FUNCTION doubled(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + n';
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
WRITES = r"@(backup\.(create|mark|restore)|migration\.apply)"
NOT_HERE = r"@(checks|errors)\."
LONG = (
    r"@(backup\.verify|migration\.(advise|pending|drift|rehearse|behave)"
    r"|database\.(blockers|end_session))\b"
)
COMMAND_BOOK = """# Commands

## Runbook: Count

### Steps
1. **Count**
   - Enter production `@database.access on=production as entered`
   - Count `@command.run on=production name=NAME argument="campaign" as counted`
     - expect: `counted.exit_code == 0`
   - Enter production again `@database.access on=production as left`
"""


BACKUP_STEPS = """1. **Back up**
   - Take a backup `@backup.create on=production kind=KIND label="campaign" as taken`
   - Take a smaller one upon it `@backup.create on=production kind=incremental as smaller`
   - Restore it elsewhere and prove it `@backup.verify on=production backup=${taken.id} as proven`
     - expect: `proven.level >= 4`
   - Prove the smaller one `@backup.verify on=production backup=${smaller.id} as proven_too`
     - expect: `proven_too.level >= 4`
"""
RESTORE_STEPS = """1. **Change and go back**
   - Take a backup `@backup.create on=production kind=KIND as taken`
   - Name the moment `@backup.mark on=production name="${run.id}" as moment`
   - Change production `@migration.apply on=production file=${migration} down=${down} as applied`
   - Go back `@backup.restore on=production FROM as restored`
   - See that it holds `@database.access on=production as last`
     - expect: `last.writable`
"""
FAILS = """   - See what cannot be so `@database.access on=production as last`
     - expect: `!last.writable`
"""


@dataclass(frozen=True, slots=True)
class Variant:
    """
    One kind of run; `ends` are the states it may end in when only workers are killed.

    `steps` of its own make it a run of backups; `whole` is the shipped book with its rehearsal.
    """

    name: str
    weight: int
    ends: tuple[str, ...]
    up: str = ""
    down: str = ""
    drift: bool = False
    undone: bool = False
    command: str = ""
    steps: str = ""
    whole: bool = False
    blocked: bool = False

    @property
    def is_migration(self) -> bool:
        """Whether databases are changed by the runbook Database Migration."""
        return not self.command and not self.steps

    @property
    def takes_backups(self) -> bool:
        """Whether files of a backup are written."""
        return not self.command

    @property
    def is_restored(self) -> bool:
        """Whether the run itself goes back to a backup, as its aim."""
        return "@backup.restore" in self.steps

    @property
    def entries(self) -> int:
        """About how many entries such a run has in the journal."""
        if self.command:
            return 10
        if self.steps:
            writes = len(
                re.findall(r"@(backup\.(create|mark|restore)|migration\.apply)", self.steps)
            )
            return 5 + 5 * writes + 2 * (self.steps.count("@") - writes)
        if self.whole:
            return 60
        return 31 if self.ends == ("done",) or self.undone else 41

    @property
    def entries_of_undo(self) -> int:
        """About how many entries the run has that takes it back."""
        return 12 if self.down else 16


def _backups(kind: str) -> str:
    """Return the steps; upon a physical backup an incremental one is taken as well."""
    steps = BACKUP_STEPS.replace("KIND", kind)
    if kind == "physical":
        return steps
    lines = steps.splitlines(keepends=True)
    return "".join([*lines[:2], *lines[3:5]])


def _restore(kind: str, *, point: bool = False) -> str:
    steps = RESTORE_STEPS.replace("KIND", kind)
    if point:
        return steps.replace("FROM", "point=${moment.name}")
    lines = steps.replace("FROM", "backup=${taken.id}").splitlines(keepends=True)
    return "".join(line for line in lines if "@backup.mark" not in line)


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
    Variant("blocked", 8, ("done",), ONE, ONE_DOWN, blocked=True),
    # The whole shipped book: proven backup, rehearsal on a copy, behaviour before and after.
    Variant("rehearsed", 6, ("done",), ONE, ONE_DOWN, whole=True),
    # No down script is given: the one that the rehearsal derived and proved takes it back.
    Variant("derived-back", 6, ("taken back",), ADDS, drift=True, whole=True),
    Variant("backup-proven", 6, ("done",), steps=_backups("logical")),
    Variant("physical-proven", 5, ("done",), steps=_backups("physical")),
    Variant("restore", 8, ("done",), ONE, ONE_DOWN, steps=_restore("logical")),
    Variant(
        "undo-restore", 7, ("taken back",), ONE, ONE_DOWN, undone=True, steps=_restore("logical")
    ),
    Variant(
        "restore-to-a-point", 5, ("done",), ONE, ONE_DOWN, steps=_restore("physical", point=True)
    ),
    Variant("command", 8, ("done",), command="count"),
    # A command that may not run twice ends in a person's hands when nobody knows how it ended.
    Variant("command-once", 5, ("done", "stuck"), command="count_once"),
)
BY_NAME = {variant.name: variant for variant in VARIANTS}


def migration_book(variant: Variant | None = None) -> str:
    """Return the shipped Database Migration runbook without what asks the app."""
    whole = variant is not None and variant.whole
    shipped = files("drillbook.library").joinpath("database-migration.md").read_text("utf-8")
    shipped = shipped.partition("### Rollback Script")[0]
    left_out = re.compile(NOT_HERE if whole else f"{NOT_HERE}|{LONG}")
    lines, dropping = [], False
    for line in shipped.splitlines(keepends=True):
        if line.startswith(("   - ", "- ")):
            dropping = left_out.search(line) is not None
        elif not line.startswith(("     - ", "  - ")):
            dropping = False
        if not dropping:
            lines.append(line)
    kept = re.sub(r"4\. \*\*Verify Application\*\*\n\s*\n", "", "".join(lines))
    if whole:
        fails = FAILS if variant is not None and variant.drift else ""
        return kept.replace("\n5. **Rollback", f"{fails}\n5. **Rollback")
    kept = re.sub(r" (way_back|forecast)=\$\{rehearsed\.[a-z_.]+\}", "", kept)
    return kept.replace("${rehearsed.", "${tried.").replace("5. **Rollback", "4. **Rollback")


def backup_book(variant: Variant) -> str:
    """Return the runbook of a variant with steps of its own."""
    inputs = "".join(f"| `{name}` | file | none | SQL |\n" for name in ("migration", "down"))
    table = f"### Inputs\n| Input | Type | Default | What it is |\n|---|---|---|---|\n{inputs}\n"
    return f"# Backups\n\n## Runbook: Backups\n\n{table}### Steps\n{variant.steps}"


def command_book(variant: Variant) -> str:
    """Return a runbook that starts the command of a variant."""
    return COMMAND_BOOK.replace("NAME", variant.command)


def effects(sql: str) -> list[str]:
    """Return the words that a script writes into the table of effects, in order."""
    return re.findall(r"INTO effects \(what\) VALUES \('([a-z0-9-]+)'\)", sql)


def statements(sql: str) -> list[str]:
    """Return a script's statements; those of the campaign hold no semicolon inside."""
    return [part.strip() for part in sql.split(";") if part.strip()]
