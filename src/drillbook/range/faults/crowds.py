"""The fault of too many users, all of them legitimate."""

import time

from drillbook.core.errors import Unavailable
from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers
from drillbook.range.traffic.shape import Flow, Shape, flow_from, flow_said


def _look(ground: Ground) -> Saved:
    flow = _flow(ground)
    if flow is None:
        raise Unavailable(
            "nobody uses the app, so nobody can come eightfold",
            hint="drillbook range traffic start",
        )
    return flow_said(flow)


def _flow(ground: Ground) -> Flow | None:
    traffic = ground.environment.traffic
    return traffic.flow() if traffic.identity() is not None else None


def _act(ground: Ground, saved: Saved) -> None:
    calm = flow_from(saved)
    flow = calm.changed(rate=None, shape=Shape.SPIKE, since=time.time())
    ground.environment.traffic.change(flow)


def _mend(ground: Ground, saved: Saved) -> None:
    ground.environment.traffic.change(flow_from(saved))


def _holds(ground: Ground) -> bool:
    flow = _flow(ground)
    return flow is not None and flow.shape is Shape.SPIKE


FAULTS = (
    Fault(
        name="traffic-spike",
        says="eight times as many users come as before, all of them legitimate",
        suffers=Suffers.OPERATORS,
        look=_look,
        act=_act,
        mend=_mend,
        holds=_holds,
    ),
)
