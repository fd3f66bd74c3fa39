"""The app over HTTP."""

from drillbook.providers.http.probe import HttpProbe

__all__ = ["HttpProbe"]
