"""See whether the app fails more often than before, who is hit, and what caused it."""

from drillbook.actions.errors.cluster import Clustered, cluster
from drillbook.actions.errors.culprit import Culprit, culprit
from drillbook.actions.errors.hit import Hit, hit
from drillbook.actions.errors.onset import Onset, onset
from drillbook.actions.errors.preserving import Preserved, preserve
from drillbook.actions.errors.subject import domain
from drillbook.actions.errors.watching import Verdict, Watched, watch

__all__ = [
    "Clustered",
    "Culprit",
    "Hit",
    "Onset",
    "Preserved",
    "Verdict",
    "Watched",
    "cluster",
    "culprit",
    "domain",
    "hit",
    "onset",
    "preserve",
    "watch",
]
