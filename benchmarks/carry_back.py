"""
Carry an edit of the booking app's source back into its releases: `python -m benchmarks.carry_back`.

The releases are patches below the source, so whoever mends a line of the source has to mend the
patches that made it. Run it before the edit is committed: it compares with the last commit.
"""

import difflib
import io
import subprocess
import tarfile
import tempfile
from pathlib import Path

from drillbook.core.errors import Refused
from drillbook.range.history.patches import FileChange, Hunk, Patch, Tree, read_patch
from drillbook.range.history.releases import RELEASES, SOURCE, source_tree

CONTEXT_LINES = 3
# Of an edit: the less there is around it, the more releases it fits.
EDIT_LINES = 1


def committed_tree() -> Tree:
    asked = ["git", "-C", str(SOURCE), "archive", "HEAD", "."]
    archive = subprocess.run(asked, capture_output=True, check=True).stdout
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(folder, filter="data")
        return source_tree(Path(folder))


def diff(before: Tree, after: Tree, around: int = CONTEXT_LINES) -> str:
    parts = []
    for path in sorted(before.keys() | after.keys()):
        old, new = before.get(path), after.get(path)
        if old == new:
            continue
        names = (
            ("/dev/null" if old is None else f"a/{path}"),
            ("/dev/null" if new is None else f"b/{path}"),
        )
        lines = difflib.unified_diff(
            (old or "").splitlines(True), (new or "").splitlines(True), *names, n=around
        )
        parts.append(f"diff --git a/{path} b/{path}\n" + "".join(lines))
    return "".join(parts)


def carried(edit: Patch, tree: Tree) -> tuple[Tree, list[str]]:
    """Put on what fits; what does not is of a later release."""
    left = []
    for file in edit.files:
        for hunk in file.hunks:
            for tried in (hunk, bare(hunk)):
                one = FileChange(file.path, (tried,), new=file.new, gone=file.gone)
                try:
                    tree = Patch({}, "", (one,)).put_on(tree)
                    break
                except Refused:
                    continue
            else:
                left.append(f"{file.path}:{hunk.line}")
    return tree, left


def bare(hunk: Hunk) -> Hunk:
    """Leave out what is around the change, if something is left to find its place by."""
    before, after = list(hunk.before), list(hunk.after)
    while before and after and before[0] == after[0] and len(before) > 1:
        del before[0], after[0]
    while before and after and before[-1] == after[-1] and len(before) > 1:
        del before[-1], after[-1]
    return Hunk(hunk.line, tuple(before), tuple(after))


def main() -> None:
    files = sorted(RELEASES.iterdir())
    trees = [committed_tree()]
    edit = read_patch(f"---\n{diff(trees[0], source_tree(), EDIT_LINES)}")
    for file in reversed(files):
        trees.append(read_patch(file.read_text(encoding="utf-8")).take_off(trees[-1]))
    mended = [source_tree()]
    for tree, file in zip(trees[1:], reversed(files), strict=True):
        one, left = carried(edit, tree)
        mended.append(one)
        said, _, before = file.read_text(encoding="utf-8").partition("---\n")
        text = f"{said}---\n{diff(one, mended[-2])}"
        if text.partition("---\n")[2] != before:
            file.write_text(text, encoding="utf-8")
            print(f"{file.name} written again", *[f"(not before it: {each})" for each in left])


if __name__ == "__main__":
    main()
