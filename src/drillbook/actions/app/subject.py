"""The subject all actions of the running app belong to."""

from drillbook.core.catalog import Domain

domain = Domain("app")
