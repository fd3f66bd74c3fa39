"""Changes somebody may propose to the booking app: good ones, and bad ones that look good."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drillbook.core.errors import NotFound
from drillbook.range.history.patches import Patch, Tree, read_patch

CHANGES = Path(__file__).with_name("changes")
CHANGELOG = "CHANGELOG.md"
UNRELEASED = "## Unreleased\n"
MIGRATIONS = "supabase/migrations/"
GOOD = "good"


@dataclass(frozen=True, slots=True)
class Change:
    """What one proposal changes; `says` is what it really does, which its message may not tell."""

    name: str
    good: bool
    says: str
    branch: str
    subject: str
    body: str
    author: str
    reviewer: str
    patch: Patch

    @property
    def login(self) -> str:
        """Its author's name on the platform."""
        found = re.search(r"<([^@>]+)@", self.author)
        return found[1] if found else self.author

    @property
    def paths(self) -> tuple[str, ...]:
        """The files it touches."""
        return (CHANGELOG, *(file.path for file in self.patch.files))

    @property
    def migrations(self) -> dict[str, str]:
        """Its new migrations by their paths, without their ways back."""
        made = {file.path: file for file in self.patch.files if file.path.startswith(MIGRATIONS)}
        return {
            path: "".join(f"{line}\n" for line in file.hunks[0].after)
            for path, file in sorted(made.items())
            if not path.endswith(".down.sql")
        }

    def put_on(self, tree: Tree) -> Tree:
        """Return a tree with this change and its line in the changelog."""
        changed = self.patch.put_on(tree)
        line = f"- {self.patch.headers['Changelog']}\n"
        log = changed[CHANGELOG]
        if UNRELEASED not in log:
            title, _, rest = log.partition("\n\n")
            log = f"{title}\n\n{UNRELEASED}\n{rest}"
        changed[CHANGELOG] = log.replace(UNRELEASED, UNRELEASED + line, 1)
        return changed


@cache
def changes() -> dict[str, Change]:
    """Return all changes by name, the good ones first."""
    found = [_read(file) for file in sorted(CHANGES.glob("*.patch"))]
    return {change.name: change for change in sorted(found, key=lambda change: not change.good)}


def change(name: str) -> Change:
    """Return a change by its name."""
    try:
        return changes()[name]
    except KeyError:
        hint = "See all of them: drillbook range changes"
        raise NotFound(f"there is no change {name!r}", hint=hint) from None


def _read(file: Path) -> Change:
    patch = read_patch(file.read_text(encoding="utf-8"))
    told = patch.headers
    return Change(
        name=file.stem,
        good=told["Kind"] == GOOD,
        says=told["Says"],
        branch=told["Branch"],
        subject=told["Subject"],
        body=patch.body,
        author=told["From"],
        reviewer=told["Reviewer"],
        patch=patch,
    )
