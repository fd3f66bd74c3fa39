"""The sealed journal: one Merkle log a store, signed, verifiable offline."""

from drillbook.core.effect import Evidence
from drillbook.engine.journal.bundle import Bundle, verify_bundle
from drillbook.engine.journal.entry import Entry, Recorded, RunSpan, TreeHead, exact
from drillbook.engine.journal.journal import Journal
from drillbook.engine.journal.opening import open_journal
from drillbook.engine.journal.verify import Verified

__all__ = [
    "Bundle",
    "Entry",
    "Evidence",
    "Journal",
    "Recorded",
    "RunSpan",
    "TreeHead",
    "Verified",
    "exact",
    "open_journal",
    "verify_bundle",
]
