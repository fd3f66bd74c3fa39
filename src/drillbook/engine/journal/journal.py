"""The sealed journal: append, read, follow, verify, export."""

import threading
from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from drillbook.core import secret
from drillbook.core.effect import Evidence
from drillbook.core.errors import Damaged, NotFound
from drillbook.engine.journal import bundle, verify
from drillbook.engine.journal.entry import (
    DIGEST,
    Entry,
    Recorded,
    RunSpan,
    Scrub,
    TreeHead,
    canonical,
    cleaned,
    recorded,
)
from drillbook.engine.journal.evidence import checked, content_of, scrubbed
from drillbook.engine.journal.keys import (
    SigningKey,
    key_id,
    own_key,
    own_public,
    public_pem,
    read_public_keys,
)
from drillbook.engine.journal.merkle import Frontier, leaf_hash
from drillbook.engine.journal.signers import introduction, key_name, must_be_signed, public_keys_in
from drillbook.engine.journal.store import Before, ConnectionLost, HeadRow, Row, Store, Writing

PAGE = 500


class _Trusted(NamedTuple):
    """The end of the log as this process last signed or checked it."""

    row: HeadRow
    head: TreeHead
    edge: Frontier


class Journal:
    """
    One store's journal; safe to share between threads, and several processes may open one store.

    Each append signs the log's new end. What that finds, offline: any edit, insertion, reordering
    or rewrite by someone without a signing key, and any cut of the end. What it cannot find alone:
    a store put back whole to an older state *together with* the head signed then (a restored
    backup, a rollback); for that keep a head elsewhere and verify `against` it. Who holds the
    private key can rewrite everything after the last head kept elsewhere.
    """

    def __init__(self, store: Store, home: Path, *, scrub: Scrub = secret.scrub) -> None:
        self._store = store
        self._home = home
        self._scrub = scrub
        self._lock = threading.Lock()
        self._key: SigningKey | None = None
        self._is_introduced = False
        self._trusted: _Trusted | None = None

    def append(self, *entries: Entry) -> TreeHead:
        """
        Record the entries in one commit and return the head signed over them.

        An entry whose key is there already is left out. When the server is lost midway
        (Unavailable) it is not known whether they were recorded: append again; only entries
        without a key could then stand twice.
        """
        clean = [cleaned(entry, self._scrub) for entry in entries]
        with self._lock:
            try:
                return self._append(clean)
            except ConnectionLost:
                if not all(entry.key for entry in clean):
                    raise
                return self._append(clean)  # each is one entry, however often it is appended

    def adopt(self) -> TreeHead:
        """Verify a journal last signed by other keys, and sign it with this home's key."""
        self.verify(keys=self.public_keys())
        with self._lock:
            return self._append([], is_adopting=True)

    def head(self) -> TreeHead | None:
        """Return the last signed head as stored; None when nothing was recorded yet."""
        with self._store.reading() as reading:
            row = reading.head()
        return verify.read_head(row.head) if row else None

    def entries(
        self, run: str | None = None, *, after: int = -1, task: str | None = None
    ) -> Iterator[Recorded]:
        """Stream the entries there are now after an index, oldest first, of one run or of all."""
        while True:
            with self._store.reading() as reading:
                page = reading.page(run, after, task, PAGE)
            for row in page:
                yield _sound(row)
            if len(page) < PAGE:
                return
            after = page[-1].position

    def wait(self, run: str, *, after: int, timeout_seconds: float) -> bool:
        """Wait until a run has an entry after an index; False when the time is over."""
        return self._store.wait(run, after, timeout_seconds)

    def runs(self) -> list[RunSpan]:
        """Return each run with its first and last entry, oldest run first."""
        with self._store.reading() as reading:
            spans = reading.spans()
        pairs = [(recorded(first), recorded(last)) for first, last in spans]
        return [RunSpan(run=first.run, first=first, last=last) for first, last in pairs]

    def public_keys(self) -> str:
        """Return the public keys the log introduces, as PEM; pin them to trust them."""
        with self._store.reading() as reading:
            keys = public_keys_in(reading.bodies_of_keys(key_name("")))
        return "".join(map(public_pem, keys.values()))

    def verify(
        self,
        *,
        against: TreeHead | None = None,
        keys: str = "",
        progress: Callable[[int, int], None] | None = None,
    ) -> verify.Verified:
        """
        Check every entry, the signed head, the look-up columns and the evidence; Damaged says what.

        `against` is a head saved elsewhere earlier: the log must still begin with exactly what was
        there then, which finds a rewrite or rollback of the whole store. `keys` pins the public
        keys (PEM) that may have signed; without it, a journal of one machine must be signed by
        this home's key, and a shared one by a key that the log itself introduces.
        """
        own = own_public(self._home)
        pinned = read_public_keys(keys) if keys else None
        if pinned is None and own and not self._store.is_shared:
            pinned = {key_id(own): own}
        verified = verify.verify(self._store, against=against, pinned=pinned, progress=progress)
        return verified.model_copy(update={"own_key": key_id(own) if own else ""})

    def export(self, run: str, path: Path, *, by: str = "") -> Path:
        """
        Write one file that proves a run's entries with the public key alone.

        It first records a `journal.exported` entry: a run's entries are linked backwards, so the
        bundle shows that none up to this one was left out.
        """
        with self._store.reading() as reading:
            if not reading.page(run, -1, None, 1):
                raise NotFound(
                    f"the journal has no run {run!r}", hint="`drillbook runs` lists them."
                )
        with self._lock:
            self._append([bundle.closing_entry(run, self._scrub(by))])
        bundle.export(self._store, run, path)
        return path

    def put_evidence(self, data: bytes | Path, *, name: str, media_type: str) -> Evidence:
        """Keep a file, scrubbed of secrets, and return how it is named; put that into an entry."""
        content = scrubbed(content_of(data), self._scrub)
        digest = sha256(content).hexdigest()
        self._store.put_evidence(digest, content)
        return Evidence(
            sha256=digest, size_bytes=len(content), name=self._scrub(name), media_type=media_type
        )

    def get_evidence(self, digest: str) -> bytes:
        """Return a kept file; Damaged when it is not what was kept."""
        if not DIGEST.fullmatch(digest):
            raise NotFound(f"{digest!r} is no SHA-256", hint="It has 64 of the digits 0-9 and a-f.")
        return checked(digest, self._store.get_evidence(digest))

    def close(self) -> None:
        """Let go of files and connections, after an append under way."""
        with self._lock:
            self._store.close()

    def _append(self, entries: Sequence[Entry], *, is_adopting: bool = False) -> TreeHead:
        if self._key is None:
            self._key = own_key(self._home)
        key = self._key
        names = {entry.key for entry in entries if entry.key}
        if not self._is_introduced:
            names.add(key_name(key.id))
        with self._store.writing() as writing:
            before = writing.before({entry.run for entry in entries} | {""}, names)
            trusted = self._trusted_end(writing, before, key, is_adopting=is_adopting)
            if not self._is_introduced and key_name(key.id) not in before.keys:
                entries = [introduction(key, trusted.head.log if trusted else ""), *entries]
            after = _grown(trusted, entries, before, key, writing, is_adopting=is_adopting)
        self._trusted = after
        self._is_introduced = True
        return after.head

    def _trusted_end(
        self, writing: Writing, before: Before, key: SigningKey, *, is_adopting: bool
    ) -> _Trusted | None:
        """Return the stored end once it is known to be signed, so that no forgery is built upon."""
        if self._trusted and self._trusted.row == before.head:
            return self._trusted
        if before.head is None:
            if self._trusted:
                raise Damaged(
                    f"the journal is empty, and had {self._trusted.head.size} entries a moment ago",
                    hint="Someone emptied or replaced the store; put it back from your backup.",
                )
            if before.last[""] >= 0:
                raise Damaged(
                    "the journal's signed head was removed", hint="Run `drillbook journal verify`."
                )
            return None
        head = verify.read_head(before.head.head)
        if self._trusted and head.size < self._trusted.head.size:
            raise Damaged(
                f"the journal has {head.size} entries, and had {self._trusted.head.size} before: "
                "it was cut off or put back to an older state while in use",
                hint="Stop the workers and run `drillbook journal verify --against` a saved head.",
            )
        edge = verify.read_edge(head, before.head.edge)
        is_ours_to_join = self._store.is_shared or is_adopting or key.is_new
        must_be_signed(head, key, writing.body_of, is_ours_to_join=is_ours_to_join)
        return _Trusted(before.head, head, edge)


def _grown(
    trusted: _Trusted | None,
    entries: Sequence[Entry],
    before: Before,
    key: SigningKey,
    writing: Writing,
    *,
    is_adopting: bool,
) -> _Trusted:
    """Write the entries that are not there yet, and the head signed over them."""
    edge = trusted.edge.copy() if trusted else Frontier()
    last, known = dict(before.last), set(before.keys)
    rows: list[Row] = []
    log = trusted.head.log if trusted else str(entries[0].data["log"])
    for entry in entries:
        if entry.key in known:
            continue
        if entry.key:
            known.add(entry.key)
        body = canonical(entry, index=edge.size, previous=last[entry.run])
        leaf = leaf_hash(body)
        rows.append(Row(edge.size, body, leaf, entry.run, entry.task, entry.key))
        last[entry.run] = edge.size
        edge.add(leaf)
    if trusted and not rows and not is_adopting:
        return trusted
    head = key.sign(size=edge.size, root=edge.root(), log=log)
    row = HeadRow(head.canonical(), edge.pack())
    writing.write(rows, row)
    return _Trusted(row, head, edge)


def _sound(row: Row) -> Recorded:
    entry = recorded(row.body)
    if (entry.index, entry.run, entry.task, entry.key) != (
        row.position,
        row.run,
        row.task,
        row.key,
    ):
        raise Damaged(
            f"entry {row.position} is stored under another index, run, task or key than it says",
            hint="Run `drillbook journal verify`.",
        )
    return entry
