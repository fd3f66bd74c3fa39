"""See whether the app fails more often than before, who is hit, and what caused it."""

from drillbook.actions.errors.subject import domain
from drillbook.actions.errors.watching import Verdict, Watched, watch

__all__ = ["Verdict", "Watched", "domain", "watch"]
