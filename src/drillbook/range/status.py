"""What is so about the range: each part, whether it runs, and where."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One server or app; `says` is what to know about it in a few words."""

    name: str
    running: bool
    pid: int | None
    port: int | None
    version: str
    size_bytes: int
    says: str


@dataclass(frozen=True, slots=True)
class RangeStatus:
    """The range in a folder; `stack_file` is what to point Drillbook at."""

    folder: Path
    stack_file: Path
    parts: tuple[PartStatus, ...]

    @property
    def running(self) -> bool:
        """Tell whether every part runs."""
        return bool(self.parts) and all(part.running for part in self.parts)
