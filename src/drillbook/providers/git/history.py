"""What git knows of a folder: with which commit of the branch each file came."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from drillbook.core.effect import deadline

LONGEST_SECONDS = 30.0
COMMIT = "commit "
# Nothing of the repository's own settings may run a program; and git writes nothing.
_SAFE = (
    "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "core.quotePath=false",
    "-c", "diff.external=", "-c", "log.showSignature=false", "--no-pager", "--no-optional-locks",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class History:
    """The number and id of the commit that brought each path; or why nobody knows."""

    arrived: Mapping[str, tuple[int, str]] = field(default_factory=dict[str, tuple[int, str]])
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class _Said:
    code: int
    output: str
    errors: str


def read_history(folder: Path) -> History:
    """Read the first-parent history of a folder; what a merge brought came with the merge."""
    shallow = _git(folder, "rev-parse", "--is-shallow-repository")
    if shallow is None:
        return History(why_not="git is not installed, or did not answer in time")
    if shallow.code:
        first = (shallow.errors.strip().splitlines() or ["it is in no repository"])[0]
        return History(why_not=first.removeprefix("fatal: "))
    if shallow.output.strip() == "true":
        return History(why_not="the repository is shallow: its older history is not here")
    log = _git(
        folder, "log", "--reverse", "--first-parent", "--diff-merges=first-parent", "-M90%",
        "--diff-filter=AR", "--name-status", "-z", f"--format={COMMIT}%H", "--relative", "--", ".",
    )  # fmt: skip
    if log is None or log.code:
        said = log.errors.strip() if log is not None else "git did not answer in time"
        return History(why_not=said.partition("\n")[0].removeprefix("fatal: "))
    return History(_arrivals(log.output))


def _arrivals(output: str) -> dict[str, tuple[int, str]]:
    """Read `git log -z --name-status`: a renamed file keeps the place it came to first."""
    arrived: dict[str, tuple[int, str]] = {}
    number, commit = 0, ""
    words = iter(output.split("\0"))
    for word in words:
        text = word.strip("\n")
        if text.startswith(COMMIT):
            head, _, text = text.partition("\n")
            number, commit = number + 1, head.removeprefix(COMMIT)
            text = text.strip("\n")
        if text.startswith("R"):
            old, new = next(words, ""), next(words, "")
            arrived[new] = arrived.pop(old, (number, commit))
        elif text.startswith("A"):
            arrived[next(words, "")] = (number, commit)
    return arrived


def _git(folder: Path, *words: str) -> _Said | None:
    allowed = ("PATH", "HOME", "GIT_CONFIG_GLOBAL", "GIT_CEILING_DIRECTORIES")
    env = {name: os.environ[name] for name in allowed if name in os.environ}
    env |= {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", *_SAFE, *words],
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=deadline.get().left(at_most=LONGEST_SECONDS),
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return _Said(
        done.returncode,
        done.stdout.decode(errors="replace"),
        done.stderr.decode(errors="replace"),
    )
