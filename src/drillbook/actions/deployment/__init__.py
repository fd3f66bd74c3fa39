"""Follow, judge, give and take back what serves the users of an app."""

from drillbook.actions.deployment.building import cancel, redeploy
from drillbook.actions.deployment.following import follow
from drillbook.actions.deployment.giving import promote, rollback
from drillbook.actions.deployment.going_back import way_back
from drillbook.actions.deployment.looking import automatic, serving
from drillbook.actions.deployment.probing import probe
from drillbook.actions.deployment.resuming import resume
from drillbook.actions.deployment.subject import domain
from drillbook.actions.deployment.values import env
from drillbook.actions.deployment.watching import watch

__all__ = [
    "automatic",
    "cancel",
    "domain",
    "env",
    "follow",
    "probe",
    "promote",
    "redeploy",
    "resume",
    "rollback",
    "serving",
    "watch",
    "way_back",
]
