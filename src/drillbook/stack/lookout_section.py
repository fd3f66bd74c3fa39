"""The section `[lookout]` of stack.toml: how symptoms are watched, and what an incident starts."""

from typing import Literal, Self

from pydantic import StrictBool, model_validator

from drillbook.core.model import Frozen
from drillbook.core.quantities import Duration, parse_duration
from drillbook.stack.section_values import Text

LEAST_EVERY = parse_duration("500ms")


class LookoutSection(Frozen):
    """
    How often it looks and probes, when an incident is over, and what one starts.

    `start` is "run" for the runbook's run, which reads at once and stops at the first write that
    needs somebody, or "incident" to open incidents only. `by` is who requests such a run: never
    somebody who shall approve it.
    """

    every: Duration = parse_duration("2s")
    probe_every: Duration = parse_duration("5s")
    quiet: Duration = parse_duration("3m")
    start: Literal["run", "incident"] = "run"
    unattended: StrictBool = False
    answers: Text | None = None
    by: Text = "lookout"
    runbooks: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _looks_no_more_often_than_it_can(self) -> Self:
        if self.every < LEAST_EVERY or self.probe_every < LEAST_EVERY:
            raise ValueError('looks or probes more often than every 500ms; write every = "2s"')
        if self.unattended and self.start == "incident":
            raise ValueError('starts no run, so none can be unattended; write start = "run"')
        return self
