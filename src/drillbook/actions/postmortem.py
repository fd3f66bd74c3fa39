"""Write down what an incident was: measured over its whole time, and drafted from the record."""

from collections.abc import Sequence
from datetime import UTC, datetime

from drillbook.analysis.postmortem import draft as drafted
from drillbook.core.catalog import Domain
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import DrillbookError
from drillbook.core.model import Frozen
from drillbook.ports.logs import LogLine, Logs
from drillbook.ports.probe import Probe
from drillbook.ports.run_record import RunRecords

domain = Domain("postmortem")

SERVER_ERROR = 500
REFUSALS = {401, 403, 429}
MARKDOWN = "text/markdown"


class Impact(Frozen):
    """
    What users' requests met from `since` to `until`; health checks and own probes are no users.

    `refused` counts answers 401, 403 and 429, those that are usual among them. `users` counts
    different ones who met a failure or a refusal, as far as lines name them. `known` False: there
    was no beginning to measure from, or the log could not be read in full.
    """

    known: bool
    since: datetime | None
    until: datetime
    minutes: float
    requests: int
    failed: int
    refused: int
    users: int
    users_known: bool
    silent: tuple[str, ...]
    says: str


class Draft(Frozen):
    """A drafted post-mortem: its text, and from how many places of the record its numbers are."""

    known: bool
    found: bool
    figures: int
    text: str
    says: str
    evidence: Evidence | None = None


@domain.read
def measure(
    logs: Logs, probe: Probe, *, since: datetime | None = None, until: datetime | None = None
) -> Impact:
    """
    Count the requests and users that an incident hit, from its beginning to now.

    `since` is when it began, as `errors.culprit` found it; without one nothing is measured.
    """
    end = datetime.now(UTC) if until is None else until.astimezone(UTC)
    if since is None:
        return _unmeasured(end, "nobody knows since when, so nothing is measured")
    start = since.astimezone(UTC)
    if start >= end:
        return _unmeasured(end, f"it began at {start:%H:%M:%S} UTC, which is not before the end")
    try:
        span = logs.between(start, end)
    except DrillbookError as error:
        return _unmeasured(end, f"the log cannot be read: {error}")
    health = probe.health_path.partition("?")[0]
    requests = [line for line in span.lines if line.status and line.path != health]
    bad = [line for line in requests if _is_bad(line)]
    silent = tuple(source.name for source in span.sources if source.silent)
    failed = sum(line.status >= SERVER_ERROR for line in bad)
    users = {line.user for line in bad if line.user}
    users_known = any(line.user for line in requests)
    minutes = round((end - start).total_seconds() / 60, 1)
    return Impact(
        known=not span.cut, since=start, until=end, minutes=minutes,
        requests=len(requests), failed=failed, refused=len(bad) - failed,
        users=len(users), users_known=users_known, silent=silent,
        says=_says(requests, failed, len(bad) - failed, minutes, cut=span.cut, silent=silent),
    )  # fmt: skip


def _is_bad(line: LogLine) -> bool:
    return line.status >= SERVER_ERROR or line.status in REFUSALS


def _says(
    requests: Sequence[LogLine], failed: int, refused: int, minutes: float, *, cut: bool,
    silent: tuple[str, ...],
) -> str:  # fmt: skip
    told = (
        f"{failed} of {len(requests)} requests failed and {refused} were refused "
        f"in {minutes:g} minutes"
    )
    if cut:
        told = f"older lines are missing, so this is too little: {told}"
    return f"{told}; silent: {', '.join(silent)}" if silent else told


def _unmeasured(end: datetime, says: str) -> Impact:
    return Impact(
        known=False, since=None, until=end, minutes=0.0, requests=0, failed=0, refused=0,
        users=0, users_known=False, silent=(), says=says,
    )  # fmt: skip


@domain.read
def draft(records: RunRecords, effect: Effect, *, run: str = "") -> Draft:
    """
    Draft the post-mortem of this run, or of `run`, from the journal alone.

    Every number in it has a footnote: the entry of the journal, and the place in it.
    """
    wanted = run or effect.run
    try:
        record = records.read(wanted)
    except DrillbookError as error:
        return Draft(known=False, found=False, figures=0, text="", says=f"not drafted: {error}")
    made = drafted(record.plan, record.entries, record.roles)
    return Draft(
        known=True,
        found=made.found,
        figures=made.figures,
        text=made.text,
        says=f"drafted from {len(record.entries)} entries of {wanted}; "
        f"its numbers are from {made.figures} places in them",
        evidence=_kept(effect, made.text),
    )


def _kept(effect: Effect, text: str) -> Evidence | None:
    try:
        return effect.keep("post-mortem.md", text.encode(), MARKDOWN)
    except LookupError:
        return None  # nobody keeps evidence: the action was called by hand
