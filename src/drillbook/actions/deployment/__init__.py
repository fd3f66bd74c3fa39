"""Follow, judge, give and take back what serves the users of an app."""

from drillbook.actions.deployment.subject import domain

__all__ = ["domain"]
