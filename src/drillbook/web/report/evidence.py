"""The evidence of a run: which files, and the text of those short enough to read here."""

import json
from collections.abc import Callable, Iterable

from drillbook.core.effect import Evidence
from drillbook.core.errors import DrillbookError
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.journal.entry import evidence_of
from drillbook.web.report.report import EvidenceFile
from drillbook.web.report.wording import cut, one_line, visible

LARGEST_TEXT = 64 * 1024
LONGEST_TEXT = 20_000
TEXT_ALTOGETHER = 1_000_000
TEXT_TYPES = ("text/", "application/json", "application/sql", "application/toml", "application/xml")

Read = Callable[[str], bytes]


def evidence_files(entries: Iterable[Recorded], read: Read) -> tuple[EvidenceFile, ...]:
    """Return each file once, where it was first named."""
    found: dict[str, EvidenceFile] = {}
    left = TEXT_ALTOGETHER
    for entry in entries:
        for one in evidence_of(entry.data):
            if one.sha256 in found:
                continue
            if entry.kind == EntryKind.RUN_PLANNED:
                text, note = None, "the whole plan, as it was approved and run"
            else:
                text, note = _text(one, read, at_most=min(LONGEST_TEXT, left))
            left -= len(text or "")
            found[one.sha256] = EvidenceFile(
                name=one_line(one.name), sha256=one.sha256, size_bytes=one.size_bytes,
                media_type=one_line(one.media_type), task=entry.task, index=entry.index,
                text=text, note=note,
            )  # fmt: skip
    return tuple(found.values())


def _text(evidence: Evidence, read: Read, *, at_most: int) -> tuple[str | None, str]:
    if not evidence.media_type.startswith(TEXT_TYPES):
        return None, "not text"
    if evidence.size_bytes > LARGEST_TEXT or at_most <= 0:
        return None, "too long to show here"
    try:
        content = read(evidence.sha256)
    except DrillbookError as error:
        return None, f"cannot be read: {error}"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None, "not UTF-8 text"
    if evidence.media_type.startswith("application/json"):
        text = _indented(text)
    return (visible(text), "") if len(text) <= at_most else (cut(text, at_most), "")


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
