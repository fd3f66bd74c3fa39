"""The lookout's own probes: the app asked from outside, apart from what users do."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from drillbook.ports.probe import Probe, Question

SERVER_ERROR = 500
PROBE_TIMEOUT_SECONDS = 5.0
KEPT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Probed:
    """One probe: when it was sent, what came back, and how long that took."""

    at: datetime
    status: int
    seconds: float
    problem: str = ""

    @property
    def failed(self) -> bool:
        """Whether the app did not answer, or answered that it failed."""
        return self.status == 0 or self.status >= SERVER_ERROR


class Probes:
    """One environment asked again and again at its health address."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._sent: deque[Probed] = deque()

    def send(self, at: datetime) -> Probed:
        """Ask once, and keep what came back."""
        question = Question(self._probe.health_path, timeout_seconds=PROBE_TIMEOUT_SECONDS)
        answer = self._probe.ask(question)
        probed = Probed(at, answer.status, answer.seconds, answer.problem)
        self._sent.append(probed)
        while self._sent and self._sent[0].at < at - KEPT:
            self._sent.popleft()
        return probed

    def since(self, start: datetime) -> list[Probed]:
        """Return the probes sent from a moment on."""
        return [probed for probed in tuple(self._sent) if probed.at >= start]

    @property
    def target(self) -> str:
        """What is asked, for sentences."""
        return f"{self._probe.target}{self._probe.health_path}"
