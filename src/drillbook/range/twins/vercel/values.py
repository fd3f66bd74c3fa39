"""The values a project gives its apps: each for some targets, sealed where they lie."""

import json
from collections.abc import Mapping
from pathlib import Path

from cryptography.fernet import Fernet

from drillbook.local.alone import alone_in
from drillbook.local.private_file import write_private
from drillbook.range.cloud import BRANCHES, Cloud
from drillbook.range.twins.documents import Document, Documents
from drillbook.range.twins.vercel.records import USER, new_id, now_ms

KINDS = ("system", "encrypted", "plain", "sensitive")
TARGETS = ("production", "preview", "development")
# An environment's target, and the branch a preview value may be bound to.
PLACES = {"production": ("production", ""), "staging": ("preview", BRANCHES["staging"])}


class Sealing:
    """Seals text with a key that lies beside the documents, for their owner only."""

    def __init__(self, cloud: Cloud) -> None:
        self._fernet = Fernet(_key(cloud.folder / "vercel.key"))

    def seal(self, text: str) -> str:
        """Return the text as it may lie in a file."""
        return self._fernet.encrypt(text.encode()).decode()

    def open(self, sealed: str) -> str:
        """Return the text that was sealed."""
        return self._fernet.decrypt(sealed.encode()).decode()


def _key(path: Path) -> bytes:
    with alone_in(path.parent / "vercel.key.lock"):
        if not path.exists():
            write_private(path, Fernet.generate_key().decode())
        return path.read_text(encoding="utf-8").encode()


class Values:
    """The environment values of the project."""

    def __init__(self, documents: Documents, sealing: Sealing) -> None:
        self.documents = documents
        self.sealing = sealing

    def all(self) -> list[Document]:
        """Return the records, the sealed value among their fields."""
        return self.documents.all("value")

    def find(self, name: str) -> Document | None:
        """Return a record by its id."""
        return self.documents.get("value", name)

    def same(self, key: str, targets: list[str], branch: str) -> Document | None:
        """Return the record that a new one of this key, targets and branch would clash with."""
        for found in self.all():
            shared = set(found["target"]) & set(targets)
            if found["key"] == key and shared and (found["gitBranch"] or "") == branch:
                return found
        return None

    def put(self, wish: Document, over: Document | None = None) -> Document:
        """Write a new record, or change one; a changed value counts for later builds only."""
        made = now_ms()
        record = over or {"id": new_id("", 16), "createdAt": made, "createdBy": USER["uid"]}
        fields = ("key", "type", "target", "gitBranch", "comment")
        record = {"gitBranch": None, "comment": "", **record}
        record |= {name: wish[name] for name in fields if name in wish}
        if "value" in wish:
            record["sealed"] = self.sealing.seal(wish["value"])
        record |= {"updatedAt": made, "updatedBy": USER["uid"]}
        self.documents.put("value", record["id"], record)
        return record

    def remove(self, name: str) -> None:
        """Remove a record; builds that were given the value keep it."""
        self.documents.remove("value", name)

    def revealed(self, record: Document) -> str:
        """Return a record's value."""
        return self.sealing.open(record["sealed"])

    def given(self, target: str, branch: str) -> dict[str, str]:
        """Return what a build for this target and branch is given: the branch's own value wins."""
        found: dict[str, str] = {}
        records = [each for each in self.all() if target in each["target"]]
        for record in sorted(records, key=lambda each: bool(each["gitBranch"])):
            if record["gitBranch"] in {None, "", branch}:
                found[record["key"]] = self.revealed(record)
        return found


def set_values(cloud: Cloud, environment: str, values: Mapping[str, str | None]) -> None:
    """Set an environment's values as its owner would, or remove those that are None."""
    target, branch = PLACES[environment]
    documents = cloud.documents("vercel")
    kept = Values(documents, Sealing(cloud))
    with documents.locked():
        for key, value in values.items():
            found = kept.same(key, [target], branch)
            if value is not None and found is not None and kept.revealed(found) == value:
                continue
            if value is not None:
                wish = {"key": key, "value": value, "type": "encrypted", "target": [target]}
                kept.put({**wish, "gitBranch": branch or None}, found)
            elif found is not None:
                kept.remove(found["id"])


def get_values(cloud: Cloud, environment: str) -> dict[str, str]:
    """Return what a new build for an environment would be given."""
    target, branch = PLACES[environment]
    return Values(cloud.documents("vercel"), Sealing(cloud)).given(target, branch)


def seal_all(sealing: Sealing, values: Mapping[str, str]) -> str:
    """Return values as one sealed text."""
    return sealing.seal(json.dumps(dict(values)))


def open_all(sealing: Sealing, sealed: str) -> dict[str, str]:
    """Return the values of one sealed text."""
    found: dict[str, str] = json.loads(sealing.open(sealed))
    return found
