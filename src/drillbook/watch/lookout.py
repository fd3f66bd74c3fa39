"""The lookout: looks at every symptom again and again, opens incidents, and starts their runs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from drillbook.core.errors import DrillbookError
from drillbook.watch.incidents import (
    Incident,
    IncidentBook,
    Noticed,
    new_incident_id,
    says_error,
)
from drillbook.watch.measuring import Sight
from drillbook.watch.symptoms import Look, Standing, Symptom, looked

SEVERITIES = ("info", "low", "medium", "high", "critical")
QUIET = timedelta(minutes=3)
TRY_AGAIN = timedelta(seconds=30)


class Starter(Protocol):
    """Starts the run of an incident."""

    def check(self, runbook: str) -> None:
        """Raise what would keep a run of it from being started."""
        ...

    def planned(self, incident: Incident) -> tuple[str, str]:
        """Return the run's id and its plan as JSON; a run under way is joined: "" for its plan."""
        ...

    def start(self, incident: Incident, plan: str) -> None:
        """Start the run under its id; twice is once."""
        ...


@dataclass(frozen=True, slots=True)
class Event:
    """Something to tell: a symptom that stands otherwise than before, or an incident."""

    kind: str
    at: datetime
    says: str
    symptom: Symptom | None = None
    incident: Incident | None = None


@dataclass
class Lookout:
    """
    All symptoms of all environments; `starter` is None where incidents are only opened.

    `in_books` are all runbooks there are, watched or not; without it nobody knows which are gone.
    """

    symptoms: tuple[Symptom, ...]
    sights: Mapping[str, Sight]
    incidents: IncidentBook
    starter: Starter | None = None
    books: Mapping[str, str] = field(default_factory=dict[str, str])
    quiet: timedelta = QUIET
    in_books: frozenset[str] = frozenset()
    looks: dict[str, Look] = field(default_factory=dict[str, Look])
    _quiet_since: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _tried: dict[str, datetime] = field(default_factory=dict[str, datetime])

    def look(self, now: datetime) -> list[Event]:
        """Look at everything once; return what has changed."""
        events = [*self._looked(now)]
        for runbook, environment in dict.fromkeys(
            (s.runbook, s.environment) for s in self.symptoms
        ):
            own = [s for s in self.symptoms if (s.runbook, s.environment) == (runbook, environment)]
            events += self._incident(runbook, environment, own, now)
        return events

    def leave_gone(self, now: datetime) -> Iterable[Event]:
        """Close the incidents of runbooks that left the books: nothing tells of their end."""
        for found in self.incidents.all(only_open=True) if self.in_books else ():
            if found.runbook in self.in_books:
                continue
            because = f"its runbook {found.runbook} is in no book any more"
            closed = found.model_copy(update={"closed_at": now, "closed_because": because})
            self.incidents.save(closed)
            yield Event("closed", now, because, incident=closed)

    def _looked(self, now: datetime) -> Iterable[Event]:
        for symptom in self.symptoms:
            before = self.looks.get(symptom.key)
            look = looked(symptom, self.sights[symptom.environment], before, now)
            self.looks[symptom.key] = look
            if before is None or before.standing is not look.standing:
                yield Event("symptom", now, f"{look.standing}: {look.says}", symptom=symptom)

    def _incident(
        self, runbook: str, environment: str, own: list[Symptom], now: datetime
    ) -> Iterable[Event]:
        holding = [s for s in own if self.looks[s.key].standing is Standing.HOLDS]
        found = self.incidents.current(runbook, environment)
        if found is None and holding:
            opened, is_new = self.incidents.open(self._opened(holding, now))
            if is_new:
                yield Event("opened", now, opened.noticed[0].says, incident=opened)
            found = opened
        if found is None:
            return
        found = self._with_new_symptoms(found, holding, now)
        if self.starter is not None and not found.started:
            yield from self._started(found, self.starter, now)
            found = self.incidents.show(found.id)
        yield from self._closed(found, own, now)

    def _opened(self, holding: list[Symptom], now: datetime) -> Incident:
        noticed = [_noticed(symptom, self.looks[symptom.key], now) for symptom in holding]
        first = holding[0]
        return Incident(
            id=new_incident_id(),
            runbook=first.runbook,
            book=self.books.get(first.runbook, ""),
            environment=first.environment,
            severity=max((s.severity for s in holding), key=SEVERITIES.index),
            began_at=min(each.since for each in noticed),
            opened_at=now,
            noticed=tuple(noticed),
        )

    def _with_new_symptoms(
        self, found: Incident, holding: list[Symptom], now: datetime
    ) -> Incident:
        known = {each.condition for each in found.noticed}
        new = [s for s in holding if s.condition.text not in known]
        if not new:
            return found
        noticed = [_noticed(symptom, self.looks[symptom.key], now) for symptom in new]
        severity = max((found.severity, *(s.severity for s in new)), key=SEVERITIES.index)
        more = found.model_copy(
            update={"noticed": (*found.noticed, *noticed), "severity": severity}
        )
        self.incidents.save(more)
        return more

    def _started(self, found: Incident, starter: Starter, now: datetime) -> Iterable[Event]:
        """Plan the run, keep plan and id, then start it: killed in between, it is started once."""
        if timedelta(0) <= now - self._tried.get(found.id, now - TRY_AGAIN) < TRY_AGAIN:
            return
        self._tried[found.id] = now
        try:
            if not found.run:
                run, plan = starter.planned(found)
                found = found.model_copy(update={"run": run})
                self.incidents.save(found, plan=plan)
            if plan := self.incidents.plan(found.id):
                starter.start(found, plan)
        except DrillbookError as error:
            problem = says_error(error)
            if problem != found.problem:
                found = found.model_copy(update={"problem": problem})
                self.incidents.save(found)
                yield Event("not started", now, problem, incident=found)
            return
        joined = not plan
        found = found.model_copy(update={"started": True, "problem": ""})
        self.incidents.save(found)
        says = f"run {found.run} is under way already" if joined else f"run {found.run} started"
        yield Event("joined" if joined else "started", now, says, incident=found)

    def _closed(self, found: Incident, own: list[Symptom], now: datetime) -> Iterable[Event]:
        """Close it when every symptom it had is known to be false for a while, and no other is."""
        had = {each.condition for each in found.noticed}
        calm = all(
            look.standing is Standing.FALSE
            if symptom.condition.text in had
            else look.standing not in (Standing.HOLDS, Standing.BEGINS)
            for symptom, look in ((symptom, self.looks[symptom.key]) for symptom in own)
        )
        if not calm:
            self._quiet_since.pop(found.id, None)
            return
        since = min(self._quiet_since.get(found.id, now), now)
        self._quiet_since[found.id] = since
        if now - since < self.quiet:
            return
        because = f"no symptom was there since {since:%H:%M:%S} UTC"
        closed = found.model_copy(update={"closed_at": now, "closed_because": because})
        self.incidents.save(closed)
        self._quiet_since.pop(found.id, None)
        yield Event("closed", now, because, incident=closed)


def _noticed(symptom: Symptom, look: Look, now: datetime) -> Noticed:
    return Noticed(
        text=symptom.text,
        condition=symptom.condition.text,
        severity=symptom.severity,
        since=look.since or now,
        at=now,
        says=look.says,
    )


Told = Callable[[Event], None]
