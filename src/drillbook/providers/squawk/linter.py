"""Squawk run over one text: given by stdin, answered in JSON, ended when it takes too long."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ValidationError

from drillbook.core.effect import deadline
from drillbook.core.secret import scrub
from drillbook.ports.linters import Linted, LintFinding

LIMIT_SECONDS = 30.0
FOUND_SOMETHING = 1  # its exit code when there are findings
ENVIRONMENT = ("PATH", "HOME", "LANG", "TMPDIR")
LONGEST_SAID = 200


class _Finding(BaseModel):
    """One finding as squawk writes it; its lines begin at 0."""

    line: int
    column: int
    message: str
    help: str | None = None
    rule_name: str


@dataclass(frozen=True, slots=True)
class SquawkLinter:
    """Runs the squawk of this environment, or the one on the PATH."""

    program: Path | None = None
    limit_seconds: float = LIMIT_SECONDS

    def lint(self, text: str, *, server_major: int, in_transaction: bool) -> Linted:
        """Return the findings; a linter that is not there is said, never hidden."""
        program = self.program or _found()
        if program is None:
            return Linted(available=False, says="squawk is not installed here (squawk-cli)")
        argv = [str(program), "--reporter", "json", "--stdin-filepath", "migration.sql"]
        argv += ["--pg-version", f"{server_major}.0"]
        argv += ["--assume-in-transaction"] if in_transaction else ["--no-assume-in-transaction"]
        seconds = deadline.get().left(at_most=self.limit_seconds)
        try:
            with tempfile.TemporaryDirectory(prefix="drillbook-lint-") as empty:
                # Elsewhere it would take up a .squawk.toml that nobody reviewed.
                done = subprocess.run(
                    argv, input=text.encode(), capture_output=True, cwd=empty, check=False,
                    timeout=seconds, env={k: os.environ[k] for k in ENVIRONMENT if k in os.environ},
                )  # fmt: skip
        except subprocess.TimeoutExpired:
            return Linted(available=False, says=f"squawk did not end within {seconds:g} s")
        except OSError as error:
            return Linted(available=False, says=f"{program} cannot be run: {error.strerror}")
        return _read(done)


def _read(done: "subprocess.CompletedProcess[bytes]") -> Linted:
    if done.returncode not in {0, FOUND_SOMETHING}:
        return Linted(available=False, says=f"squawk failed ({done.returncode}): {_said(done)}")
    try:
        found = [_Finding.model_validate(one) for one in json.loads(done.stdout)]
    except (ValueError, TypeError, ValidationError):
        return Linted(available=False, says=f"squawk's answer cannot be read: {_said(done)}")
    findings = tuple(
        LintFinding(
            line=one.line + 1, column=one.column, rule=one.rule_name, says=one.message,
            hint=one.help or "",
        )
        for one in found
    )  # fmt: skip
    return Linted(available=True, says=f"squawk: {len(findings)} findings", findings=findings)


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    said = (done.stderr or done.stdout).decode(errors="replace")
    return scrub(" ".join(said.split()))[:LONGEST_SAID] or "it said nothing"


def _found() -> Path | None:
    beside = Path(sys.executable).parent / "squawk"
    if beside.exists():
        return beside
    named = shutil.which("squawk")
    return Path(named) if named else None
