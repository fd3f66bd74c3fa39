"""A log that a test writes, and what a look at it comes to; time is what the test says."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from drillbook.analysis.signals import measured
from drillbook.providers.logfile import FileLogs
from drillbook.watch.measuring import Sight, Value
from drillbook.watch.reading import Reader

NOW = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
HEALTH = "/api/health"


@dataclass
class Log:
    """Lines of JSON in a real file, read by the real provider."""

    path: Path
    random: Random = field(default_factory=lambda: Random(7))  # noqa: S311 - chance, no secret

    def requests(
        self,
        *,
        begin: float,
        end: float,
        every: float = 1.0,
        bad: float = 0.0,
        status: int = 500,
        path: str = "/api/bookings",
        milliseconds: float = 20.0,
        users: int = 0,
    ) -> "Log":
        """Write requests from `begin` to `end` seconds before NOW, a share `bad` of them failed."""
        lines = []
        for number in range(int((begin - end) / every)):
            at = NOW - timedelta(seconds=begin - number * every)
            failed = self.random.random() < bad
            line = {
                "time": at.isoformat(),
                "status": status if failed else 200,
                "path": path,
                "milliseconds": milliseconds * self.random.uniform(0.8, 1.2),
            }
            if users:
                line["user"] = f"user-{number % users}"
            lines.append(json.dumps(line))
        self.write(*lines)
        return self

    def write(self, *lines: str) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            file.write("".join(f"{line}\n" for line in lines))

    def sight(self, now: datetime = NOW) -> Sight:
        """Read it as a lookout does when it starts."""
        reader = Reader(FileLogs(self.path), HEALTH)
        reader.read(now)
        return Sight("production", reader, None)


def value(sight: Sight, text: str, now: datetime = NOW) -> Value:
    """Return what one signal comes to."""
    return sight.value(measured(text).measurements["measured_0"], now)
