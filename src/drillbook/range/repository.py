"""The booking app's git repository: made with its past, and open for proposals."""

import os
import shutil
import subprocess
from pathlib import Path

from drillbook.core.errors import Failed, Unavailable
from drillbook.local.alone import alone_in
from drillbook.range.cloud import Cloud
from drillbook.range.history.releases import tell_past
from drillbook.range.history.stream import Stream

SECONDS = 60.0
TEAM = ("--config=user.name=Booking Team", "--config=user.email=team@booking.example")


def make_repository(cloud: Cloud) -> bool:
    """Make the bare repository with its past and the team's clone; False: both were there."""
    cloud.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with alone_in(cloud.folder):
        made = not cloud.repository.exists()
        if made:
            stream = Stream()
            tell_past(stream)
            # Whoever sees the repository sees all of it, also after a kill in between.
            unfinished = _emptied(cloud.repository.with_name("unfinished.git"))
            git(unfinished, "init", "--quiet", "--bare", "--initial-branch=main", ".")
            git(unfinished, "fast-import", "--quiet", "--done", given=stream.text)
            unfinished.rename(cloud.repository)
        cloned = not cloud.clone.exists()
        if cloned:
            unfinished = _emptied(cloud.range / ".app")
            words = [
                "--quiet",
                "--no-hardlinks",
                "--branch=develop",
                *TEAM,
                str(cloud.repository),
                ".",
            ]
            git(unfinished, "clone", *words)
            unfinished.rename(cloud.clone)
    return made or cloned


def git(folder: Path, *words: str, given: bytes = b"") -> str:
    """Run git in a folder and return what it says."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/nonexistent"}
    env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(
            ["git", *words],
            cwd=folder,
            env=env,
            input=given,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise Unavailable("git is not here", hint="Install git 2.38 or newer.") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise Failed(f"git {words[0]} failed: {said}", hint=f"See the repository in {folder}.")
    return done.stdout.decode(errors="replace").strip()


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
