"""Group log lines by their message, tell what changed between two times, and read stack traces."""

from drillbook.analysis.loggroups.comparing import Change, GroupChange, Verdict, compare
from drillbook.analysis.loggroups.folding import fold
from drillbook.analysis.loggroups.grouping import Group, Grouper, Groups, group
from drillbook.analysis.loggroups.stacks import Frame, Stack, read_stack

__all__ = [
    "Change",
    "Frame",
    "Group",
    "GroupChange",
    "Grouper",
    "Groups",
    "Stack",
    "Verdict",
    "compare",
    "fold",
    "group",
    "read_stack",
]
