"""Which release answers: the app's own word, asked from outside by connections of their own."""

from pydantic import JsonValue

from drillbook.analysis.health_words import parsed
from drillbook.core.model import Frozen
from drillbook.core.secret import scrub
from drillbook.ports.probe import Probe, Question

SHORTEST_COMMIT = 7
TIMEOUT_SECONDS = 5.0


class OwnWord(Frozen):
    """
    What the app says it is, asked several times.

    `commits` has what each answer named, "" for an answer that named none; `tells` is False where
    the stack names no place to ask.
    """

    tells: bool
    commits: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def all_say(self, commit: str) -> bool:
        """Whether every answer named this commit, and there was one."""
        return bool(self.commits) and all(is_commit(said, commit) for said in self.commits)

    @property
    def says(self) -> str:
        """What was answered, in words."""
        if not self.tells:
            return "the app tells its commit nowhere (release = … in stack.toml)"
        named = list(dict.fromkeys(short(said) or "nothing" for said in self.commits))
        counts = [f"{name} {self._count(name)} of {len(self.commits)} times" for name in named]
        told = f"the app says it is {', '.join(counts)}"
        return f"{told} ({self.problems[0]})" if self.problems else told

    def _count(self, name: str) -> int:
        return sum((short(said) or "nothing") == name for said in self.commits)


def own_word(probe: Probe, *, times: int = 1) -> OwnWord:
    """Ask the app which commit it is, each time by a connection of its own."""
    if not probe.release_path:
        return OwnWord(tells=False)
    commits, problems = [], []
    for _ in range(times):
        answer = probe.ask(Question(probe.release_path, timeout_seconds=TIMEOUT_SECONDS))
        said = _commit(parsed(answer.text)) if answer.status == 200 else ""  # noqa: PLR2004 - HTTP's OK
        commits.append(said)
        if not said:
            why = answer.problem or f"answered {answer.status} without a commit"
            problems.append(scrub(f"GET {probe.release_path}: {why}"))
    return OwnWord(tells=True, commits=tuple(commits), problems=tuple(dict.fromkeys(problems)))


def is_commit(said: str, commit: str) -> bool:
    """Whether two names are one commit's, of which one may be cut short."""
    if min(len(said), len(commit)) < SHORTEST_COMMIT:
        return False
    return said.startswith(commit) or commit.startswith(said)


def short(commit: str) -> str:
    """Return a commit's id as people read it."""
    return commit[:SHORTEST_COMMIT]


def _commit(body: JsonValue) -> str:
    said = body.get("commit") if isinstance(body, dict) else None
    return said.lower() if isinstance(said, str) else ""
