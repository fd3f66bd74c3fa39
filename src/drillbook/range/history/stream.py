"""A repository's commits as one stream for `git fast-import`: the same stream, the same ids."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from drillbook.range.history.patches import Tree

NOWHERE = "0" * 40


@dataclass(slots=True)
class Stream:
    """Commits and tags, one after the other; `text` is what git reads."""

    _parts: list[str] = field(default_factory=list)
    _trees: dict[str, Tree] = field(default_factory=dict)
    _marks: int = 0

    @property
    def text(self) -> bytes:
        """The whole stream."""
        return "".join([*self._parts, "done\n"]).encode()

    def known(self, commit: str, tree: Tree) -> None:
        """Let a commit that the repository has be a parent; only these files of it matter."""
        self._trees[commit] = tree

    def commit(
        self,
        branch: str,
        tree: Tree,
        *,
        by: str,
        at: datetime,
        message: str,
        parents: Iterable[str] = (),
    ) -> str:
        """Put a commit onto a branch and return its mark; the first parent's tree is changed."""
        first, *others = (*parents, "")
        self._marks += 1
        mark = f":{self._marks}"
        head = f"commit refs/heads/{branch}\nmark {mark}\n"
        people = f"author {by} {_when(at)}\ncommitter {by} {_when(at)}\n"
        self._parts.append(head + people + _data(message))
        self._parts += [f"from {first}\n"] if first else []
        self._parts += [f"merge {other}\n" for other in others if other]
        self._files(self._trees.get(first, {}), tree)
        self._trees[mark] = tree
        return mark

    def set_branch(self, branch: str, commit: str) -> None:
        """Let a branch be at a commit; nowhere: it is no more."""
        self._parts.append(f"reset refs/heads/{branch}\nfrom {commit}\n\n")

    def tag(self, name: str, commit: str, *, by: str, at: datetime, message: str) -> None:
        """Put a tag onto a commit."""
        head = f"tag {name}\nfrom {commit}\ntagger {by} {_when(at)}\n"
        self._parts.append(head + _data(message))

    def _files(self, before: Tree, after: Tree) -> None:
        for path in sorted(before.keys() | after.keys()):
            if path not in after:
                self._parts.append(f"D {path}\n")
            elif before.get(path) != after[path]:
                self._parts.append(f"M 100644 inline {path}\n{_data(after[path])}")
        self._parts.append("\n")


def _when(at: datetime) -> str:
    return f"{int(at.timestamp())} +0000"


def _data(text: str) -> str:
    return f"data {len(text.encode())}\n{text}\n"
