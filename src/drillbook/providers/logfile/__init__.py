"""The app's log as a file on this machine."""

from drillbook.providers.logfile.log import FileLogs

__all__ = ["FileLogs"]
