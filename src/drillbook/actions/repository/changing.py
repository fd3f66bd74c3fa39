"""What a commit brings that does not serve yet: a changelog, and the files that matter."""

import re
from collections.abc import Iterable

from drillbook.actions.repository.commits import counted, named, short
from drillbook.actions.repository.subject import domain
from drillbook.core.errors import NotFound
from drillbook.core.model import Frozen
from drillbook.ports.repository import ChangedFile, Commit, Compared, FileChange, Repository

CHANGELOGS = ("CHANGELOG.md", "CHANGES.md", "HISTORY.md")
EXAMPLES = (".env.example", ".env.sample")
HOSTING = ("vercel.json", "vercel.ts", "next.config.js", "next.config.mjs", "next.config.ts")
_DEPENDENCIES = re.compile(
    r"(^|/)(package(-lock)?\.json|pnpm-lock\.yaml|yarn\.lock|pyproject\.toml|uv\.lock|"
    r"requirements[^/]*\.(txt|lock)|go\.(mod|sum)|Cargo\.(toml|lock)|Gemfile(\.lock)?)$"
)
_MIGRATION = re.compile(r"(^|/)migrations/.*\.sql$|(^|/)prisma/migrations/.*\.sql$")
_PIPELINE = re.compile(r"^\.github/(workflows|actions)/")
_VALUE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=")
_WAY_BACK = re.compile(r"[._]down\.sql$|(^|/)down\.sql$")
_MERGE_PARENTS = 2
SHOWN = 3


class Line(Frozen):
    """One commit in a line."""

    sha: str
    title: str
    author: str


class Changes(Frozen):
    """
    What `commit` has and `since` has not.

    `lost` are the commits of `since` that `commit` does not have: what they brought would go.
    Commits that only merge others are not told of. Migrations are those that are new;
    `rewritten` are old ones whose text was changed or removed.
    """

    since: str
    commit: str
    count: int
    commits: tuple[Line, ...]
    lost: tuple[Line, ...]
    changelog: tuple[str, ...]
    migrations: tuple[str, ...]
    rewritten: tuple[str, ...]
    values_added: tuple[str, ...]
    values_removed: tuple[str, ...]
    hosting: tuple[str, ...]
    pipeline: tuple[str, ...]
    dependencies: tuple[str, ...]
    files: int
    says: str


@domain.read
def changes(repository: Repository, *, since: str, commit: str = "") -> Changes:
    """
    Draw the changelog from the commits since one, and name the files that matter.

    `since` is a commit, as a rule the one that serves; without `commit` it is what the
    environment's branch has now.
    """
    base = named(since, "since")
    head = named(commit or repository.branch, "commit")
    found = repository.compared(base, head)
    added, removed = _values(repository, found)
    changed = {name: _paths(found.files, name) for name in _KINDS}
    said = Changes(
        since=found.base,
        commit=found.head,
        count=found.ahead,
        commits=_lines(found.commits),
        lost=_lines(repository.compared(head, base).commits) if found.behind else (),
        changelog=_changelog(repository, found),
        migrations=_migrations(found.files, {FileChange.ADDED}),
        rewritten=_migrations(found.files, set(FileChange) - {FileChange.ADDED}),
        values_added=added,
        values_removed=removed,
        files=len(found.files),
        says="",
        **changed,
    )
    return said.model_copy(update={"says": _says(said)})


_KINDS = {
    "hosting": lambda path: path.rpartition("/")[2] in HOSTING,
    "pipeline": lambda path: _PIPELINE.search(path) is not None,
    "dependencies": lambda path: _DEPENDENCIES.search(path) is not None,
}


def _paths(files: Iterable[ChangedFile], kind: str) -> tuple[str, ...]:
    return tuple(file.path for file in files if _KINDS[kind](file.path))


def _lines(commits: Iterable[Commit]) -> tuple[Line, ...]:
    return tuple(
        Line(sha=short(one.sha), title=one.title, author=one.author)
        for one in commits
        if len(one.parents) < _MERGE_PARENTS
    )


def _migrations(files: Iterable[ChangedFile], wanted: set[FileChange]) -> tuple[str, ...]:
    return tuple(
        file.path
        for file in files
        if file.change in wanted
        and _MIGRATION.search(file.path)
        and not _WAY_BACK.search(file.path)
    )


def _changelog(repository: Repository, found: Compared) -> tuple[str, ...]:
    """Return the lines a changelog has more than before."""
    for file in found.files:
        if file.path in CHANGELOGS and file.change is not FileChange.REMOVED:
            before = set(_text(repository, file.before or file.path, found.base).splitlines())
            now = _text(repository, file.path, found.head).splitlines()
            return tuple(line.rstrip() for line in now if line.strip() and line not in before)
    return ()


def _values(repository: Repository, found: Compared) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the names of values that the example of the environment has more, and less."""
    added: set[str] = set()
    removed: set[str] = set()
    for file in found.files:
        if file.path.rpartition("/")[2] in EXAMPLES:
            before = names_in(_text(repository, file.before or file.path, found.base))
            now = names_in(_text(repository, file.path, found.head))
            added |= now - before
            removed |= before - now
    return tuple(sorted(added)), tuple(sorted(removed))


def names_in(example: str) -> set[str]:
    """Return the names of an example of environment values, never what stands behind them."""
    return {found[1] for line in example.splitlines() if (found := _VALUE.match(line))}


def _text(repository: Repository, path: str, ref: str) -> str:
    try:
        return repository.file(path, ref).decode(errors="replace")
    except NotFound:  # it came or went with this change
        return ""


def _says(said: Changes) -> str:
    brought = f"{counted(len(said.commits), 'commit')} in {counted(said.files, 'file')}"
    parts = [f"{short(said.commit)} brings {brought}"]
    if not said.count:
        parts = [f"{short(said.commit)} brings nothing that {short(said.since)} has not"]
    if said.lost:
        gone = "; ".join(f"{line.sha} {line.title}" for line in said.lost[:SHOWN])
        count = counted(len(said.lost), "commit")
        parts.append(f"{count} of {short(said.since)} would go: {gone}")
    for name, what in (
        ("migrations", "new migrations"),
        ("rewritten", "old migrations changed or removed"),
        ("values_added", "new environment values"),
        ("values_removed", "environment values no longer read"),
        ("hosting", "settings of the hosting"),
        ("pipeline", "the pipeline itself"),
    ):
        if found := getattr(said, name):
            parts.append(f"{what}: {', '.join(found)}")
    return "; ".join(parts)
