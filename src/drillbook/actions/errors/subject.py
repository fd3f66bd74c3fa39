"""The subject all error actions belong to."""

from drillbook.core.catalog import Domain

domain = Domain("errors")
