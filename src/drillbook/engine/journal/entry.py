"""What the journal holds, and the one form in which it is hashed: canonical JSON (RFC 8785)."""

import json
import math
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, JsonValue, StringConstraints, field_serializer

from drillbook.core.canonical import INTEGER_LIMIT, canonical_json
from drillbook.core.effect import Evidence
from drillbook.core.errors import Damaged, Refused
from drillbook.core.model import Frozen

OWN_KEYS = "journal:"  # idempotency keys of the journal's own entries begin so
OWN_KINDS = "journal."  # and their kinds so
KEY_KIND = "journal.key"  # introduces a signing key
EXPORT_KIND = "journal.exported"  # closes a run's entries for a bundle
DEEPEST = 100
LARGEST = 16 * 1024 * 1024
DIGEST = re.compile(r"[0-9a-f]{64}")

# Stored beside the JSON for look-ups, so: short, and nothing a terminal or a database trips over.
Name = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Moment = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC))]
Hex = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{2})*$")]
Scrub = Callable[[str], str]


class Entry(Frozen):
    """
    One thing to record.

    `key` makes an append safe to repeat: the same key is one entry, the first stays. Numbers JSON
    cannot hold exactly (beyond ±2^53, infinite) are recorded as strings.
    """

    run: Name
    kind: Name
    task: Name = ""
    by: str = ""
    at: Moment
    data: dict[str, JsonValue] = {}
    key: Name = ""


class Recorded(Entry):
    """An entry in its place: 0-based `index` in the log, `previous` entry of its run (-1: none)."""

    index: int
    previous: int


class TreeHead(Frozen):
    """A signed statement: the journal `log` had this `size` and `root`; `key` names who signed."""

    size: int
    root: Hex
    at: Moment
    key: Hex
    log: Hex
    signature: Hex

    @field_serializer("at")
    def _at(self, at: datetime) -> str:
        return moment_text(at)

    def canonical(self) -> bytes:
        """Return the one form in which a head is stored."""
        return self._json(f'"signature":"{self.signature}",')

    def signed(self) -> bytes:
        """Return the bytes the signature is over."""
        return self._json("")

    def _json(self, signature: str) -> bytes:
        # Hex needs no escapes, so this is RFC 8785, made fast: it is on each append's way.
        return (
            f'{{"at":"{moment_text(self.at)}","key":"{self.key}","log":"{self.log}",'
            f'"root":"{self.root}",{signature}"size":{self.size}}}'
        ).encode()


class RunSpan(Frozen):
    """A run's first and last entry."""

    run: str
    first: Recorded
    last: Recorded


def moment_text(at: datetime) -> str:
    """Write a moment in the only form the journal hashes: UTC, microseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(entry: Entry, *, index: int, previous: int) -> bytes:
    """Return the bytes of an entry in its place; Refused when they are too many."""
    body = canonical_json(
        {
            "at": moment_text(entry.at),
            "by": entry.by,
            "data": entry.data,
            "index": index,
            "key": entry.key,
            "kind": entry.kind,
            "previous": previous,
            "run": entry.run,
            "task": entry.task,
        }
    )
    if len(body) > LARGEST:
        raise Refused(
            f"an entry of kind {entry.kind} has {len(body):,} bytes, more than {LARGEST:,}",
            hint="Keep the data as evidence, and record its name.",
        )
    return body


def cleaned(entry: Entry, scrub: Scrub) -> Entry:
    """Return the entry as it may be recorded: scrubbed, and of values that JSON holds exactly."""
    if entry.key.startswith(OWN_KEYS) or entry.kind.startswith(OWN_KINDS):
        raise Refused(
            f"an entry of kind {entry.kind!r} with key {entry.key!r} is the journal's own to write",
            hint=f"Use a kind and a key that do not begin with {OWN_KINDS} and {OWN_KEYS}",
        )
    return Entry.model_construct(
        run=_text(entry.run, scrub),
        kind=_text(entry.kind, scrub),
        task=_text(entry.task, scrub),
        by=_text(entry.by, scrub),
        at=entry.at,
        data={_text(name, scrub): _value(value, scrub, 1) for name, value in entry.data.items()},
        key=_text(entry.key, scrub),
    )


def exact(value: JsonValue) -> JsonValue:
    """Return a value as the journal holds it: numbers that JSON cannot hold stand as text."""
    return _value(value, str, 1)


def _text(text: str, scrub: Scrub) -> str:
    if not text.isascii():  # a lone surrogate is no Unicode; its escape loses nothing
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return scrub(text)


def _value(value: JsonValue, scrub: Scrub, depth: int) -> JsonValue:
    if depth > DEEPEST:
        raise Refused(
            f"an entry's data is nested more than {DEEPEST} deep",
            hint="Record it as evidence, and its name in the entry.",
        )
    if isinstance(value, str):
        return _text(value, scrub)
    if isinstance(value, list):
        return [_value(item, scrub, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_text(name, scrub): _value(item, scrub, depth + 1) for name, item in value.items()}
    return _number(value)


def _number(value: float | bool | None) -> JsonValue:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int) and not -INTEGER_LIMIT < value < INTEGER_LIMIT:
        return str(value)
    return value


def recorded(body: bytes) -> Recorded:
    """Read an entry from its bytes."""
    try:
        return Recorded.model_validate_json(body)
    except ValueError as error:
        raise Damaged(
            f"an entry of the journal is not readable: {body[:80]!r}",
            hint="Run `drillbook journal verify` to see what else is damaged.",
        ) from error


def evidence_of(data: JsonValue) -> Iterator[Evidence]:
    """Find the evidence an entry's data names, however deep."""
    if isinstance(data, list):
        for item in data:
            yield from evidence_of(item)
    elif isinstance(data, dict):
        if data.keys() == Evidence.model_fields.keys():
            # These four words may mean something else, and a path made of any text leads anywhere.
            if DIGEST.fullmatch(str(data["sha256"])):
                yield Evidence.model_validate(data)
        else:
            for item in data.values():
                yield from evidence_of(item)


def fields_of(body: bytes) -> dict[str, JsonValue]:
    """Read the fields of an entry fast, without building the model; ValueError when it is none."""
    fields = json.loads(body)
    if not isinstance(fields, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller handles one error: not an entry
    return fields
