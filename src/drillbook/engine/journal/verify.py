"""Read a whole journal once and say whether it is what was written, or exactly what is not."""

import time
from collections.abc import Callable, Iterable, Iterator

from drillbook.core.errors import Damaged, Refused
from drillbook.core.model import Frozen
from drillbook.engine.journal.entry import (
    TreeHead,
    evidence_of,
    fields_of,
)
from drillbook.engine.journal.evidence import checked
from drillbook.engine.journal.keys import PublicKeys, is_signed
from drillbook.engine.journal.merkle import Frontier, leaf_hash
from drillbook.engine.journal.signers import introduced
from drillbook.engine.journal.store import HeadRow, Reading, Row, Store

PROGRESS_EVERY = 10_000
RESTORE = (
    "Keep a copy as it is for the inquiry; put the journal back from a backup and verify that."
)


class Verified(Frozen):
    """
    What was checked: nothing was found damaged.

    `signed_by` and `keys` (those the log introduces) are key ids. A shared journal that was not
    checked against pinned keys is only as good as the keys it introduces: look whether they are
    yours; `own_key` is this home's.
    """

    size: int
    root: str
    head: TreeHead | None
    signed_by: str = ""
    keys: tuple[str, ...] = ()
    own_key: str = ""
    is_pinned: bool = False
    consistent_since: int | None = None
    evidence_files: int = 0
    seconds: float


def read_head(stored: bytes) -> TreeHead:
    """Read the stored head; only the exact form that is written counts."""
    try:
        head = TreeHead.model_validate_json(stored)
    except ValueError:
        head = None
    if head is None or head.canonical() != stored:
        raise Damaged("the journal's signed head was altered: it is not readable", hint=RESTORE)
    return head


def read_edge(head: TreeHead, stored: bytes) -> Frontier:
    """Read the tree's right edge; it must lead to the signed root."""
    try:
        edge = Frontier.unpack(head.size, stored)
    except ValueError:
        edge = None
    if edge is None or edge.root().hex() != head.root:
        raise Damaged(
            f"the stored edge of the tree does not lead to the signed root of {head.size} entries: "
            "the head or the edge was altered",
            hint=RESTORE,
        )
    return edge


def sound_rows(rows: Iterable[Row]) -> Iterator[Row]:
    """Pass the rows on, each in its place, unedited by its hash, and found under what it says."""
    for expected, row in enumerate(rows):
        if row.position != expected:
            raise _gap(expected, row.position)
        if leaf_hash(row.body) != row.leaf:
            raise _edited(row)
        _check_columns(row)
        yield row


def verify(
    store: Store,
    *,
    against: TreeHead | None,
    pinned: PublicKeys | None,
    progress: Callable[[int, int], None] | None,
) -> Verified:
    """Check the whole store; see Journal.verify."""
    started = time.monotonic()
    with store.reading() as reading:
        stored = reading.head()
        head = read_head(stored.head) if stored else None
        total = head.size if head else 0
        walk = _Walk(store, against.size if against else -1)
        for row in sound_rows(reading.rows()):
            walk.take(row)
            if progress and walk.edge.size % PROGRESS_EVERY == 0:
                progress(walk.edge.size, total)
        _check_end(stored, head, walk, pinned)
        if against:
            _check_against(against, head, walk, pinned)
        _check_store(reading)
    if progress:
        progress(total, total)
    return Verified(
        size=total,
        root=walk.edge.root().hex(),
        head=head,
        signed_by=head.key if head else "",
        keys=tuple(walk.keys),
        is_pinned=pinned is not None,
        consistent_since=against.size if against else None,
        evidence_files=len(walk.evidence),
        seconds=round(time.monotonic() - started, 3),
    )


class _Walk:
    """What one pass over the log gathers."""

    def __init__(self, store: Store, mark: int) -> None:
        self._store = store
        self._mark = mark
        self.edge = Frontier()
        self.root_at_mark = self.edge.root() if mark == 0 else b""
        self.keys: dict[str, bytes] = {}
        self.log = ""
        self.evidence: set[bytes] = set()

    def take(self, row: Row) -> None:
        self.edge.add(row.leaf)
        if self.edge.size == self._mark:
            self.root_at_mark = self.edge.root()
        # Canonical JSON has one spelling, so a search in the bytes cannot miss either of them.
        if b'"kind":"journal.key"' in row.body and not row.run:
            self._meet_key(row)
        if b'"sha256":"' in row.body:
            self._check_evidence(row)

    def _meet_key(self, row: Row) -> None:
        try:
            identity, public, log = introduced(row.body)
        except ValueError as error:
            raise Damaged(
                f"entry {row.position} introduces a signing key and is wrong: {error}", hint=RESTORE
            ) from error
        if self.log not in ("", log):
            raise Damaged(f"entry {row.position} belongs to another journal ({log})", hint=RESTORE)
        self.log = log
        self.keys[identity] = public

    def _check_evidence(self, row: Row) -> None:
        for evidence in evidence_of(fields_of(row.body)["data"]):
            digest = bytes.fromhex(evidence.sha256)
            if digest in self.evidence:
                continue
            content = self._store.get_evidence(evidence.sha256)
            if content is None:
                raise Damaged(
                    f"evidence {evidence.sha256} ({evidence.name}), named by entry {row.position}, "
                    "is missing",
                    hint="Put the file back from your backup.",
                )
            checked(evidence.sha256, content)
            self.evidence.add(digest)


def _check_end(
    stored: HeadRow | None, head: TreeHead | None, walk: _Walk, pinned: PublicKeys | None
) -> None:
    found = walk.edge.size
    if stored is None or head is None:
        if found:
            raise Damaged(f"{found} entries have no signed head: it was removed", hint=RESTORE)
        return
    if found < head.size:
        raise Damaged(
            f"the journal has {found} entries, its signed head counts {head.size}: "
            f"the last {head.size - found} were cut off",
            hint=RESTORE,
        )
    if found > head.size:
        raise Damaged(
            f"the journal has {found} entries, its signed head counts {head.size}: entries "
            f"{head.size} to {found - 1} were inserted, or the head was put back to an older one",
            hint=RESTORE,
        )
    check_signature(head, walk.keys, pinned)
    if walk.edge.root().hex() != head.root:
        raise Damaged(
            f"the {found} entries do not add up to the signed root: at least one was rewritten, "
            "moved or replaced together with its stored hash",
            hint="Verify --against a head saved earlier to see whether it was before or after. "
            + RESTORE,
        )
    if walk.log != head.log:
        raise Damaged("the signed head belongs to another journal", hint=RESTORE)
    read_edge(head, stored.edge)


def check_signature(head: TreeHead, introduced_keys: PublicKeys, pinned: PublicKeys | None) -> None:
    """Check that a rightful key signed the head: a pinned one, or one the log introduces."""
    rightful = introduced_keys if pinned is None else pinned
    public = rightful.get(head.key)
    if public is None:
        names = ", ".join(identity[:16] for identity in rightful) or "none"
        raise Damaged(
            f"the head is signed by key {head.key[:16]}, which is none of the expected: {names}",
            hint="If that key is yours (a moved store, another host), verify with its public key. "
            "Else someone replaced the key.",
        )
    if not is_signed(head, public):
        raise Damaged(
            f"the signature of the head (size {head.size}) by key {head.key[:16]} is not valid: "
            "the head was altered",
            hint=RESTORE,
        )


def _check_against(
    against: TreeHead, head: TreeHead | None, walk: _Walk, pinned: PublicKeys | None
) -> None:
    known = {**walk.keys, **(pinned or {})}
    if against.key in known and not is_signed(against, known[against.key]):
        raise Refused(
            "the saved head is not what was signed: its signature is not valid",
            hint="Take another copy of it.",
        )
    if head is None or against.log != head.log:
        raise Damaged(
            f"this is not the journal of the saved head ({against.log}): it was replaced",
            hint=RESTORE,
        )
    if against.size > head.size:
        raise Damaged(
            f"the journal has {head.size} entries, and had {against.size} when the head was saved "
            f"({against.at:%Y-%m-%d %H:%M:%S} UTC): it was cut off or put back to an older state",
            hint=RESTORE,
        )
    if walk.root_at_mark.hex() != against.root:
        raise Damaged(
            f"the first {against.size} entries are not those of the saved head "
            f"({against.at:%Y-%m-%d %H:%M:%S} UTC): history before it was rewritten, or the store "
            "was put back to an older state and went on from there",
            hint=RESTORE,
        )


def _check_store(reading: Reading) -> None:
    damage = reading.check_store()
    if damage:
        raise Damaged(
            f"the entries are whole, but the store around them is not: {damage}", hint=RESTORE
        )


def _check_columns(row: Row) -> None:
    try:
        says = fields_of(row.body)
    except ValueError as error:
        raise Damaged(f"entry {row.position} is no JSON: it was rewritten", hint=RESTORE) from error
    if says.get("index") != row.position:
        raise Damaged(
            f"entry {row.position} was written as {says.get('index')}: entries were reordered",
            hint=RESTORE,
        )
    for column, stored in (("run", row.run), ("task", row.task), ("key", row.key)):
        if says.get(column) != stored:
            raise Damaged(
                f"entry {row.position} says {column} {says.get(column)!r}, and is filed under "
                f"{stored!r}: the look-up column was forged",
                hint=RESTORE,
            )


def _gap(expected: int, found: int) -> Damaged:
    if found > expected:
        what = f"{found - expected} entries are" if found - expected > 1 else "1 entry is"
        return Damaged(f"{what} missing from index {expected} on: deleted", hint=RESTORE)
    return Damaged(f"entry {found} stands where entry {expected} should: inserted", hint=RESTORE)


def _edited(row: Row) -> Damaged:
    try:
        index = fields_of(row.body).get("index", row.position)
    except ValueError:
        index = row.position
    if index != row.position:
        return Damaged(
            f"entry {row.position} holds what was written as entry {index}: entries were reordered",
            hint=RESTORE,
        )
    return Damaged(f"entry {row.position} is not what was written: it was edited", hint=RESTORE)
