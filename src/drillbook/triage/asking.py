"""What each part is asked, and of whom."""

# A port is the key of its provider.
# mypy: disable-error-code="type-abstract"

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from drillbook.analysis.culprit.scene import Door
from drillbook.core.deployments import Deployment, Hosting
from drillbook.core.errors import DrillbookError, NotFound, SettingsInvalid
from drillbook.core.secret import scrub_foreign
from drillbook.core.side_by_side import side_by_side
from drillbook.ports.app_values import AppValues, Switchboard
from drillbook.ports.auth_state import AuthSeen, AuthState
from drillbook.ports.dependencies import Dependencies
from drillbook.ports.deployments import Deployments, EnvironmentValues
from drillbook.ports.limits import Limits
from drillbook.ports.migration_files import Ledgers, MigrationFolders
from drillbook.ports.platform import Platform
from drillbook.ports.probe import Answer, Probe, Question
from drillbook.ports.repository import Repository
from drillbook.ports.status_pages import StatusPages
from drillbook.ports.systems import Systems
from drillbook.ports.vitals import DatabaseVitals
from drillbook.triage.looks import Look, NotNamed
from drillbook.triage.serving import diff_between, served

T = TypeVar("T")
MOST_BUILDS = 20
KNOCKS = 3
LIMITS = "limits"
KNOCK_SECONDS = 5.0
NO_CONNECTION = "no connection"  # as the probe says it where nobody listens
NEW_FILE = ".sql"
DOWN = ".down.sql"


def optional(systems: Systems, port: type[T]) -> T | None:
    """Return a provider where there is one; a broken setting is told by the part that needs it."""
    try:
        return systems.find(port)
    except DrillbookError:
        return None  # the part that needs it says so


def _named(systems: Systems, port: type[T]) -> T:
    found = systems.find(port)
    if found is None:
        raise NotNamed(port.__name__)
    return found


def first_looks(systems: Systems, start: datetime) -> dict[str, Look]:
    """Return what can be asked at once, beside the logs."""
    return {
        "app": lambda: _knock(_named(systems, Probe)),
        "hosting": lambda: _named(systems, Deployments).hosting(),
        "deployments": lambda: _named(systems, Deployments).recent(MOST_BUILDS),
        "environment values": lambda: _named(systems, EnvironmentValues).values(),
        "database": lambda: _named(systems, DatabaseVitals).vitals(),
        "ledgers": lambda: _named(systems, Ledgers).entries(),
        "disk": lambda: _named(systems, Platform).disk(),
        "login service": lambda: _look_at_auth(_named(systems, AuthState)),
        "limits": lambda: _named(systems, Limits).look(""),
        "switch of limits": lambda: _switch(systems, LIMITS),
        "dependencies": lambda: _named(systems, Dependencies).seen(),
        "status pages": lambda: _named(systems, StatusPages).posted(start),
    }


def _switch(systems: Systems, name: str) -> str:
    switchboard = systems.find(Switchboard)
    if switchboard is None:
        raise NotNamed(name)
    try:
        return switchboard.variable(name)
    except SettingsInvalid as error:
        raise NotNamed(name) from error  # the stack names none, which is no fault


def restorable(systems: Systems, name: str) -> tuple[str, ...]:
    """Return the value's name where the stack holds what it should be."""
    values = optional(systems, AppValues)
    if values is None or not name:
        return ()
    try:
        values.look(name)
    except DrillbookError:
        return ()
    return (name,)


def _look_at_auth(auth: AuthState) -> AuthSeen:
    found = auth.look()
    if found is None:
        raise NotNamed("login service")
    return found


def second_looks(
    systems: Systems, hosting: Hosting | None, before: Deployment | None, migrations: str
) -> dict[str, Look]:
    """Return what can be asked only when it is known which builds serve and served."""
    serving = hosting.serving if hosting else None
    if serving is None:
        return {}
    values, repository = optional(systems, EnvironmentValues), optional(systems, Repository)
    looks: dict[str, Look] = {
        "serving build": lambda: served(serving, values, repository),
    }
    if before is not None:
        looks["build before"] = lambda: served(before, values, repository)
    if before is not None and repository is not None:
        looks["difference"] = lambda: diff_between(repository, before, serving)
        folder = migrations.strip("/")
        looks["migrations"] = lambda: _texts(systems, repository, before, serving, folder)
    return looks


def _texts(
    systems: Systems, repository: Repository, before: Deployment, serving: Deployment, folder: str
) -> dict[str, str]:
    """Return the migrations that came with the serving build, and those of the team's folder."""
    texts: dict[str, str] = {}
    if before.commit != serving.commit:
        for file in repository.compared(before.commit, serving.commit).files:
            path = file.path
            if path.endswith(NEW_FILE) and not path.endswith(DOWN) and "migration" in path:
                texts[path] = repository.file(path, serving.commit).decode("utf-8", "replace")
    folders = systems.find(MigrationFolders)
    if folders is not None and folder:
        try:
            found = folders.read(folder)
        except NotFound:
            return texts  # the code has its migrations elsewhere, or none
        for one in found.files:
            if not one.path.endswith(DOWN):
                texts.setdefault(one.path, one.text)
    return texts


def _knock(probe: Probe) -> Door:
    """Ask the app a few times, and its front door beside the health that it tells of itself."""
    asked = [Question(probe.health_path, timeout_seconds=KNOCK_SECONDS) for _ in range(KNOCKS - 1)]
    asked.append(Question("/", timeout_seconds=KNOCK_SECONDS))
    answers = side_by_side(
        {str(at): _asking(probe, one) for at, one in enumerate(asked)},
        at_most_seconds=2 * KNOCK_SECONDS,
    )
    found = [one for one in answers.values() if isinstance(one, Answer)]
    problems = [one.problem for one in found if one.problem]
    return Door(
        statuses=tuple(one.status for one in found),
        seconds=tuple(round(one.seconds, 3) for one in found),
        unconnected=sum(one.problem.startswith(NO_CONNECTION) for one in found),
        problem=scrub_foreign(problems[0]) if problems else "",
        own_word=found[0].text[:200] if found else "",
    )


def _asking(probe: Probe, question: Question) -> Callable[[], Answer]:
    return lambda: probe.ask(question)
