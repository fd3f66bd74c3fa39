"""The sections of what fixes need: the store of a rate limiter's counts."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, model_validator

from drillbook.core.model import Frozen
from drillbook.stack.address import Address
from drillbook.stack.section_values import Text, VariableName

REDIS_SCHEMES = ("rediss", "redis")


def _redis(address: Address) -> Address:
    starts = tuple(f"{scheme}://" for scheme in REDIS_SCHEMES)
    if not address.is_reference and not address.written.startswith(starts):
        raise ValueError(
            "is neither a reference (env:NAME, file:PATH) nor a URL with rediss:// or redis://"
        )
    return address


class LimitsSection(Frozen):
    """
    Where the app's rate limiter counts, and what its counts' names begin with.

    `switch` names the app's value that turns counting off by saying `switched_off`.
    """

    provider: Literal["redis"] = "redis"
    url: Annotated[Address, AfterValidator(_redis)]
    prefix: Text
    switch: VariableName | None = None
    switched_off: Text = "off"

    @model_validator(mode="after")
    def _prefix_is_one(self) -> Self:
        if self.prefix.strip() != self.prefix or set(self.prefix) <= set(":*?[]"):
            raise ValueError(
                f"has the prefix {self.prefix!r}; write what the names of the counts begin with, "
                'such as "booking:limit:"'
            )
        if "switched_off" in self.model_fields_set and self.switch is None:
            raise ValueError(
                'names switched_off and no switch; write switch = "RATE_LIMITS" as well'
            )
        return self
