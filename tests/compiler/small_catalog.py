"""A small catalog, a stack and a bound book for the compiler's tests."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Annotated, Literal, Protocol

from pydantic import Field, computed_field

from drillbook.compiler import BookRejected, Checked, check_book, compile_plan
from drillbook.compiler.reader import read_book
from drillbook.core.catalog import Catalog, Domain, catalog
from drillbook.core.effect import Effect, WayBack
from drillbook.core.errors import NotFound
from drillbook.core.files import File
from drillbook.core.model import Frozen, Risk
from drillbook.core.plan import Plan, PlannedTask
from drillbook.core.policy import Consent, EnvironmentFacts, Needs, StackFacts
from drillbook.core.quantities import Duration, Size


class Database(Protocol):
    def name(self) -> str: ...


class Backup(Frozen):
    id: str
    level: int
    age: Duration = timedelta(0)
    files: tuple[str, ...] = ()
    at: datetime | None = None


class Applied(Frozen):
    failed: int
    at: datetime
    log: str = ""

    @computed_field
    def fine(self) -> bool:
        return self.failed == 0


class Seen(Frozen):
    ok: bool
    cause: str = ""
    counts: dict[str, int] = {}


backup = Domain("backup")
migration = Domain("migration")
app = Domain("app")


@backup.read
def latest(database: Database) -> Backup:
    """Find the newest backup."""
    return Backup(id=database.name(), level=1)


@backup.additive(because="a backup takes nothing away")
def create(database: Database, effect: Effect, *, label: str = "", keep: Size = 0) -> Backup:
    """Take a backup."""
    return Backup(id=label, level=keep)


@create.looking
def _(database: Database, effect: Effect, *, label: str = "", keep: Size = 0) -> Backup | None:
    return None


@backup.final(because="what was there before is gone", risk=Risk.DESTROY)
def restore(database: Database, effect: Effect, *, backup: str) -> Seen:
    """Put a backup back."""
    return Seen(ok=bool(backup))


@restore.looking
def _(database: Database, effect: Effect, *, backup: str) -> Seen | None:
    return None


@migration.read
def check(*, file: File, strict: bool = False, tags: tuple[str, ...] = ()) -> Applied:
    """Read a migration and count its errors."""
    raise NotFound(file.name)


@migration.write
def apply(
    database: Database,
    effect: Effect,
    *,
    file: File,
    down: File | None = None,
    lock_timeout: Duration = timedelta(seconds=5),
    attempts: Annotated[int, Field(gt=0)] = 1,
    mode: Literal["fast", "careful"] = "careful",
) -> Applied:
    """Apply a migration."""
    raise NotFound(file.name)


@apply.looking
def _(database: Database, effect: Effect, **values: object) -> Applied | None:
    return None


def before(database: Database, effect: Effect, **values: object) -> Seen:
    return Seen(ok=True)


@apply.undone_by(remembering=before)
def _(memory: Seen, database: Database, effect: Effect, **values: object) -> None:
    """Run the down script."""


@apply.telling_way_back
def _(values: Mapping[str, object]) -> WayBack:
    down = values.get("down")
    if isinstance(down, File):
        return WayBack(possible=True, says=f"runs {down.name}", price="none")
    return WayBack(possible=False, says="there is no down script")


@app.read
def health(database: Database) -> Seen:
    """Ask the app how it is."""
    return Seen(ok=bool(database.name()))


@app.final(because="it was running before, and runs again")
def restart(database: Database, effect: Effect, *, wait: Duration = timedelta(0)) -> Seen:
    """Start the app again."""
    return Seen(ok=bool(wait))


@restart.looking
def _(database: Database, effect: Effect, *, wait: Duration = timedelta(0)) -> Seen | None:
    return None


@app.read
def status() -> Seen:
    """Ask the platform how it is."""
    return Seen(ok=True)


CATALOG: Catalog = catalog(backup, migration, app)
STACK = StackFacts(
    environments={
        name: EnvironmentFacts(name=name, digest=f"d-{name}", systems={"database": "postgres"})
        for name in ("production", "staging")
    },
    policy={
        "production": {
            Risk.WRITE: Needs(consent=Consent.CONFIRM),
            Risk.DESTROY: Needs(consent=Consent.APPROVALS, approvals=2, roles=("dba", "owner")),
        }
    },
    roles={"dba": ("ana", "li"), "owner": ("mo",)},
)
BOOK = """\
# Runbooks

## Runbook: Database Migration

### Inputs
| Input | Type | Default | What it is |
|---|---|---|---|
| `migration` | file | | the SQL |
| `down` | file | none | the way back |
| `wait` | duration | 30s | how long |

### Symptoms
- Error rate > 5% `@when errors.rate("5m") > 0.05 for 2m, severity=high`
- Somebody says so

### Prerequisites
- Access to the dashboard
- SQL is ready `@migration.check file=${migration} as checked`
  - expect: `checked.failed == 0`

### Steps
1. **Backup**
   - Open the dashboard
   - Create one `@backup.create on=production label="before-${run.id}" as backup`
     - expect: `backup.level >= 0.5 * backup.level`
     - timeout: 30m
     - evidence: id, files

2. **Apply**
   - Try it `@migration.apply on=staging file=${migration} down=${down} as tried`
   - Go `@migration.apply on=production file=${migration} down=${down} lock_timeout=1s as applied`
     - needs: 1 approval from dba, valid 15m
     - when: `tried.failed == 0 && backup.age < duration("1d")`
     - retry: 5 times, from 2s, doubling, with jitter
   - Restart it `@app.restart on=production wait=${wait}`
     - undo: `@app.restart on=production wait=1m`
   - What now `@choose`
     - Look again `@app.health on=production as looked`
     - Ask somebody
     - Go back `@runbook name="Other" count=3`

3. **Rollback (if needed)**
   - Restore `@backup.restore on=production backup=${backup.id}`

4. **Post-Mortem**
   - Write it down

## Runbook: Other

### Inputs
| Input | Type | Default | What it is |
|---|---|---|---|
| count | integer | | how many |
| size | choice(small, large) | small | how large |

### Steps
1. **Look**
   - Status `@app.status as status`
     - expect: `status.ok`

## Emergency Contacts
- **On-Call**: ana@example.com
"""
FILES = {"m.sql": "alter table a add b int;", "down.sql": "alter table a drop b;"}


def read(name: str) -> File:
    """Return one of FILES."""
    if name not in FILES:
        raise NotFound(f"there is no file {name}", hint="Check the path.")
    return File(name=name, sha256=sha256(FILES[name].encode()).hexdigest(), text=FILES[name])


def plan(
    book: str = BOOK,
    runbook: str = "database-migration",
    *,
    stack: StackFacts = STACK,
    procedure: str | None = None,
    **inputs: str,
) -> Plan:
    """Compile a runbook of a book with the small catalog."""
    return compile_plan(
        read_book(book, name="book.md"),
        runbook,
        text=book,
        stack=stack,
        catalog=lambda: CATALOG,
        files=read,
        procedure=procedure,
        inputs=inputs,
    )


def check_text(book: str, *, stack: StackFacts | None = STACK) -> Checked:
    """Check a book against the small catalog."""
    return check_book(book, name="book.md", catalog=lambda: CATALOG, stack=stack)


def steps(*tasks: str, before: str = "", after: str = "") -> str:
    """Return a book with one runbook of one step that holds these lines."""
    lines = "\n".join(f"   {line}" for line in tasks)
    return f"## Runbook: One\n{before}\n### Steps\n1. **Do**\n{lines}\n{after}"


def said(book: str, *, stack: StackFacts | None = STACK) -> list[tuple[str, int, int, str]]:
    """Return code, line, column and `message — hint` of everything said about a book."""
    return [
        (each.code, each.line, each.column, f"{each.message} — {each.hint}")
        for each in check_text(book, stack=stack).diagnostics
    ]


def task(found: Plan, task_id: str) -> PlannedTask:
    """Return a task of a plan."""
    planned = found.task(task_id)
    assert planned is not None, task_id
    return planned


__all__ = ["BOOK", "STACK", "BookRejected", "check_text", "plan", "read", "said", "steps", "task"]
