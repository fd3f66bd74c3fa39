"""The same request several times side by side: what fails now and then is seen to fail."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from drillbook.core.side_by_side import side_by_side
from drillbook.remote.asking import Asking, Heard, ask

TIMES = 3
HANGS_SECONDS = 1.0  # more than the time-out: then even ending the call hangs
SERVER_ERROR, TOO_MANY, UNAUTHORIZED, FORBIDDEN = 500, 429, 401, 403


@dataclass(frozen=True, slots=True)
class Round:
    """The answers of one round, and when the middle of each was by our clock."""

    heard: tuple[Heard, ...]
    middles: tuple[datetime, ...]

    @property
    def statuses(self) -> tuple[int, ...]:
        """The status of each answer, 0 where none came."""
        return tuple(one.status for one in self.heard)

    @property
    def seconds(self) -> tuple[float, ...]:
        """How long each took."""
        return tuple(round(one.seconds, 3) for one in self.heard)

    @property
    def median_seconds(self) -> float:
        """The time in the middle of all."""
        return round(median(one.seconds for one in self.heard), 3)

    @property
    def clock_seconds(self) -> float | None:
        """The other clock minus ours by the Date header of the quickest answer."""
        said = [
            (one.seconds, (one.date - middle).total_seconds() + 0.5)  # the header is cut to seconds
            for one, middle in zip(self.heard, self.middles, strict=True)
            if one.date is not None
        ]
        return round(min(said)[1], 1) if said else None

    def failed(self, fails: Callable[[Heard], bool]) -> tuple[Heard, ...]:
        """Return the answers that count as failures."""
        return tuple(one for one in self.heard if fails(one))


def ask_several(asking: Asking, *, times: int = TIMES) -> Round:
    """Send a request several times side by side, each within its time-out."""

    def look() -> tuple[Heard, datetime]:
        begun = datetime.now(UTC)
        heard = ask(asking)
        return heard, begun + (datetime.now(UTC) - begun) / 2

    seconds = asking.timeout_seconds + HANGS_SECONDS
    ended = side_by_side({str(n): look for n in range(times)}, at_most_seconds=seconds)
    answers = [_answer(one, asking) for one in ended.values()]
    return Round(tuple(heard for heard, _ in answers), tuple(at for _, at in answers))


def ask_surely(asking: Asking, fails: Callable[[Heard], bool], *, times: int = TIMES) -> Round:
    """
    Send a request several times, and once more so often where only some of them failed.

    One failure of all is then chance, such as a machine of ours that is busy; two are not.
    """
    first = ask_several(asking, times=times)
    if not 0 < len(first.failed(fails)) < times:
        return first
    again = ask_several(asking, times=times)
    return Round(first.heard + again.heard, first.middles + again.middles)


def is_failing(asked: Round, fails: Callable[[Heard], bool]) -> bool:
    """Whether it fails, and not by chance."""
    failed = len(asked.failed(fails))
    return failed > 1 or failed == len(asked.heard)


def is_error(heard: Heard) -> bool:
    """Whether nothing came, or a server's error."""
    return heard.status == 0 or heard.status >= SERVER_ERROR


def problem_of(heard: tuple[Heard, ...]) -> str:
    """Return in words what failed, each kind once."""
    words = [one.problem or f"answered {one.status}" for one in heard]
    return "; ".join(dict.fromkeys(words))


def _answer(ended: tuple[Heard, datetime] | Exception, asking: Asking) -> tuple[Heard, datetime]:
    if isinstance(ended, Exception):
        seconds = asking.timeout_seconds
        return Heard(0, seconds, problem=f"no answer within {seconds:g} s"), datetime.now(UTC)
    return ended
