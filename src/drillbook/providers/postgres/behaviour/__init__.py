"""What a database does when it is used: tried on real rows, and taken back."""

from drillbook.providers.postgres.behaviour.observing import behaviours

__all__ = ["behaviours"]
