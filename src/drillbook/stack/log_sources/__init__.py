"""The sources of log lines an environment names, read side by side and made one."""

from drillbook.stack.log_sources.merged import MergedLogs

__all__ = ["MergedLogs"]
