"""What a database does when it is used: tried on real rows, and taken back."""

from drillbook.providers.postgres.behaviour.observing import behaviours
from drillbook.providers.postgres.behaviour.port import PostgresBehaves
from drillbook.providers.postgres.behaviour.usage import Usage, usage, used_between

__all__ = ["PostgresBehaves", "Usage", "behaviours", "usage", "used_between"]
