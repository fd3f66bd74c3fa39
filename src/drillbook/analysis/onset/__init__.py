"""When something became worse, and which change that points to."""

from drillbook.analysis.onset.attribution import Attribution, Dated, attribute
from drillbook.analysis.onset.finding import (
    Level,
    Onset,
    Piece,
    Stream,
    find_onset,
    find_onset_of_counts,
)
from drillbook.analysis.onset.silence import Silence, find_silence
from drillbook.analysis.onset.slowness import slow_from

__all__ = [
    "Attribution",
    "Dated",
    "Level",
    "Onset",
    "Piece",
    "Silence",
    "Stream",
    "attribute",
    "find_onset",
    "find_onset_of_counts",
    "find_silence",
    "slow_from",
]
