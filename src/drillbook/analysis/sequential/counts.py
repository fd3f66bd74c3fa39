"""Trials and hits among them: requests and errors, or requests and slow ones."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """How many trials there were and how many were hits; parts of a whole add up."""

    trials: float = 0.0
    hits: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.trials:
            raise ValueError(f"{self.hits} hits of {self.trials} trials cannot be")

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.trials + other.trials, self.hits + other.hits)

    @property
    def share(self) -> float | None:
        """The share of hits, None without trials."""
        return self.hits / self.trials if self.trials else None

    def grouped(self, size: float) -> "Counts":
        """Return how many independent trials these are worth when they come in groups."""
        return Counts(self.trials / size, self.hits / size)
