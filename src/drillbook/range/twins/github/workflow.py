"""A workflow file as far as the range carries it out: triggers, jobs, commands."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

import yaml

FOLDER = ".github/workflows"
LONGEST_SECONDS = 300.0
_SKIPS = ("[skip ci]", "[ci skip]", "[no ci]", "[skip actions]", "[actions skip]")


class WorkflowInvalid(ValueError):
    """The file is not a workflow; the message says why."""


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a job; a step that uses an action is not carried out here."""

    name: str
    command: str
    env: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its commands in order, and how long they may take."""

    key: str
    name: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ()
    timeout_seconds: float = LONGEST_SECONDS


@dataclass(frozen=True, slots=True)
class Workflow:
    """A workflow: on which branches' pushes and for which events it runs, and its jobs."""

    name: str
    path: str
    events: dict[str, tuple[str, ...]]
    jobs: tuple[Job, ...]

    def runs_on(self, event: str, branch: str) -> bool:
        """Tell whether an event on a branch starts it; no branches named: all."""
        if event not in self.events:
            return False
        wanted = self.events[event]
        return not wanted or any(fnmatchcase(branch, pattern) for pattern in wanted)


def skips(message: str) -> bool:
    """Tell whether a commit's message asks for no run."""
    return any(word in message for word in _SKIPS)


def read_workflow(path: str, text: str) -> Workflow:
    """Read a workflow file."""
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise WorkflowInvalid(f"{path} is not YAML") from error
    if not isinstance(said, dict) or not isinstance(said.get("jobs"), dict):
        raise WorkflowInvalid(f"{path} has no jobs")
    # YAML reads the key `on` as a truth.
    events = _events(said.get("on", said.get(True)))
    env = _texts(said.get("env"))
    jobs = tuple(_job(str(key), job, env) for key, job in said["jobs"].items())
    return Workflow(str(said.get("name") or path), path, events, jobs)


def _events(said: object) -> dict[str, tuple[str, ...]]:
    if isinstance(said, str):
        return {said: ()}
    if isinstance(said, list):
        return {str(event): () for event in said}
    if not isinstance(said, dict):
        raise WorkflowInvalid("nothing says on which events it runs")
    found = {}
    for event, rules in said.items():
        branches = rules.get("branches", []) if isinstance(rules, dict) else []
        found[str(event)] = tuple(map(str, branches))
    return found


def _job(key: str, said: Any, env: dict[str, str]) -> Job:  # Any: YAML from outside
    if not isinstance(said, dict) or not isinstance(said.get("steps"), list):
        raise WorkflowInvalid(f"the job {key} has no steps")
    env = env | _texts(said.get("env"))
    steps = tuple(
        Step(str(step.get("name") or step["run"]), str(step["run"]), env | _texts(step.get("env")))
        for step in said["steps"]
        if isinstance(step, dict) and "run" in step
    )
    needs = said.get("needs") or ()
    minutes = said.get("timeout-minutes")
    seconds = float(minutes) * 60 if isinstance(minutes, int | float) else LONGEST_SECONDS
    needs = (needs,) if isinstance(needs, str) else tuple(map(str, needs))
    return Job(key, str(said.get("name") or key), steps, needs, min(seconds, LONGEST_SECONDS))


def _texts(said: object) -> dict[str, str]:
    return {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
