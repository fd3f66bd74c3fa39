"""Everything a task can name, by its address."""

from drillbook.actions import database, migration
from drillbook.core.catalog import catalog

CATALOG = catalog(database.domain, migration.domain)
