"""The bare repository below the GitHub twin: read commits, merge them, move branches."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

SECONDS = 30.0
_FIELDS = "%H%x1f%T%x1f%P%x1f%an%x1f%ae%x1f%aI%x1f%cn%x1f%ce%x1f%cI%x1f%B"
_LOG = ("log", "-z", f"--format={_FIELDS}")
_SHA = re.compile(r"[0-9a-f]{40}")
KEPT = 512


class GitSays(Exception):
    """Git refused; its own words."""


class NoSuchCommit(GitSays):
    """Nothing in the repository has this name."""


class Conflict(GitSays):
    """The two sides change the same lines."""


class Moved(GitSays):
    """The branch is no longer where it was a moment ago."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who wrote a commit, and when (ISO 8601)."""

    name: str
    email: str
    at: str


@dataclass(frozen=True, slots=True)
class GitCommit:
    """A commit object."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str


@dataclass(frozen=True, slots=True)
class GitFile:
    """A file that differs between two commits."""

    path: str
    before: str
    letter: str
    added: int
    removed: int
    blob: str
    patch: str


@dataclass(frozen=True, slots=True)
class BareRepository:
    """One bare repository; every write is one atomic move of a branch."""

    path: Path

    def sha(self, ref: str) -> str:
        """Return the commit a branch, tag or id names."""
        if not ref or ref.startswith("-") or any(letter in ref for letter in " \n^~:?*[\\"):
            raise NoSuchCommit(f"no commit found for {ref!r}")
        if (head := self.heads().get(ref)) is not None:
            return head
        try:
            if _SHA.fullmatch(ref):
                return _fixed(self.path, "rev-parse", "--verify", f"{ref}^{{commit}}").strip()
            return self.run("rev-parse", "--verify", f"{ref}^{{commit}}").strip()
        except GitSays as error:
            raise NoSuchCommit(f"no commit found for {ref!r}") from error

    def heads(self) -> dict[str, str]:
        """Return the branches and their commits, read from its files: it is asked often."""
        found: dict[str, str] = {}
        packed = self.path / "packed-refs"
        if packed.exists():
            for line in packed.read_text(encoding="utf-8").splitlines():
                sha, _, name = line.partition(" ")
                if name.startswith("refs/heads/"):
                    found[name.removeprefix("refs/heads/")] = sha
        above = self.path / "refs" / "heads"
        for file in sorted(above.rglob("*")):
            try:
                text = file.read_text(encoding="utf-8").strip() if file.is_file() else ""
            except FileNotFoundError:  # moved or deleted at this moment
                continue
            if _SHA.fullmatch(text):
                found[file.relative_to(above).as_posix()] = text
        return found

    def commit(self, ref: str) -> GitCommit:
        """Return one commit."""
        said = _fixed(self.path, *_LOG, "--max-count=1", self.sha(ref), "--")
        return _commit(said.rstrip("\0"))

    def commits(self, *words: str) -> list[GitCommit]:
        """Return the commits `git log` tells of, newest first."""
        said = self.run(*_LOG, *words, "--")
        return [_commit(entry) for entry in said.split("\0") if entry]

    def merge_base(self, one: str, other: str) -> str:
        """Return the newest commit both have; GitSays when they share none."""
        return _fixed(self.path, "merge-base", one, other).strip()

    def contains(self, branch: str, sha: str) -> bool:
        """Tell whether a commit is in the history of another; both by their ids."""
        return sha == branch or self.merge_base(branch, sha) == sha

    def count(self, base: str, head: str) -> tuple[int, int]:
        """Return how many commits head is ahead of base, and how many behind."""
        asked = ("rev-list", "--count", "--left-right", f"{base}...{head}")
        behind, ahead = _fixed(self.path, *asked).split()
        return int(ahead), int(behind)

    def files(self, base: str, head: str) -> list[GitFile]:
        """Return the files that differ, each with its patch."""
        raw = _fixed(self.path, "diff", "--raw", "-z", "-M", "--abbrev=40", base, head)
        numbers = _fixed(self.path, "diff", "--numstat", "-z", "-M", base, head)
        patches = _fixed(self.path, "diff", "-M", "--no-color", "--no-ext-diff", base, head)
        return _files(raw, numbers, patches)

    def tree(self, sha: str) -> list[tuple[str, str]]:
        """Return each file of a commit: its path and its id."""
        entries = _fixed(self.path, "ls-tree", "-r", "-z", sha).split("\0")
        parts = [entry.partition("\t") for entry in entries if entry]
        return [(path, facts.split()[2]) for facts, _, path in parts]

    def blob(self, ref: str, path: str) -> tuple[str, bytes]:
        """Return a file's id and bytes in a commit."""
        said = self.run("ls-tree", "-z", self.sha(ref), "--", path).rstrip("\0")
        facts, _, found = said.partition("\t")
        if found != path or " blob " not in facts:
            raise NoSuchCommit(f"no file {path}")
        sha = facts.split()[2]
        return sha, self._done("cat-file", "blob", sha).stdout

    def merge(self, branch: str, head: str, message: str, by: Person) -> str:
        """Merge a commit into a branch and return the new commit; or raise Conflict or Moved."""
        before = self.sha(branch)
        done = self._done("merge-tree", "--write-tree", "--no-messages", before, head)
        if done.returncode == 1:
            raise Conflict("Merge conflict")
        if done.returncode:
            raise GitSays(done.stderr.decode(errors="replace").strip())
        return self._commit_on(branch, before, done.stdout.decode().split()[0], head, message, by)

    def squash(self, branch: str, head: str, message: str, by: Person) -> str:
        """Put what a commit changes onto a branch as one new commit."""
        before = self.sha(branch)
        done = self._done("merge-tree", "--write-tree", "--no-messages", before, head)
        if done.returncode:
            raise Conflict("Merge conflict")
        return self._commit_on(branch, before, done.stdout.decode().split()[0], "", message, by)

    def set_branch(self, name: str, sha: str, before: str) -> None:
        """Move a branch from where it was known to be; `before` of zeros makes it."""
        done = self._done("update-ref", f"refs/heads/{name}", sha, before)
        if done.returncode:
            raise Moved(done.stderr.decode(errors="replace").strip())

    def remove_branch(self, name: str) -> None:
        """Remove a branch."""
        self.run("update-ref", "-d", f"refs/heads/{name}")

    def archive(self, sha: str) -> bytes:
        """Return the files of a commit as a tar."""
        done = self._done("archive", "--format=tar", sha)
        if done.returncode:
            raise NoSuchCommit(done.stderr.decode(errors="replace").strip())
        return done.stdout

    def _commit_on(
        self, branch: str, before: str, tree: str, second: str, message: str, by: Person
    ) -> str:
        parents = ["-p", before, *(["-p", second] if second else [])]
        made = self._done("commit-tree", tree, *parents, "-F", "-", by=by, text=message)
        if made.returncode:
            raise GitSays(made.stderr.decode(errors="replace").strip())
        sha = made.stdout.decode().strip()
        self.set_branch(branch, sha, before)
        return sha

    def run(self, *words: str) -> str:
        """Return what git says; GitSays when it refuses."""
        done = self._done(*words)
        if done.returncode:
            raise GitSays(done.stderr.decode(errors="replace").strip() or f"git {words[0]} failed")
        return done.stdout.decode(errors="replace")

    def _done(
        self, *words: str, by: Person | None = None, text: str = ""
    ) -> "subprocess.CompletedProcess[bytes]":
        env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/nonexistent"}
        env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
        if by is not None:
            for role in ("AUTHOR", "COMMITTER"):
                env |= {
                    f"GIT_{role}_NAME": by.name,
                    f"GIT_{role}_EMAIL": by.email,
                    f"GIT_{role}_DATE": by.at,
                }
        return subprocess.run(
            ["git", "--git-dir", str(self.path), *words],
            env=env, input=text.encode(), capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip


@lru_cache(KEPT)
def _fixed(path: Path, *words: str) -> str:
    """Return what git says of commits named by their ids: it never says anything else."""
    return BareRepository(path).run(*words)


def _commit(entry: str) -> GitCommit:
    sha, tree, parents, *people, message = entry.lstrip("\n").split("\x1f", 9)
    return GitCommit(
        sha, tree, tuple(parents.split()),
        Person(*people[:3]), Person(*people[3:]), message.rstrip("\n"),
    )  # fmt: skip


def _files(raw: str, numbers: str, patches: str) -> list[GitFile]:
    counts: dict[str, tuple[int, int]] = {}
    words = iter(numbers.split("\0"))
    for word in words:
        if not word:
            continue
        added, removed, path = word.split("\t")
        if not path:  # a renamed file: its old and its new path follow
            next(words)
            path = next(words)
        counts[path] = (0 if added == "-" else int(added), 0 if removed == "-" else int(removed))
    texts = re.split(r"(?m)^diff --git ", patches)[1:]
    found = []
    for fact, text in zip(_facts(iter(raw.split("\0"))), texts, strict=False):
        letter, blob, before, path = fact
        _, hunk, rest = text.partition("\n@@")
        plus, minus = counts.get(path, (0, 0))
        patch = (f"@@{rest}" if hunk else "").rstrip("\n")
        found.append(GitFile(path, before, letter, plus, minus, blob, patch))
    return found


def _facts(words: Iterator[str]) -> Iterator[tuple[str, str, str, str]]:
    """Read `git diff --raw -z`: letter, new blob, the old path of a renamed file, path."""
    for word in words:
        if not word:
            continue
        *_, blob, letter = word.split(" ")
        path, before = next(words), ""
        if letter[0] in "RC":
            path, before = next(words), path
        yield letter[0], blob, before, path
