"""The app as its users meet it: ask it, and see what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Question:
    """One request; `path` starts with `/` and stays on the app."""

    path: str
    method: str = "GET"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    timeout_seconds: float = 10.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 when nothing did, and then `problem` says why."""

    status: int
    seconds: float
    text: str = ""
    media_type: str = ""
    problem: str = ""
    cut: bool = False


class Probe(Protocol):
    """Asks the app of one environment; redirects are answers, not followed."""

    @property
    def health_path(self) -> str:
        """Where the app tells how it is."""
        ...

    @property
    def release_path(self) -> str:
        """Where the app tells which commit it is; empty when it tells nowhere."""
        ...

    @property
    def target(self) -> str:
        """The app's address for sentences, without secrets."""
        ...

    def ask(self, question: Question) -> Answer:
        """Send one request and return the answer, also when there is none."""
        ...
