"""How far a statement is, by the server's own progress views."""

import time
from dataclasses import dataclass, field

from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Session

VIEWS = ("index", "cluster", "vacuum", "analyze", "copy")
TELLING_SECONDS = 1.0  # before that a rate says nothing


@dataclass
class Pace:
    """A statement in words, since when it runs, and which phase of it began when."""

    says: str
    began: float = field(default_factory=time.monotonic)
    phase: str = ""
    phase_began: float = 0.0
    view: str = ""


def how_far(session: Session, pid: int, pace: Pace) -> tuple[str, float | None] | None:
    """Return sentence and fraction done of what a session does; None when the server tells none."""
    for view in (pace.view,) if pace.view else VIEWS:
        row = session.execute(query("applying", f"progress_{view}"), {"pid": pid}).fetchone()
        if row is not None:
            pace.view = view  # a statement is of one kind: no need to ask all views again
            return _sentence(pace, str(row[0]), row[1])
    return None


def _sentence(pace: Pace, phase: str, fraction: float | None) -> tuple[str, float | None]:
    now = time.monotonic()
    if phase != pace.phase:
        pace.phase, pace.phase_began = phase, now
    says = f"{pace.says}: {phase}"
    if fraction is None:
        return f"{says}, since {now - pace.began:.0f} s", None
    fraction = min(1.0, fraction)
    lasted = now - pace.phase_began
    left = ""
    if fraction > 0 and lasted >= TELLING_SECONDS:
        left = f", about {lasted * (1 - fraction) / fraction:.0f} s left in this phase"
    return f"{says}, {fraction:.0%}{left}", fraction
