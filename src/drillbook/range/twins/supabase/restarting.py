"""A restart of a project's server: the real Postgres is stopped and started, whatever it did."""

import resource
import shutil
from threading import Thread

from drillbook.core.errors import DrillbookError
from drillbook.core.process_identity import children_of, is_running
from drillbook.range.cloud import ENVIRONMENTS, Cloud
from drillbook.range.environment import Environment
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.project import Project
from drillbook.range.twins.supabase.projects import set_status, status_of

WELL, UNHEALTHY, RESTARTING = "ACTIVE_HEALTHY", "ACTIVE_UNHEALTHY", "RESTARTING"
MAY = (WELL, UNHEALTHY, "UNKNOWN")


def end_servers(cloud: Cloud) -> None:
    """End the servers of a tied range that were restarted here, and so are tied to nobody."""
    for name in ENVIRONMENTS:
        server = Environment(name, cloud.environment(name)).server
        if server.kill():
            shutil.rmtree(server.folder, ignore_errors=True)


class Restarts:
    """Restarts servers in the background; one that a kill cut off is begun again."""

    def __init__(self, projects: tuple[Project, ...]) -> None:
        self._projects = projects

    @property
    def table(self) -> Table:
        """What is asked for by which path."""
        return (("POST", "/restart", self._restart),)

    def resume(self) -> None:
        """Go on with what was begun before this process was."""
        for project in self._projects:
            if status_of(project) == RESTARTING:
                self._begin(project)

    def _restart(self, asked: Asked) -> Answer:
        with asked.project.documents.locked():
            status = status_of(asked.project)
            if status not in MAY:
                raise ApiError(400, f"The project is {status}")
            set_status(asked.project, RESTARTING)
        self._begin(asked.project)
        return 200, None

    def _begin(self, project: Project) -> None:
        Thread(target=self._carry_out, args=(project,), daemon=True).start()

    def _carry_out(self, project: Project) -> None:
        server = Environment(project.environment, project.folder).server
        try:
            running = server.identity()
            limits = resource.prlimit(running.pid, resource.RLIMIT_FSIZE) if running else None
            server.stop()
            # Not tied to this process, which a range may stop before its servers.
            started = server.start()
            if limits is not None:
                # A full disk is as full after a restart.
                for process in (started, *children_of(started.pid)):
                    if is_running(process):
                        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)
            status = WELL
        except (DrillbookError, OSError):
            status = UNHEALTHY
        try:
            set_status(project, status)
        finally:
            project.documents.close()
