"""The sections of what lies outside: status pages, and what the app depends on."""

from typing import Self

from pydantic import model_validator

from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.stack.section_values import (
    Api,
    HttpAddress,
    LocalPath,
    Reference,
    Text,
    VariableName,
)

LONGEST_PROBE_SECONDS = 20.0


class StatusPageSection(Frozen):
    """The status page of a platform, and which of its components matter to the app."""

    url: Api
    components: tuple[Text, ...] = ()


class DependencySection(Frozen):
    """
    A service of others that the app needs, and how it is asked.

    `switch` names the app's value that turns it off by saying `switched_off`; `routes` are the
    app's paths that need it.
    """

    url: HttpAddress
    probe: LocalPath = "/"
    timeout: Duration = parse_duration("5s")
    token: Reference | None = None
    switch: VariableName | None = None
    switched_off: Text = "off"
    routes: tuple[LocalPath, ...] = ()

    @model_validator(mode="after")
    def _answers_in_time(self) -> Self:
        seconds = self.timeout.total_seconds()
        if not 0 < seconds <= LONGEST_PROBE_SECONDS:
            raise ValueError(
                f"has a timeout of {seconds:g} s; write one up to {LONGEST_PROBE_SECONDS:g} s, for "
                "a diagnosis waits for it"
            )
        if "switched_off" in self.model_fields_set and self.switch is None:
            raise ValueError('names switched_off and no switch; write switch = "PAYMENTS" as well')
        return self
