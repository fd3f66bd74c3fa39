"""How much traffic there is over time: steady, as through a day, low, or suddenly much more."""

import json
import time
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from drillbook.core.errors import Refused
from drillbook.local.private_file import write_private

SETTINGS = "traffic.json"
RATE = 20.0
MOST_RATE = 1000.0
READERS, WRITERS = 2, 2
MINUTE_SECONDS = 60.0
DAY_SECONDS = 86400.0
LOW_RATE = 6 / MINUTE_SECONDS
LOWEST, HIGHEST_LOW = 2 / MINUTE_SECONDS, 10 / MINUTE_SECONDS
SPIKE_FACTOR = 8.0
RAMP_SECONDS = 3.0
# People book at lunch and in the evening; by the hour of the day, 1 on average.
HOURS = (
    *(0.35, 0.2, 0.12, 0.1, 0.12, 0.25, 0.5, 0.8, 1.05, 1.15, 1.2, 1.35),
    *(1.55, 1.4, 1.2, 1.2, 1.3, 1.5, 1.7, 1.85, 1.9, 1.6, 1.01, 0.6),
)


class Shape(StrEnum):
    """How the rate goes over time."""

    STEADY = "steady"
    DAILY = "daily"
    LOW = "low"
    SPIKE = "spike"


@dataclass(frozen=True, slots=True)
class Flow:
    """
    The traffic that is wanted: `rate` is requests a second of all clients together, on average.

    A day may be shorter than a real one. A spike is a steady rate that grows eightfold at `since`.
    """

    rate: float = RATE
    shape: Shape = Shape.STEADY
    seed: int = 0
    readers: int = READERS
    writers: int = WRITERS
    day_seconds: float = DAY_SECONDS
    since: float = field(default_factory=time.time)

    @classmethod
    def wanted(cls, *, rate: float | None, shape: str, **others: Any) -> "Flow":  # Any: its fields
        """Return a flow by its words; without a rate the usual one of its shape."""
        kind = _shape(shape)
        usual = LOW_RATE if kind is Shape.LOW else RATE
        return cls(rate=usual if rate is None else rate, shape=kind, **others)

    def changed(self, *, rate: float | None, shape: str | None, since: float) -> "Flow":
        """Return the same people's flow with another rate or shape."""
        kind = self.shape if shape is None else _shape(shape)
        if rate is None and (kind is Shape.LOW) != (self.shape is Shape.LOW):
            rate = LOW_RATE if kind is Shape.LOW else RATE
        return replace(self, rate=self.rate if rate is None else rate, shape=kind, since=since)

    @property
    def clients(self) -> int:
        """How many clients share the rate."""
        return self.readers + self.writers

    def check(self) -> None:
        """Refuse traffic that cannot be."""
        if (
            not 0 < self.rate <= MOST_RATE
            or self.clients < 1
            or min(self.readers, self.writers) < 0
        ):
            raise Refused(
                f"{self.rate:g} requests a second by {self.readers} readers"
                f" and {self.writers} writers",
                hint=f"Give a rate over 0 and up to {MOST_RATE:g}, and at least one client.",
            )
        if self.shape is Shape.LOW and not LOWEST <= self.rate <= HIGHEST_LOW:
            raise Refused(
                f"low traffic of {self.rate * MINUTE_SECONDS:g} requests a minute",
                hint="Low is 2 to 10 a minute: a rate of 0.034 to 0.166 a second.",
            )
        if self.day_seconds < 1:
            raise Refused("a day of less than a second", hint="Give a day of a minute or more.")

    def factor(self, now: float) -> float:
        """Return by how much the rate is multiplied at a moment, in seconds since 1970."""
        if self.shape is Shape.DAILY:
            hour = now / self.day_seconds % 1 * len(HOURS)
            early, late = HOURS[int(hour)], HOURS[(int(hour) + 1) % len(HOURS)]
            return early + (late - early) * (hour % 1)
        if self.shape is Shape.SPIKE:
            risen = min(1.0, max(0.0, (now - self.since) / RAMP_SECONDS))
            return 1 + (SPIKE_FACTOR - 1) * risen
        return 1.0

    def active(self, now: float) -> int:
        """Return how many clients are there: more users come, nobody asks faster."""
        return max(1, round(self.clients * max(1.0, self.factor(now))))

    def even_seconds(self, now: float) -> float:
        """Return how long a client waits between two requests, on average."""
        return self.active(now) / (self.rate * self.factor(now))


def _shape(word: str) -> Shape:
    try:
        return Shape(word)
    except ValueError as error:
        raise Refused(
            f"traffic has no shape {word!r}", hint=f"It has {', '.join(Shape)}."
        ) from error


def write_flow(folder: Path, flow: Flow) -> None:
    """Let an environment's clients come like this from now on."""
    write_private(folder / SETTINGS, json.dumps(flow_said(flow)))


def read_flow(folder: Path) -> Flow | None:
    """Return how an environment's clients come, or None when they never did."""
    try:
        return flow_from(json.loads((folder / SETTINGS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def flow_said(flow: Flow) -> dict[str, Any]:  # Any: JSON
    """Return a flow as JSON."""
    return asdict(flow)


def flow_from(said: dict[str, Any]) -> Flow:  # Any: as above
    """Read a flow from JSON."""
    return Flow(**said | {"shape": Shape(said["shape"])})
