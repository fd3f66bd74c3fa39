"""The subject all rate limit actions belong to."""

from drillbook.core.catalog import Domain

domain = Domain("ratelimit")
