"""Look at the running app as its users meet it, and help it where it ails."""

from drillbook.actions.app.blocking import block_source
from drillbook.actions.app.changes import Changes, changes
from drillbook.actions.app.health import Health, health
from drillbook.actions.app.setting import set_value, switch_off
from drillbook.actions.app.shedding import shed
from drillbook.actions.app.subject import domain
from drillbook.actions.app.values import ValuesSince, values

__all__ = [
    "Changes",
    "Health",
    "ValuesSince",
    "block_source",
    "changes",
    "domain",
    "health",
    "set_value",
    "shed",
    "switch_off",
    "values",
]
