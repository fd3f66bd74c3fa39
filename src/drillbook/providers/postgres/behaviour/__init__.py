"""What a database does when it is used: tried on real rows, and taken back."""

from drillbook.providers.postgres.behaviour.observing import behaviours
from drillbook.providers.postgres.behaviour.port import PostgresBehaves

__all__ = ["PostgresBehaves", "behaviours"]
