"""The repository on its platform: reviewed, green, merged; what changed; who is reminded."""

from drillbook.actions.repository.changing import Changes, Line, changes
from drillbook.actions.repository.checking import Green, Rerun, checks, rerun, rerun_already
from drillbook.actions.repository.commits import CommitOf, commit
from drillbook.actions.repository.merging import MergedInto, merge, merged_already
from drillbook.actions.repository.reminding import Reminded, remind, reminded
from drillbook.actions.repository.reviewing import Reviewed, reviewed
from drillbook.actions.repository.subject import domain

__all__ = [
    "Changes",
    "CommitOf",
    "Green",
    "Line",
    "MergedInto",
    "Reminded",
    "Rerun",
    "Reviewed",
    "changes",
    "checks",
    "commit",
    "domain",
    "merge",
    "merged_already",
    "remind",
    "reminded",
    "rerun",
    "rerun_already",
    "reviewed",
]
