"""The booking app's releases: its past, rebuilt from what it is now by taking patches off."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from drillbook.range.history.patches import Patch, Tree, read_patch
from drillbook.range.history.stream import NOWHERE, Stream

SOURCE = Path(__file__).parents[1] / "source"
RELEASES = Path(__file__).with_name("releases")
# What tools leave behind is no source.
LEFT_BEHIND = ("__pycache__", ".mypy_cache", ".ruff_cache")
FIRST = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
FIRST_BY = "Mira Okafor <mira@booking.example>"
FIRST_RELEASE = "1.0.0"
# A branch lies open for some hours, until somebody has read it.
REVIEWED_WITHIN = timedelta(hours=5)
RELEASED_WITHIN = timedelta(minutes=20)


@dataclass(slots=True)
class _Heads:
    """Where the branches are while the past is told."""

    develop: str
    main: str


def source_tree(folder: Path = SOURCE) -> Tree:
    """Return the files of a source folder by their paths."""
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part in LEFT_BEHIND for part in path.parts)
    }


def past() -> Iterator[tuple[Patch | None, Tree]]:
    """Yield each change and the tree after it, the oldest first; the first tree has no change."""
    patches = [read_patch(file.read_text(encoding="utf-8")) for file in sorted(RELEASES.iterdir())]
    trees = [source_tree()]
    for patch in reversed(patches):
        trees.append(patch.take_off(trees[-1]))
    yield from zip([None, *patches], reversed(trees), strict=True)


def tell_past(stream: Stream) -> None:
    """Put all releases onto develop and main, with a tag each."""
    told = past()
    _, tree = next(told)
    message = "Let customers book and cancel appointments\n"
    root = stream.commit("develop", tree, by=FIRST_BY, at=FIRST, message=message)
    heads = _Heads(develop=root, main=root)
    _tag(stream, FIRST_RELEASE, root, FIRST)
    for patch, after in told:
        if patch is not None:
            _tell(stream, heads, patch, after)
    stream.set_branch("main", heads.main)


def _tell(stream: Stream, heads: _Heads, patch: Patch, tree: Tree) -> None:
    by, at = patch.headers["From"], datetime.fromisoformat(patch.headers["Date"])
    branch, release = patch.headers.get("Branch", ""), patch.headers.get("Release", "")
    made = stream.commit(
        branch or "develop", tree, by=by, at=at, message=patch.message, parents=[heads.develop]
    )
    if branch:
        stream.set_branch(branch, NOWHERE)
        message = f"Merge branch '{branch}' into develop\n"
        at += REVIEWED_WITHIN
        parents = [heads.develop, made]
        made = stream.commit("develop", tree, by=by, at=at, message=message, parents=parents)
    heads.develop = made
    if release:
        at += RELEASED_WITHIN
        message = f"Merge develop: release {release}\n"
        heads.main = stream.commit(
            "main", tree, by=by, at=at, message=message, parents=[heads.main, made]
        )
        _tag(stream, release, heads.main, at)


def _tag(stream: Stream, release: str, commit: str, at: datetime) -> None:
    stream.tag(f"v{release}", commit, by=FIRST_BY, at=at, message=f"Release {release}\n")
