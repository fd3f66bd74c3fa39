"""Which commit a name means now."""

import re
from datetime import datetime

from drillbook.actions.repository.subject import domain
from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.ports.repository import Repository

SHORT = 7
_SHA = re.compile(r"[0-9a-f]{40}")
LONGEST_NAME = 255


class CommitOf(Frozen):
    """The commit a branch, tag or id names now."""

    sha: str
    title: str
    author: str
    at: datetime
    parents: tuple[str, ...]
    says: str


@domain.read
def commit(repository: Repository, *, ref: str = "") -> CommitOf:
    """Say which commit a branch, tag or id names; without one, the environment's branch."""
    wanted = named(ref or repository.branch, "ref")
    found = repository.commit(wanted)
    return CommitOf(
        sha=found.sha,
        title=found.title,
        author=found.author,
        at=found.at,
        parents=found.parents,
        says=f"{wanted} is {short(found.sha)} ({found.title}) of {found.author}",
    )


def named(text: str, parameter: str) -> str:
    """Return a name that a commit, branch or proposal may have; Refused for any other text."""
    odd = not text or text != text.strip() or text.startswith("-") or len(text) > LONGEST_NAME
    if odd or ".." in text or re.search(r"[\x00-\x20\x7f~^:?*\[\\]", text):
        raise Refused(
            f"{parameter} is {text[:60]!r}, which names no commit, branch or proposal",
            hint="Give a branch, a commit's id, or a proposal's number.",
            again=False,
        )
    return text


def exact(text: str, parameter: str = "commit") -> str:
    """Return the full id of a commit; Refused for a branch: it may move while one looks."""
    if not _SHA.fullmatch(text):
        raise Refused(
            f"{parameter} is {text[:60]!r}, and must be the full id of one commit",
            hint="Take it from an earlier task, or ask: drillbook do repository.commit ref=…",
            again=False,
        )
    return text


def counted(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def short(sha: str) -> str:
    """Return the beginning of an id, for sentences."""
    return sha[:SHORT]
