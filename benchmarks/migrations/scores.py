"""Figures of a comparison of forecasts with the truth."""

import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]  # Any: figures of several kinds
LEAST_F1, LEAST_WITHIN, TWICE = 0.97, 0.9, 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: a figure, what is promised, and whether that held."""

    what: str
    measured: str
    promised: str = ""
    held: bool | None = None

    @property
    def says(self) -> str:
        return {True: "held", False: "missed", None: ""}[self.held]


def f1(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Return the F1 of pairs of truth and foretold."""
    found = list(pairs)
    hit = sum(truth and told for truth, told in found)
    wrong = sum(truth != told for truth, told in found)
    return round(2 * hit / (2 * hit + wrong), 4) if hit else 0.0


def within_twice(one: float, other: float) -> bool:
    """Tell whether the bigger of two times is at most twice the smaller one."""
    low, high = sorted((one, other))
    return high <= low * TWICE


def squawk_finds(text: str) -> bool:
    """Tell whether squawk, a linter, has anything to say about a file."""
    program = Path(sys.executable).with_name("squawk")
    done = subprocess.run(
        [program, "--reporter", "json"], input=text, capture_output=True, text=True, check=False
    )
    return bool(json.loads(done.stdout or "[]"))
