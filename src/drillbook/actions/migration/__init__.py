"""Take a migration from file to proof: check, review, try, apply, verify, and the way back."""

from drillbook.actions.migration.advising import Advised, advise
from drillbook.actions.migration.applying import Applied, apply, look_applied
from drillbook.actions.migration.behaving import Behaved, behave
from drillbook.actions.migration.forgetting import (
    KeptRows,
    forget_before,
    kept,
    look_forgotten,
)
from drillbook.actions.migration.holding import Held, has
from drillbook.actions.migration.looking import Checked, Reviewed, Verified, check, review, verify
from drillbook.actions.migration.ordering import Drift, Pending, drift, pending
from drillbook.actions.migration.rehearsing import Rehearsed, look_rehearsed, rehearse
from drillbook.actions.migration.returning import Before, TakenBack
from drillbook.actions.migration.subject import domain
from drillbook.actions.migration.taking_back import TookBack, look_taken_back, take_back
from drillbook.actions.migration.trying import Tried, look_tried, try_

__all__ = [
    "Advised",
    "Applied",
    "Before",
    "Behaved",
    "Checked",
    "Drift",
    "Held",
    "KeptRows",
    "Pending",
    "Rehearsed",
    "Reviewed",
    "TakenBack",
    "TookBack",
    "Tried",
    "Verified",
    "advise",
    "apply",
    "behave",
    "check",
    "domain",
    "drift",
    "forget_before",
    "has",
    "kept",
    "look_applied",
    "look_forgotten",
    "look_rehearsed",
    "look_taken_back",
    "look_tried",
    "pending",
    "rehearse",
    "review",
    "take_back",
    "try_",
    "verify",
]
