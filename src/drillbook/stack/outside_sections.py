"""The sections of what lies outside: status pages, metrics, and what the app depends on."""

import re
from typing import Literal, Self

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
_FUNCTION = re.compile(r"\s*(sum|rate|irate|increase|delta|avg|count)\b[^{]*\(")


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


class MetricsSection(Frozen):
    """
    Metrics by Prometheus' HTTP API.

    `requests` and `errors` select counters, such as `http_requests_total{job="app"}`: no sums and
    no rates, for these hide a counter that started anew. `values` are queries by name.
    """

    provider: Literal["prometheus"] = "prometheus"
    url: HttpAddress
    token: Reference | None = None
    requests: Text
    errors: Text
    values: dict[Text, Text] = {}

    @model_validator(mode="after")
    def _selects_counters(self) -> Self:
        for name in ("requests", "errors"):
            query: str = getattr(self, name)
            if found := _FUNCTION.match(query):
                raise ValueError(
                    f"names {found[1]}(…) as {name}; write the counter itself, such as "
                    'http_requests_total{job="app"}: what it grew by is counted here'
                )
        return self
