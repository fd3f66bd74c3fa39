"""
One run's proof in one file: its entries, their inclusion proofs, the signed head, the evidence.

The file is a ZIP, so that anybody can open it and look at the evidence files as they are. It is
stored without compression and with fixed dates, so its bytes follow from its content: verifying
builds it again and compares, and not one bit of it can be changed unseen.
"""

import struct
import zipfile
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import rfc8785

from drillbook.core.effect import Evidence
from drillbook.core.errors import Damaged, NotFound, Unavailable
from drillbook.core.model import Frozen
from drillbook.engine.journal import durable
from drillbook.engine.journal.entry import (
    EXPORT_KIND,
    Entry,
    Hex,
    Recorded,
    TreeHead,
    evidence_of,
    recorded,
)
from drillbook.engine.journal.evidence import checked
from drillbook.engine.journal.keys import PublicKeys, public_pem, read_public_keys
from drillbook.engine.journal.merkle import Frontier, Prover, leaf_hash, root_by_path
from drillbook.engine.journal.signers import introduced
from drillbook.engine.journal.store import Store
from drillbook.engine.journal.verify import check_signature, read_head, sound_rows

LISTING = "journal.json"
FORMAT = 1
# What a ZIP with wrong bits makes the library raise; its own error is only one of them.
UNREADABLE = (
    zipfile.BadZipFile,
    EOFError,
    LookupError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
AGAIN = "Ask for the bundle again: `drillbook journal export` writes it."


class Proven(Frozen):
    """An entry's exact bytes (canonical JSON) and its audit path to the root of the signed head."""

    entry: str
    path: tuple[Hex, ...]


class Listing(Frozen):
    """What a bundle holds beside the evidence files."""

    format: int = FORMAT
    run: str
    head: TreeHead
    public_key: str
    entries: tuple[Proven, ...]


class Bundle(Frozen):
    """A bundle that was verified: all entries of the run up to the export, oldest first."""

    run: str
    head: TreeHead
    entries: tuple[Recorded, ...]
    evidence: tuple[Evidence, ...]


def closing_entry(run: str, by: str) -> Entry:
    """Make the entry that a bundle ends with: it links back to all of the run's entries."""
    return Entry(run=run, kind=EXPORT_KIND, by=by, at=datetime.now(UTC))


def export(store: Store, run: str, path: Path) -> None:
    """Write the bundle of a run whose last entry is a closing one, checking the log on the way."""
    prover, edge = Prover(), Frontier()
    keys: dict[str, bytes] = {}
    bodies: list[bytes] = []
    with store.reading() as reading:
        stored = reading.head()
        if stored is None:
            raise NotFound("the journal is empty", hint="Nothing was recorded yet.")
        head = read_head(stored.head)
        for row in sound_rows(reading.rows()):
            prover.add(row.leaf, chosen=row.run == run)
            edge.add(row.leaf)
            if row.run == run:
                bodies.append(row.body)
            elif b'"kind":"journal.key"' in row.body and not row.run:
                identity, public, _ = introduced(row.body)
                keys[identity] = public
    check_signature(head, keys, None)
    if edge.size != head.size or edge.root().hex() != head.root:
        raise Damaged(
            f"the journal's {edge.size} entries are not those of its signed head ({head.size})",
            hint="No bundle was written. Run `drillbook journal verify`.",
        )
    listing = _listing(run, head, keys, bodies, prover)
    files = {
        evidence.sha256: checked(evidence.sha256, store.get_evidence(evidence.sha256))
        for evidence in _evidence(tuple(map(recorded, bodies)))
    }
    _write(path, _packed(listing, files))


def _listing(
    run: str, head: TreeHead, keys: PublicKeys, bodies: list[bytes], prover: Prover
) -> Listing:
    proofs = prover.proofs()
    while recorded(bodies[-1]).kind != EXPORT_KIND:  # recorded while the export was under way
        proofs.pop(recorded(bodies.pop()).index)
    entries = [
        Proven(entry=body.decode(), path=tuple(node.hex() for node in path))
        for body, path in zip(bodies, proofs.values(), strict=True)
    ]
    return Listing(
        run=run, head=head, public_key=public_pem(keys[head.key]), entries=tuple(entries)
    )


def verify_bundle(path: Path, *, public_key: str) -> Bundle:
    """
    Verify a bundle without the store; Damaged says what is wrong.

    `public_key` is PEM text that you have from somewhere else than the bundle, of one or more
    journal keys. What holds then: each entry was in a log signed by that key, none of the run's
    entries up to its last (the export) is left out, and the evidence is what was recorded.
    """
    content = _read(path)
    listing, files = _unpacked(content)
    if _packed(listing, files) != content:
        raise Damaged("the bundle has other bytes than its content gives: altered", hint=AGAIN)
    if listing.format != FORMAT:
        raise Damaged(f"the bundle has format {listing.format}, not {FORMAT}", hint=AGAIN)
    check_signature(listing.head, {}, read_public_keys(public_key))
    if read_public_keys(listing.public_key).keys() != {listing.head.key}:
        raise Damaged("the bundle's public key is not the one that signed it", hint=AGAIN)
    entries = tuple(_proven(listing, place) for place in range(len(listing.entries)))
    _check_whole(listing.run, entries)
    evidence = _evidence(entries)
    if files.keys() != {one.sha256 for one in evidence}:
        raise Damaged("the bundle's evidence files are not those its entries name", hint=AGAIN)
    for digest, file in files.items():
        checked(digest, file)
    return Bundle(run=listing.run, head=listing.head, entries=entries, evidence=evidence)


def _proven(listing: Listing, place: int) -> Recorded:
    proven, head = listing.entries[place], listing.head
    body = proven.entry.encode()
    entry = recorded(body)
    nodes = [bytes.fromhex(node) for node in proven.path]
    try:
        root = root_by_path(entry.index, head.size, leaf_hash(body), nodes).hex()
    except ValueError as error:
        raise Damaged(f"entry {entry.index} has a wrong proof: {error}", hint=AGAIN) from error
    if root != head.root:
        raise Damaged(
            f"entry {entry.index} of the bundle was not in the signed journal: edited", hint=AGAIN
        )
    return entry


def _check_whole(run: str, entries: tuple[Recorded, ...]) -> None:
    previous = -1
    for entry in entries:
        if entry.run != run:
            raise Damaged(f"entry {entry.index} is of run {entry.run!r}, not {run!r}", hint=AGAIN)
        if entry.previous != previous:
            raise Damaged(
                f"entry {entry.index} follows entry {entry.previous} of its run, which the bundle "
                "leaves out",
                hint=AGAIN,
            )
        previous = entry.index
    if not entries or entries[-1].kind != EXPORT_KIND:
        raise Damaged("the bundle's end is cut off: its last entry is not the export", hint=AGAIN)


def _evidence(entries: tuple[Recorded, ...]) -> tuple[Evidence, ...]:
    found = [one for entry in entries for one in evidence_of(entry.data)]
    return tuple(dict.fromkeys(found))


def _packed(listing: Listing, files: Mapping[str, bytes]) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(_member(LISTING), rfc8785.dumps(listing.model_dump(mode="json")))
        for digest in sorted(files):
            archive.writestr(_member(f"evidence/{digest}"), files[digest])
    return buffer.getvalue()


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    member.create_system = 3
    member.external_attr = 0o100600 << 16
    return member


def _unpacked(content: bytes) -> tuple[Listing, dict[str, bytes]]:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                raise zipfile.BadZipFile("a file in it is compressed")  # small can unpack to huge
            members = {name: archive.read(name) for name in archive.namelist()}
        listing = Listing.model_validate_json(members.pop(LISTING))
    except UNREADABLE as error:
        raise Damaged(f"the file is not a whole bundle: {error}", hint=AGAIN) from error
    return listing, {name.removeprefix("evidence/"): file for name, file in members.items()}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(
            f"the bundle {path} cannot be read: {error.strerror}", hint="Check the path."
        ) from error


def _write(path: Path, content: bytes) -> None:
    try:
        durable.put(path, content)
    except OSError as error:
        raise Unavailable(
            f"the bundle {path} cannot be written: {error.strerror}",
            hint="Choose a folder that exists, is writable and has space.",
        ) from error
