"""What users feel by the logs alone: requests, and since when they became worse."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from drillbook.analysis.culprit.trouble import Felt
from drillbook.core.errors import DrillbookError
from drillbook.core.secret import scrub_foreign
from drillbook.ports.logs import Logs, LogSpan
from drillbook.ports.probe import Probe
from drillbook.triage.lines import Read
from drillbook.triage.sharing import shared


@dataclass(frozen=True, slots=True)
class Feeling:
    """The lines of a window, taken apart, and what users feel by them."""

    start: datetime
    now: datetime
    span: LogSpan
    read: Read
    felt: Felt
    known: bool = True

    @property
    def silent(self) -> tuple[str, ...]:
        """The sources that say nothing: of errors there, nothing is known."""
        return tuple(one.says for one in self.span.sources if one.silent)


def feel(logs: Logs, probe: Probe, window: timedelta) -> Feeling:
    """Read a window up to now and find what became worse in it; an unreadable log is unknown."""
    now = datetime.now(UTC)
    try:
        found = shared.look(logs, (probe.health_path, probe.release_path), window)
    except DrillbookError as error:
        said = f"not known, the log cannot be read: {scrub_foreign(str(error))}"
        read = Read((), (), ())
        return Feeling(now - window, now, LogSpan(()), read, Felt(None, said), known=False)
    return Feeling(found.start, found.now, found.span, found.read, found.felt)
