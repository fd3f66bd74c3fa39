"""Everything a task can name, by its address."""

from drillbook.actions import checks, command, database, errors, migration
from drillbook.core.catalog import catalog

CATALOG = catalog(
    checks.domain,
    command.domain,
    database.domain,
    errors.domain,
    migration.domain,
)
