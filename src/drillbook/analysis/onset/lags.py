"""How long after a change its harm begins, and how often such a change does harm, by its kind."""

from dataclasses import dataclass
from math import exp

from drillbook.core.incident import ChangeKind

# How often errors rise with no change behind it that anybody would see: once in six hours. More
# than any team has it; so a change has to be near, not just somewhere in the hour.
NO_CHANGE_A_SECOND = 1.0 / (6 * 3600.0)
_CLOCKS = 2.0  # seconds that the clocks of two systems differ


@dataclass(frozen=True, slots=True)
class _Part:
    """A share of the changes: harm falls off before by `early` and after by `late`, in seconds."""

    share: float
    early: float
    late: float

    def until(self, lag: float) -> float:
        """Return the share of this part's harm that has begun by then."""
        both = self.early + self.late
        if lag < 0:
            return self.share * self.early / both * exp(lag / self.early)
        return self.share * (1.0 - self.late / both * exp(-lag / self.late))


@dataclass(frozen=True, slots=True)
class Lag:
    """How often changes of a kind do harm, and when after the change it begins."""

    harmful: float
    parts: tuple[_Part, ...]

    def until(self, lag: float) -> float:
        """Return how probable it is that harm, if it comes, has begun so long after the change."""
        return sum(part.until(lag) for part in self.parts)


def _lag(harmful: float, *parts: tuple[float, float, float]) -> Lag:
    return Lag(harmful, tuple(_Part(*part) for part in parts))


# One deployment in ten fails (DORA's reports: 5 to 20 % of them). Most harm comes with the switch;
# a leak, a cache that runs out or a rare path comes later. A statement of a migration locks while
# it runs; a posted incident was felt before somebody posted it; a merge is harmless until deployed.
LAGS = {
    ChangeKind.DEPLOYMENT: _lag(0.10, (0.85, _CLOCKS, 20.0), (0.15, _CLOCKS, 600.0)),
    ChangeKind.MIGRATION: _lag(0.10, (0.80, 5.0, 20.0), (0.20, _CLOCKS, 300.0)),
    ChangeKind.VALUE: _lag(0.10, (0.75, _CLOCKS, 20.0), (0.25, _CLOCKS, 600.0)),
    ChangeKind.LIMIT: _lag(0.05, (0.85, _CLOCKS, 20.0), (0.15, _CLOCKS, 300.0)),
    ChangeKind.FLAG: _lag(0.05, (0.85, _CLOCKS, 30.0), (0.15, _CLOCKS, 300.0)),
    ChangeKind.SETTING: _lag(0.10, (0.85, _CLOCKS, 20.0), (0.15, _CLOCKS, 300.0)),
    ChangeKind.PLATFORM: _lag(0.30, (1.0, 900.0, 300.0)),
    ChangeKind.REPOSITORY: _lag(0.01, (1.0, _CLOCKS, 600.0)),
}
