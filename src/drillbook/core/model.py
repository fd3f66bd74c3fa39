"""Values that are stored or cross a border: unchangeable, closed, JSON in and out."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: unchangeable, and closed to unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Risk(StrEnum):
    """What an action may do to the world, mildest first."""

    READ = "read"
    WRITE = "write"
    DESTROY = "destroy"

    @property
    def rank(self) -> int:
        """The order of danger: 0 read, 1 write, 2 destroy."""
        return (Risk.READ, Risk.WRITE, Risk.DESTROY).index(self)
