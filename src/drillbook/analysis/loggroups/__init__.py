"""Group log lines by their message, tell what changed between two times, and read stack traces."""

from drillbook.analysis.loggroups.comparing import Change, GroupChange, Verdict, compare
from drillbook.analysis.loggroups.grouping import Group, Grouper, Groups, group

__all__ = ["Change", "Group", "GroupChange", "Grouper", "Groups", "Verdict", "compare", "group"]
