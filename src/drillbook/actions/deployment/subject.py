"""The subject all deployment actions belong to."""

from drillbook.core.catalog import Domain

domain = Domain("deployment")
