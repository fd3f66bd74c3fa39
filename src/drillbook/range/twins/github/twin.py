"""What all parts of the GitHub twin share: the repository, what it remembers, how it shows it."""

from datetime import UTC, datetime

from drillbook.range.cloud import Cloud
from drillbook.range.twins.github.asking import Json, Said
from drillbook.range.twins.github.git import BareRepository, GitSays, NoSuchCommit, Person
from drillbook.range.twins.github.shapes import Shapes

# Heads older than the twin: their run waits until somebody asks for their checks.
PAST = "past"


class GitHub:
    """One repository's state: git is the truth of commits and branches, documents of the rest."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.git = BareRepository(cloud.repository)
        self.documents = cloud.documents("github")
        self.shapes = Shapes(cloud.url("github"))
        self.logs = cloud.folder / "ci"

    def next_number(self, kind: str, first: int = 1) -> int:
        """Return a number never given out before; call it inside `documents.locked()`."""
        counted = self.documents.get("counter", kind)
        number = counted["next"] if counted else first
        self.documents.put("counter", kind, {"next": number + 1})
        return int(number)

    def find(self, kind: str, number: int) -> Json:
        """Return a document by number; 404 where there is none."""
        found = self.documents.get(kind, str(number))
        if found is None:
            raise Said(404, "Not Found")
        return found

    def sha(self, ref: str, status: int = 404, message: str = "Not Found") -> str:
        """Return the commit a ref names, or refuse."""
        try:
            return self.git.sha(ref)
        except NoSuchCommit as error:
            raise Said(status, message) from error

    def branch(self, name: str) -> str:
        """Return where a branch is; 404 without it."""
        heads = self.git.heads()
        if name not in heads:
            raise Said(404, "Branch not found")
        return heads[name]

    def contains(self, branch: str, sha: str) -> bool:
        """Tell whether a branch has a commit."""
        try:
            return self.git.contains(branch, sha)
        except GitSays:
            return False


def now() -> str:
    """Return the time as GitHub writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def person(login: str) -> Person:
    """Return who a login is in git, now."""
    return Person(login, f"{login}@example.com", now())
