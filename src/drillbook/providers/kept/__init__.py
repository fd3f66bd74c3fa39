"""Log lines kept on this machine: what platforms forget, what senders send only once."""

from drillbook.providers.kept.kept import KeptLogs

__all__ = ["KeptLogs"]
