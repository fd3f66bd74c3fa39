"""The subject all migration actions belong to."""

from datetime import timedelta

from drillbook.core.catalog import Domain

domain = Domain("migration")
LOCK_TIMEOUT = timedelta(seconds=1)
RETRIES = 5
