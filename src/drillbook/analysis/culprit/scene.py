"""All that is known at one moment of an incident; what did not answer is None, and never well."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from drillbook.analysis.culprit.requests import Request, Word, reading_of
from drillbook.analysis.culprit.symptoms import Reading, Symptom
from drillbook.analysis.env_example import Named
from drillbook.analysis.onset.finding import Onset
from drillbook.core.deployments import Deployment, EnvironmentValue
from drillbook.core.incident import Change
from drillbook.core.vitals import Entrance, Vitals

ENOUGH_TELL = 4
SPEAK_FOR_ALL = 0.2


class Badness(StrEnum):
    """What users feel."""

    FAILED = "requests fail"
    REFUSED = "requests are refused"
    SLOW = "answers are slow"
    SILENT = "nobody is answered"
    UNHEALTHY = "only the health check fails"


@dataclass(frozen=True)
class Trouble:
    """
    What became worse, since when, and the requests before and since; `bad` are of since.

    Of several `kinds` the first is what hurts most: it is that which `bad` and the onset are of.
    """

    kinds: tuple[Badness, ...]
    onset: Onset
    bad: tuple[Request, ...]
    since: tuple[Request, ...]
    before: tuple[Request, ...]
    before_bad: tuple[Request, ...]
    slow_from: float = 0.0

    @cached_property
    def telling(self) -> tuple[Request, ...]:
        """
        The bad requests that surely belong to what began: those since the likeliest moment.

        Before it, in its interval, lie the last ones of an earlier outage as well; of a few
        requests all are taken.
        """
        late = tuple(one for one in self.bad if one.at >= self.onset.at)
        return late if len(late) >= ENOUGH_TELL else self.bad

    @cached_property
    def readings(self) -> tuple[Reading, ...]:
        """
        What went wrong with each bad request since the onset.

        One whose words did not come yet (its source writes later) says nothing beside the others.
        """
        read = tuple(reading_of(one) for one in self.telling)
        told = tuple(
            reading
            for one, reading in zip(self.telling, read, strict=True)
            if one.message or one.stack or reading.symptom is not Symptom.OTHER
        )
        # Who waits has no words to come; and a few that have some do not speak for all.
        few = len(told) < SPEAK_FOR_ALL * len(read)
        return read if few or self.kinds[0] is Badness.SLOW else told

    @cached_property
    def symptoms(self) -> Counter[Symptom]:
        """How often each symptom is seen since, beyond what is usual."""
        seconds, earlier = self.seconds, self.onset.before.seconds
        usual = Counter(reading_of(one).symptom for one in self.before_bad)
        now = Counter(one.symptom for one in self.readings)
        factor = seconds / earlier if earlier > 0 else 0.0
        return Counter({
            symptom: count - round(usual[symptom] * factor)
            for symptom, count in now.items()
            if count > usual[symptom] * factor
        })  # fmt: skip

    def share(self, *symptoms: Symptom) -> float:
        """Return the share of the bad requests since that have one of these symptoms."""
        whole = sum(self.symptoms.values())
        return sum(self.symptoms[one] for one in symptoms) / whole if whole else 0.0

    def about(self, *symptoms: Symptom) -> str:
        """Return what these symptoms are about most often; "" where they name nothing."""
        named = Counter(one.about for one in self.readings if one.symptom in symptoms and one.about)
        return named.most_common(1)[0][0] if named else ""

    def has(self, badness: Badness) -> bool:
        """Whether users feel this."""
        return badness in self.kinds

    @property
    def seconds(self) -> float:
        """How long the requests since span."""
        return max(1.0, self.since[-1].at - self.since[0].at) if self.since else 1.0

    @property
    def rate_ratio(self) -> float:
        """How many times as many requests come a second as before."""
        earlier = self.onset.before.seconds
        if not self.before or earlier <= 0:
            return 1.0
        return (len(self.since) / self.seconds) / (len(self.before) / earlier)


@dataclass(frozen=True, slots=True)
class Served:
    """A build that serves or served, and what is known of it."""

    deployment: Deployment
    since: datetime | None = None
    given: tuple[str, ...] | None = None
    reads: Named | None = None


@dataclass(frozen=True, slots=True)
class FileDiff:
    """A file that differs between two releases: its path, and its added and removed lines."""

    path: str
    added: str = ""
    removed: str = ""
    lines: tuple[tuple[int, int], ...] = ()
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class MigrationKnown:
    """
    A migration: when it came in force, if that is known, and its text where somebody has it.

    `in_code_only`: no ledger and no log tells that it was applied. `came_with_release`: its file is
    new in the release that serves. `has_file`: its text is a file of the team's, or a ledger's.
    `undone_at`: since when what it made is gone again.
    """

    name: str
    at: datetime | None = None
    text: str = ""
    in_ledger: bool = True
    in_code_only: bool = False
    came_with_release: bool = False
    has_file: bool = True
    undone_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Outside:
    """How something outside of the app answered us just now."""

    name: str
    alive: bool
    failed: int
    asked: int
    median_seconds: float
    problem: str = ""
    address: str = ""
    switch: str = ""
    routes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LimiterSeen:
    """The store of rate limits: whether it answers, and the counts in it that never end."""

    reachable: bool
    milliseconds: float
    endless: int
    counts: int
    prefix: str
    says: str = ""
    switch: str = ""


@dataclass(frozen=True, slots=True)
class Door:
    """
    What came of asking the app from outside, several times: its health and its front.

    `unconnected` counts the requests that got no connection: nobody listens at that address.
    """

    statuses: tuple[int, ...]
    seconds: tuple[float, ...]
    unconnected: int = 0
    problem: str = ""
    own_word: str = ""

    @property
    def is_shut(self) -> bool:
        """Whether nobody listens there at all."""
        return self.unconnected > 0 and self.unconnected == len(self.statuses)

    @property
    def hangs(self) -> int:
        """How many requests were taken and not answered, as far as we waited."""
        return sum(status == 0 for status in self.statuses) - self.unconnected


@dataclass(frozen=True)
class Scene:
    """
    The facts, each None where its part did not answer or is not configured.

    Times of requests, words and the onset are seconds of the epoch; `commits` tells from which
    commit each build is.
    """

    now: datetime
    trouble: Trouble | None = None
    words: tuple[Word, ...] = ()
    changes: tuple[Change, ...] | None = None
    serving: Served | None = None
    earlier: Served | None = None
    commits: Mapping[str, str] = field(default_factory=dict[str, str])
    diff: tuple[FileDiff, ...] | None = None
    values: tuple[EnvironmentValue, ...] | None = None
    migrations: tuple[MigrationKnown, ...] | None = None
    vitals: Vitals | None = None
    door: Door | None = None
    auth: Outside | None = None
    auth_clock_seconds: float | None = None
    dependencies: tuple[Outside, ...] | None = None
    limiter: LimiterSeen | None = None
    restorable: tuple[str, ...] = ()
    disk_used_percent: float | None = None
    unknown: dict[str, str] = field(default_factory=dict[str, str])

    @property
    def database_ill(self) -> str:
        """Why nobody, or nobody more, gets into the database, as it was measured; "" if not so."""
        vitals = self.vitals
        if vitals is None or vitals.entrance is Entrance.FAILED:
            return ""
        if vitals.entrance is not Entrance.OPEN:
            return f"the database: {vitals.entrance}"
        full = [one.role for one in vitals.roles if one.is_full and one.limit > 0]
        if full:
            return f"the database gives {full[0]} no connection"
        is_full = 0 < vitals.limit <= vitals.used
        return "the database gives nobody a connection" if is_full else ""

    @property
    def same_code(self) -> bool:
        """Whether what serves was built from the same commit as what served before."""
        if self.serving is None or self.earlier is None:
            return False
        return self.serving.deployment.commit == self.earlier.deployment.commit


def most_common(values: Iterable[str]) -> str:
    """Return the value seen most often; "" for none."""
    counted = Counter(value for value in values if value)
    return counted.most_common(1)[0][0] if counted else ""
