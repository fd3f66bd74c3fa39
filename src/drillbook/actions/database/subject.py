"""The subject all database actions belong to."""

from drillbook.core.catalog import Domain

domain = Domain("database")
