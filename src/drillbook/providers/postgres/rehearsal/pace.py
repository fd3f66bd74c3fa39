"""How fast production is beside the copy: the same work on both, at the same moment."""

from drillbook.core.errors import DrillbookError
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server

TRIES = 5
NOISE = 0.25  # so much two runs on one machine differ
SLOWEST, FASTEST = 5.0, 0.5


def pace_of(production: Server, copy: Server) -> float:
    """
    Return how many times longer production takes for the same work: 1 when they are alike.

    It is the executor's work that is compared, without any table: it is harmless to production and
    says nothing of its disks.
    """
    try:
        ratio = _milliseconds(production) / _milliseconds(copy)
    except DrillbookError:
        return 1.0  # a role that may not even do this sees the forecast at the copy's pace
    if abs(ratio - 1) <= NOISE:
        return 1.0
    return round(min(SLOWEST, max(FASTEST, ratio)), 2)


def _milliseconds(server: Server) -> float:
    with server.session() as session:
        found = []
        for _ in range(TRIES):
            row = session.execute(query("rehearsal", "work")).fetchone()
            found.append(float(row[0][0]["Execution Time"]) if row else 0.0)
    return max(min(found), 1.0)
