"""The repository on GitHub: read through its REST API, merged into, asked for reminders."""

from drillbook.providers.github.provider import GitHub

__all__ = ["GitHub"]
