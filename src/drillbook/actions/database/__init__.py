"""Look at a database and end what is in the way: room, platform, blockers, vitals."""

from drillbook.actions.database.ending import end_session, look_ended
from drillbook.actions.database.ending_many import end_sessions
from drillbook.actions.database.looking import OnPlatform, access, blockers, connections, platform
from drillbook.actions.database.raising import raise_connections
from drillbook.actions.database.restarting import restart
from drillbook.actions.database.subject import domain
from drillbook.actions.database.vitals import vitals

__all__ = [
    "OnPlatform",
    "access",
    "blockers",
    "connections",
    "domain",
    "end_session",
    "end_sessions",
    "look_ended",
    "platform",
    "raise_connections",
    "restart",
    "vitals",
]
