"""Faults of the hosting, of its edge and of the pipeline: what a platform gets wrong by itself."""

from drillbook.core.process_identity import ProcessIdentity
from drillbook.range.edge.process import Edge
from drillbook.range.faults.fault import Fault, Ground, Saved, Suffers, nothing_to_know
from drillbook.range.faults.freezing import freeze, hangs, thaw
from drillbook.range.faults.snapshot import HOSTING, project_of, serving
from drillbook.range.hosting.app_process import AppProcess
from drillbook.range.twins.vercel.records import Hosting

USERS, OPERATORS = Suffers.USERS, Suffers.OPERATORS
ON = "autoAssignCustomDomains"


def _played(name: str, twin: str, word: str, says: str) -> Fault:
    """Return a fault that a twin plays while its documents say so."""
    return Fault(
        name=name,
        says=says,
        suffers=OPERATORS,
        look=nothing_to_know,
        act=lambda ground, _: ground.cloud.documents(twin).put("fault", word, {}),
        mend=lambda ground, _: _ended(ground, twin, word),
        holds=lambda ground: ground.cloud.documents(twin).get("fault", word) is not None,
    )


def _ended(ground: Ground, twin: str, word: str) -> None:
    ground.cloud.documents(twin).remove("fault", word)


def _look_at_project(ground: Ground) -> Saved:
    project = project_of(ground.cloud)
    return {name: project.get(name) for name in (ON, "lastRollbackTarget")}


def _turn_off(ground: Ground, _: Saved) -> None:
    Hosting(ground.cloud).change_project(**{ON: False})


def _turn_back(ground: Ground, saved: Saved) -> None:
    Hosting(ground.cloud).change_project(**saved)


def _look_at_crons(ground: Ground) -> Saved:
    serves = serving(ground.cloud, ground.name)
    found = Hosting(ground.cloud).deployment(serves) or {}
    return {"deployment": serves, "crons": found.get("crons", [])}


def _lose_crons(ground: Ground, saved: Saved) -> None:
    Hosting(ground.cloud).change_deployment(saved["deployment"], crons=[])


def _find_crons(ground: Ground, saved: Saved) -> None:
    Hosting(ground.cloud).change_deployment(saved["deployment"], crons=saved["crons"])


def _app(ground: Ground) -> ProcessIdentity | None:
    folder = ground.cloud.deployments / serving(ground.cloud, ground.name)
    return AppProcess(folder).identity()


def _look_at_app(ground: Ground) -> Saved:
    running = _app(ground)
    return {"pid": running.pid, "started": running.started} if running else {}


def _was(saved: Saved) -> ProcessIdentity | None:
    return ProcessIdentity(saved["pid"], saved["started"]) if saved else None


def _stop_edge(ground: Ground, _: Saved) -> None:
    Edge(ground.cloud).stop()


def _start_edge(ground: Ground, _: Saved) -> None:
    Edge(ground.cloud).start(tied=ground.tied)


FAULTS = (
    _played(
        "hosting-does-not-assign",
        "vercel",
        "alias",
        "releases become READY and the hosting fails to give them the users",
    ),
    _played(
        "hosting-does-not-switch",
        "vercel",
        "edge",
        "the hosting says that a new release serves, and the edge goes on with the old one",
    ),
    _played("ci-stuck", "github", "ci", "the pipeline takes no job from its queue"),
    Fault(
        name="automatic-off",
        says="somebody went back and left automatic assignment off: no new release gets users",
        suffers=OPERATORS,
        look=_look_at_project,
        act=_turn_off,
        mend=_turn_back,
        holds=lambda ground: not project_of(ground.cloud).get(ON),
        lies_on=HOSTING,
    ),
    Fault(
        name="crons-lost",
        says="the hosting has lost the schedules of the release that serves",
        suffers=OPERATORS,
        look=_look_at_crons,
        act=_lose_crons,
        mend=_find_crons,
        holds=lambda ground: not _look_at_crons(ground)["crons"],
        lies_on=HOSTING,
    ),
    Fault(
        name="app-hangs",
        says="the app's process takes connections and answers nobody",
        suffers=USERS,
        look=_look_at_app,
        act=lambda _, saved: freeze(_was(saved)),
        mend=lambda _, saved: thaw(_was(saved)),
        holds=lambda ground: hangs(_app(ground)),
    ),
    Fault(
        name="platform-down",
        says="the edge is away: nobody reaches any app",
        suffers=USERS,
        look=nothing_to_know,
        act=_stop_edge,
        mend=_start_edge,
        holds=lambda ground: Edge(ground.cloud).identity() is None,
    ),
)
