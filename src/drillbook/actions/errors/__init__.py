"""See whether the app fails more often than before, who is hit, and what caused it."""

from drillbook.actions.errors.culprit import Culprit, culprit
from drillbook.actions.errors.subject import domain
from drillbook.actions.errors.watching import Verdict, Watched, watch

__all__ = ["Culprit", "Verdict", "Watched", "culprit", "domain", "watch"]
