"""The stack: what a book operates on, its policy, and the provider of each port."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TypeVar, cast

import rfc8785

from drillbook.core.errors import SettingsInvalid
from drillbook.core.model import Risk
from drillbook.core.policy import EnvironmentFacts, StackFacts
from drillbook.stack.bindings import SYSTEMS, build
from drillbook.stack.finding import named_stack_file, nearest_stack_file
from drillbook.stack.place import Place
from drillbook.stack.reading import read_stack_file
from drillbook.stack.sections import EnvironmentSection, StackFile

T = TypeVar("T")


@dataclass
class Stack:
    """A stack file read, and the providers built from it so far; safe to share by threads."""

    path: Path | None = None
    file: StackFile = field(default_factory=StackFile)
    folder: Path = field(default_factory=Path.cwd)
    _built: dict[tuple[str, type], object] = field(default_factory=dict[tuple[str, type], object])
    _lock: Lock = field(default_factory=Lock)

    def facts(self) -> StackFacts:
        """Return what the compiler may know: names, policy, roles, digests; no secret values."""
        return StackFacts(
            environments={name: self._facts(name) for name in self.file.environments},
            policy={
                name: policy.levels(StackFacts().needs(name, Risk.WRITE))
                for name, policy in self.file.policy.items()
            },
            roles=dict(self.file.roles),
            port_systems={port.__name__: systems for port, systems in SYSTEMS.items()},
        )

    def port(self, environment: str, port: type[T]) -> T:
        """Return the provider of a port, built once; SettingsInvalid when there is none."""
        place = self.place(environment)
        with self._lock:
            key = (environment, port)
            if key not in self._built:
                self._built[key] = build(place, port)
            return cast("T", self._built[key])

    def place(self, environment: str) -> Place:
        """Return an environment and what its settings are relative to."""
        return Place(environment, self._environment(environment), self.file, self.folder, self.says)

    @property
    def says(self) -> str:
        """Where the settings stand, for sentences."""
        return str(self.path) if self.path else "stack.toml"

    def _environment(self, name: str) -> EnvironmentSection:
        if self.path is None:
            raise SettingsInvalid(
                f"there is no stack.toml, so nothing is known of {name or 'any environment'}",
                hint="Write one with: drillbook init",
            )
        section = self.file.environments.get(name)
        if section is None:
            known = ", ".join(self.file.environments) or "none"
            raise SettingsInvalid(
                f"{self.path} has no environment {name!r}", hint=f"There are: {known}."
            )
        return section

    def _facts(self, name: str) -> EnvironmentFacts:
        section = self.file.environments[name]
        settings = section.model_dump(mode="json", exclude_none=True)
        # Commands belong to the digest: what `command.run` does here changes with them.
        commands = {
            known: command.model_dump(mode="json") for known, command in self.file.commands.items()
        }
        digest = hashlib.sha256(rfc8785.dumps({"settings": settings, "commands": commands}))
        systems = {system: _provider(values) for system, values in settings.items()}
        return EnvironmentFacts(name=name, digest=digest.hexdigest(), systems=systems)


def _provider(settings: Mapping[str, object]) -> str:
    """Return what a system is provided by; backups have a place, and logs may have many sources."""
    if "provider" in settings:
        return str(settings["provider"])
    inner = [one for one in settings.values() if isinstance(one, Mapping) and "provider" in one]
    many = sorted({str(one["provider"]) for one in inner})
    return "+".join(many) or ("bucket" if "bucket" in settings else "folder")


def load_stack(path: Path | None = None) -> Stack:
    """
    Read the stack: the file given, else `DRILLBOOK_STACK`, else the nearest stack.toml upward.

    Without any, the stack is empty: a book of human tasks needs none.
    """
    found = named_stack_file(path, "--stack") if path else nearest_stack_file(Path.cwd())
    if found is None:
        return Stack()
    return Stack(path=found, file=read_stack_file(found), folder=found.parent)
