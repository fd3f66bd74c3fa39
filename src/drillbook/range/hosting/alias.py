"""Which deployment an environment's users are given: one small file that the edge reads."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from drillbook.local.private_file import write_private

FILE = "alias.json"


@dataclass(frozen=True, slots=True)
class Alias:
    """The serving deployment, and one beside it that gets a share (0 to 1) of the users."""

    deployment: str
    canary: str = ""
    share: float = 0.0

    @property
    def deployments(self) -> tuple[str, ...]:
        """Everyone that may be asked to answer."""
        return (self.deployment, self.canary) if self.canary else (self.deployment,)


def read_alias(environment: Path) -> Alias | None:
    """Return what an environment's folder says; None before anything served there."""
    try:
        text = (environment / FILE).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    said = json.loads(text)
    return Alias(said["deployment"], said.get("canary", ""), said.get("share", 0.0))


def write_alias(environment: Path, alias: Alias) -> None:
    """Let the edge of an environment send its users there, from the next request on."""
    said = asdict(alias) if alias.canary else {"deployment": alias.deployment}
    environment.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(environment / FILE, json.dumps(said) + "\n")
