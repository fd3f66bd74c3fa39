"""The looks of a watch: what the log and the probes say so far, judged by the sequential tests."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log

from drillbook.actions.deployment.watch_lines import (
    Earlier,
    busiest,
    calm,
    divided,
    earlier_of,
    name_of,
    request_of,
    requests_of,
)
from drillbook.actions.deployment.watch_picture import Moment
from drillbook.actions.deployment.watch_probes import (
    Prober,
    apart,
    named_paths,
    probed,
    prober,
    tells,
    usual_paths,
)
from drillbook.analysis.sequential.before import Before
from drillbook.analysis.sequential.bursts import BLOCK_SECONDS
from drillbook.analysis.sequential.judging import (
    Verdict,
    is_harmless,
    is_worse,
    log_worse,
    probes_weight,
)
from drillbook.analysis.sequential.request import blocks, failed, total
from drillbook.analysis.sequential.stream import Looked, Stream
from drillbook.core.files import File
from drillbook.core.waiting import CLOCKS_DIFFER
from drillbook.ports.logs import LogLine, Logs, LogSpan
from drillbook.ports.probe import Probe

# Users and probes together ask about twice a second.
ASKED_A_MINUTE = 120
# Whether two releases serve is settled by who served in the second half of this time.
SETTLING_SECONDS = 20.0
FEWEST_BESIDE = 2
SMALLEST_SHARE = 0.05
SPIKE = 2.0
DEAD_SECONDS = 30.0
_DOUBT = log(10)


@dataclass(frozen=True, slots=True)
class Look:
    """Everything known at one look."""

    at: datetime
    verdict: Verdict
    because: str
    moment: Moment
    span: LogSpan
    new: tuple[LogLine, ...]
    old: tuple[LogLine, ...]
    users: Looked
    probes: Looked | None
    needed: int | None
    beside: bool


class Watching:
    """
    One watch: what the time before says is read once, then each look judges all that came since.

    The looks read the log again from the start: lines that were written late are not lost.
    """

    def __init__(
        self,
        logs: Logs,
        app: Probe,
        *,
        start: datetime,
        commit: str,
        compared_with: timedelta,
        probes: int | None,
        file: File | None,
        bursts: timedelta,
    ) -> None:
        self._logs, self._app, self.start, self._commit = logs, app, start, commit
        before = logs.between(start - compared_with, start)
        self.before_cut = before.cut
        self.earlier: Earlier = earlier_of(
            requests_of(before.lines, app.health_path), commit, start
        )
        lines = self.earlier.lines
        minutes = (start - lines[0].at).total_seconds() / 60.0 if lines else 0.0
        self.rate_before = len(lines) / max(minutes, 1.0)
        self._busy_from = SPIKE * busiest(lines)
        paths = named_paths(file, app.health_path) if file is not None else usual_paths(lines)
        wanted = max(0, ASKED_A_MINUTE - round(self.rate_before)) if probes is None else probes
        self.probes_a_minute = wanted if paths else 0
        self.prober: Prober = prober(app, paths if wanted else (), lines)
        weight = probes_weight(self.probes_a_minute, self.rate_before)
        worst = round(bursts.total_seconds() / BLOCK_SECONDS)
        self.users = Stream([request_of(line) for line in lines], 1.0 - weight, worst)
        same = [line for line in lines if line.path in paths and line.method in {"GET", ""}]
        self.probed = (
            Stream([request_of(line) for line in same if tells(line.status)], weight, worst)
            if self.probes_a_minute
            else None
        )
        self._beside: bool | None = None

    def look(self, now: datetime) -> Look:
        """Read what came since the start, and judge it."""
        span = self._logs.between(self.start, now + CLOCKS_DIFFER)
        everybody = requests_of(span.lines, self._app.health_path)
        lines, matched = apart(everybody, self.prober.sent)
        new, old = divided(lines, self.earlier, self._commit)
        after = [request_of(line) for line in new]
        beside = self._serves_beside(now, everybody)
        if beside:
            # Probes are left out: a client without cookies may always meet the same release.
            old_requests = [request_of(line) for line in old]
            users, probes = self.users.beside(old_requests, after, until=now.timestamp()), None
        else:
            users = self.users.look(
                after, calm=[request_of(line) for line in calm(new, self._busy_from)]
            )
            probes = self.probed.look(probed(matched)) if self.probed is not None else None
        verdict, because = self._verdict(now, new, users, probes)
        looked = [users, probes] if probes is not None else [users]
        tests = [test for each in looked for test in each.tests]
        moment = Moment(
            (now - self.start).total_seconds(),
            log_worse(tests),
            max(min(test.log_harmless for test in each.tests) for each in looked),
        )
        needed = self._needed(users, probes, old) if verdict is Verdict.INCONCLUSIVE else 0
        return Look(
            now, verdict, because, moment, span, tuple(new), tuple(old), users, probes,
            needed, bool(beside),
        )  # fmt: skip

    def _verdict(
        self, now: datetime, new: Sequence[LogLine], users: Looked, probes: Looked | None
    ) -> tuple[Verdict, str]:
        if dead := self._dead(now, new):
            return Verdict.FAIL, dead
        if self._beside is None:
            return Verdict.INCONCLUSIVE, "it is not settled yet whether two releases serve"
        if worse := _worse(users, probes):
            return Verdict.FAIL, worse
        if harmless := _harmless(users, probes):
            return Verdict.PASS, harmless
        if not users.errors.trials and (probes is None or not probes.errors.trials):
            return Verdict.INCONCLUSIVE, "nobody came, and silence is no proof of health"
        return Verdict.INCONCLUSIVE, "too few requests to tell"

    def _dead(self, now: datetime, new: Sequence[LogLine]) -> str:
        since = self.prober.silent_since
        if since is None or now.timestamp() - since < DEAD_SECONDS:
            return ""
        if any(line.at.timestamp() >= since and tells(line.status) for line in new):
            return ""  # users are served: it is the probes' way that is broken
        return f"nothing has answered for {now.timestamp() - since:.0f} s"

    def _serves_beside(self, now: datetime, everybody: Sequence[LogLine]) -> bool | None:
        """Settle once, by who served users and probes and never by how well, how to compare."""
        if self._beside is None:
            from_ = self.start + timedelta(seconds=SETTLING_SECONDS / 2)
            until = self.start + timedelta(seconds=SETTLING_SECONDS)
            if not any(name_of(line) for line in (*everybody, *self.earlier.lines[-1:])):
                self._beside = False  # no line says who answered
            elif now >= until:
                within = [line for line in everybody if from_ <= line.at < until]
                new, old = divided(within, self.earlier, self._commit)
                self._beside = min(len(new), len(old)) >= FEWEST_BESIDE and len(
                    old
                ) >= SMALLEST_SHARE * len(within)
        return self._beside

    def _needed(self, users: Looked, probes: Looked | None, old: Sequence[LogLine]) -> int | None:
        usual = None
        if self._beside:
            found = blocks([request_of(line) for line in old], failed)
            usual = Before(total(found.values()), self.users.group)
        ways = [self.users.needed(users, usual=usual)]
        if probes is not None and self.probed is not None:
            ways.append(self.probed.needed(probes))
        return min((way for way in ways if way is not None), default=None)


def _worse(users: Looked, probes: Looked | None) -> str:
    """Say what became worse, or nothing."""
    tests = [*users.tests, *(probes.tests if probes is not None else ())]
    if not is_worse(log_worse(tests)):
        return ""
    worst = max(tests, key=lambda test: test.log_worse + log(test.weight))
    who = "requests" if worst in users.tests else "probes"
    return f"more {who} fail" if worst.of_errors else f"{who} are slower"


def _harmless(users: Looked, probes: Looked | None) -> str:
    """Say why nothing became harmfully worse, or nothing."""
    if _rules_out(users):
        return "a harmful rise is ruled out"
    if probes is None or not _rules_out(probes):
        return ""
    if max(test.log_worse for test in users.tests) > _DOUBT:
        return ""  # probes meet what is asked for most; users meet the rest, too
    return "a harmful rise is ruled out by probes of what users ask for most"


def _rules_out(looked: Looked) -> bool:
    return is_harmless([test.log_harmless for test in looked.tests])
