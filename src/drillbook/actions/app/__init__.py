"""Look at the running app as its users meet it, and help it where it ails."""

from drillbook.actions.app.subject import domain

__all__ = ["domain"]
