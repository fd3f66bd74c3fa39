"""The booking app's git repository: made with its past, and open for proposals."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.errors import Failed, NotFound, Unavailable
from drillbook.local.alone import alone_in
from drillbook.range.cloud import Cloud
from drillbook.range.history.changes import Change, change
from drillbook.range.history.patches import Tree
from drillbook.range.history.releases import tell_past
from drillbook.range.history.stream import Stream

SECONDS = 60.0
TEAM = ("--config=user.name=Booking Team", "--config=user.email=team@booking.example")
DEVELOP, MAIN = "develop", "main"


@dataclass(frozen=True, slots=True)
class Proposed:
    """A pull request: its branch, the commit on it and its number."""

    branch: str
    commit: str
    number: int


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
            git(unfinished, "init", "--quiet", "--bare", f"--initial-branch={MAIN}", ".")
            _import(unfinished, stream)
            unfinished.rename(cloud.repository)
        cloned = not cloud.clone.exists()
        if cloned:
            unfinished = _emptied(cloud.range / ".app")
            words = ["--quiet", "--no-hardlinks", f"--branch={DEVELOP}", *TEAM]
            git(unfinished, "clone", *words, str(cloud.repository), ".")
            unfinished.rename(cloud.clone)
    return made or cloned


def propose(cloud: Cloud, name: str, *, reviewed: bool = True) -> Proposed:
    """Push a change as a branch off develop and open its pull request, read by somebody else."""
    wanted = _wanted(cloud, name)
    with alone_in(cloud.folder):
        branch = _free_branch(cloud, wanted.branch)
        commit = _commit(cloud, wanted, onto=DEVELOP, branch=branch)
    try:
        return Proposed(branch, commit, _open(cloud, wanted, branch, commit, reviewed=reviewed))
    except Unavailable:
        # Nothing was opened, so nobody would ever look at the branch.
        git(cloud.repository, "update-ref", "-d", f"refs/heads/{branch}", commit)
        raise


def force(cloud: Cloud, name: str) -> str:
    """Put a change onto main past all gates, and into develop; return the commit on main."""
    wanted = _wanted(cloud, name)
    with alone_in(cloud.folder):
        commit = _commit(cloud, wanted, onto=MAIN, branch=MAIN)
        stream, develop = Stream(), _tip(cloud, DEVELOP)
        tree = _known(cloud, stream, develop, wanted)
        stream.commit(
            DEVELOP,
            wanted.put_on(tree),
            by=wanted.author,
            at=datetime.now(UTC),
            message=f"Merge branch '{MAIN}' into {DEVELOP}\n",
            parents=[develop, commit],
        )
        _import(cloud.repository, stream)
    return commit


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
    return done.stdout.decode(errors="replace")


def _wanted(cloud: Cloud, name: str) -> Change:
    wanted = change(name)
    if not cloud.repository.exists():
        raise NotFound(f"there is no range in {cloud.range}", hint="drillbook range up")
    return wanted


def _commit(cloud: Cloud, wanted: Change, *, onto: str, branch: str) -> str:
    stream, parent = Stream(), _tip(cloud, onto)
    tree = wanted.put_on(_known(cloud, stream, parent, wanted))
    message = wanted.patch.message
    stream.commit(
        branch, tree, by=wanted.author, at=datetime.now(UTC), message=message, parents=[parent]
    )
    _import(cloud.repository, stream)
    return _tip(cloud, branch)


def _known(cloud: Cloud, stream: Stream, commit: str, wanted: Change) -> Tree:
    """Read of a commit what a change touches, and let the stream know it."""
    words = ("ls-tree", "-r", "-z", "--name-only", commit, "--", *wanted.paths)
    there = [path for path in git(cloud.repository, *words).split("\0") if path]
    tree = {path: git(cloud.repository, "cat-file", "blob", f"{commit}:{path}") for path in there}
    stream.known(commit, tree)
    return tree


def _tip(cloud: Cloud, branch: str) -> str:
    return git(cloud.repository, "rev-parse", "--verify", f"refs/heads/{branch}").strip()


def _free_branch(cloud: Cloud, wanted: str) -> str:
    words = ("for-each-ref", "--format=%(refname:short)", "refs/heads/")
    taken = set(git(cloud.repository, *words).splitlines())
    names = [wanted, *(f"{wanted}-{number}" for number in range(2, len(taken) + 2))]
    return next(name for name in names if name not in taken)


def _open(cloud: Cloud, wanted: Change, branch: str, commit: str, *, reviewed: bool) -> int:
    # Not above: httpx is slow to import, and most who make a repository propose nothing.
    from drillbook.range.proposals import approve, open_proposal  # noqa: PLC0415

    number = open_proposal(cloud, wanted, branch, base=DEVELOP)
    if reviewed:
        approve(cloud, number, commit, by=wanted.reviewer)
    return number


def _import(repository: Path, stream: Stream) -> None:
    git(repository, "fast-import", "--quiet", "--done", given=stream.text)


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700)
    return folder
