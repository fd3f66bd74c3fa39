"""Build the report of a run from its plan and its record; nothing else is asked."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue

from drillbook.core.files import File
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded, TreeHead
from drillbook.engine.outcome import State
from drillbook.engine.runs import RunView
from drillbook.web.report.evidence import LONGEST_TEXT, evidence_files
from drillbook.web.report.folding import histories
from drillbook.web.report.history import History, person_of, text_of
from drillbook.web.report.report import (
    Back,
    Counts,
    Header,
    InputFile,
    Place,
    Row,
    RunReport,
    Seal,
    Section,
    Span,
    SpanKind,
    TaskReport,
    TaskState,
    WayBackReport,
)
from drillbook.web.report.sentences import outcome_sentence, says
from drillbook.web.report.tasks import OPEN, Known, sections_of
from drillbook.web.report.wording import cut, one_line, one_value, scalar, shown

MOST_ROWS = 5_000
UNDER_WAY = (State.RUNNING, State.WAITING)


@dataclass(frozen=True)
class _End:
    """How the run stands by its record."""

    state: State
    at: datetime
    reason: str
    hint: str
    kept: tuple[str, ...]
    stuck: tuple[str, ...]

    @property
    def is_over(self) -> bool:
        return self.state not in UNDER_WAY


def build(
    view: RunView,
    entries: Iterable[Recorded],
    evidence: Callable[[str], bytes],
    *,
    head: TreeHead | None = None,
) -> RunReport:
    """Return the report of a run; `evidence` reads a kept file, `head` is the journal's seal."""
    record = list(entries)
    began = record[0].at if record else view.summary.started_at
    end = _end(view, record, began)
    past = histories(record)
    for history in past.values():
        history.close(end.at, is_over=end.is_over)
    back = _way_back(record, end)
    known = Known(
        view=view, histories=past, writes=back.writes if back else (), kept=end.kept,
        stuck=end.stuck, is_settled=end.is_over and end.state is not State.DEAD,
    )  # fmt: skip
    sections = tuple(sections_of(known))
    counts = _counts(sections, past)
    waiting = [task for task, history in past.items() if history.state is TaskState.WAITING]
    sentence = outcome_sentence(
        end.state, end.reason.rstrip("."), counts, end.kept, end.stuck, waiting
    )
    spans = [span for history in past.values() for span in history.spans]
    return RunReport(
        header=_header(view, record),
        started_at=began, ended_at=end.at if end.is_over else None,
        seconds=(end.at - began).total_seconds(), wait_seconds=_covered(spans, SpanKind.WAIT),
        work_seconds=_covered(spans, SpanKind.WORK, SpanKind.BACK),
        state=end.state, sentence=cut(sentence), hint=end.hint, kept=end.kept, stuck=end.stuck,
        sections=sections, way_back=back, counts=counts,
        decisions=tuple(d for history in past.values() for d in history.decisions),
        evidence=evidence_files(record, evidence), rows=_rows(record, began),
        rows_left_out=max(0, len(record) - MOST_ROWS), seal=_seal(record, head),
    )  # fmt: skip


def _header(view: RunView, record: list[Recorded]) -> Header:
    plan, start = view.plan, view.start
    planned = next((entry for entry in record if entry.kind == EntryKind.RUN_PLANNED), None)
    environments = [
        one_value(name, ", ".join(f"{what}: {which}" for what, which in facts.systems.items()))
        for name, facts in plan.environments.items()
    ]
    return Header(
        run=start.run, runbook=one_line(plan.part.runbook),
        procedure=one_line(plan.part.procedure), book=one_line(plan.book),
        book_sha256=plan.book_sha256, plan_hash=plan.hash,
        plan_evidence=_plan_file(planned) if planned else "",
        by=one_line(start.by), unattended=start.unattended, undo_of=start.undo_of,
        inputs=shown(plan.inputs), files=tuple(_files(plan.inputs)),
        environments=tuple(environments),
    )  # fmt: skip


def _plan_file(planned: Recorded) -> str:
    kept = planned.data.get("evidence")
    return cut(str(kept.get("sha256", "")), 64) if isinstance(kept, dict) else ""


def _files(inputs: Mapping[str, JsonValue]) -> Iterator[InputFile]:
    for name, value in inputs.items():
        if isinstance(value, dict) and value.keys() == File.model_fields.keys():
            text = scalar(value["text"])
            yield InputFile(
                input=one_line(name), name=one_line(scalar(value["name"])),
                sha256=one_line(scalar(value["sha256"])), size_bytes=len(text.encode()),
                text=cut(text, LONGEST_TEXT),
            )  # fmt: skip


def _end(view: RunView, record: list[Recorded], began: datetime) -> _End:
    ended = next((entry for entry in record if entry.kind == EntryKind.RUN_ENDED), None)
    if ended is None:
        at = view.summary.ended_at or (record[-1].at if record else began)
        return _End(view.summary.state, at, cut(view.summary.reason), "", (), ())
    return _End(
        state=State(str(ended.data.get("state"))), at=ended.at, reason=text_of(ended, "reason"),
        hint=text_of(ended, "hint"), kept=_names(ended.data.get("kept")),
        stuck=_names(ended.data.get("stuck")),
    )  # fmt: skip


def _way_back(record: list[Recorded], end: _End) -> WayBackReport | None:
    began = next((e for e in record if e.kind == EntryKind.WAY_BACK_STARTED), None)
    if began is None:
        return None
    ended = next((e for e in record if e.kind == EntryKind.WAY_BACK_ENDED), None)
    return WayBackReport(
        reason=text_of(began, "reason"), began_at=began.at, ended_at=ended.at if ended else None,
        writes=_names(began.data.get("writes")), kept=end.kept, stuck=end.stuck,
    )  # fmt: skip


def _names(value: JsonValue) -> tuple[str, ...]:
    return tuple(one_line(scalar(item)) for item in value) if isinstance(value, list) else ()


def _counts(sections: tuple[Section, ...], past: dict[str, History]) -> Counts:
    forward = [
        task
        for section in sections
        if section.place in (Place.GATE, Place.STEP)
        for task in section.tasks
        if task.kind != "runbook" and (not task.depth or task.state is not TaskState.NOT_REACHED)
    ]
    every = [task for section in sections for task in section.tasks]
    return Counts(
        tasks=len(forward),
        done=_count(forward, {TaskState.DONE}),
        skipped=_count(forward, {TaskState.SKIPPED}),
        failed=_count(forward, {TaskState.FAILED}),
        open=_count(forward, OPEN),
        not_reached=_count(forward, {TaskState.NOT_REACHED}),
        taken_back=sum(task.back is Back.TAKEN_BACK for task in every),
        retries=sum(history.retries for history in past.values()),
        approvals=sum(c.what == "given" for history in past.values() for c in history.consents),
    )


def _count(tasks: list[TaskReport], states: set[TaskState]) -> int:
    return sum(task.state in states for task in tasks)


def _covered(spans: list[Span], *kinds: SpanKind) -> float:
    """Return the seconds in which at least one span of these kinds was open."""
    total, until = 0.0, None
    for span in sorted((s for s in spans if s.kind in kinds), key=lambda s: s.began_at):
        since = span.began_at if until is None else max(span.began_at, until)
        total += max(0.0, (span.ended_at - since).total_seconds())
        until = span.ended_at if until is None else max(until, span.ended_at)
    return round(total, 6)


def _rows(record: list[Recorded], began: datetime) -> tuple[Row, ...]:
    return tuple(
        Row(
            index=entry.index, at=entry.at, after_seconds=(entry.at - began).total_seconds(),
            kind=one_line(entry.kind), task=one_line(entry.task), by=one_line(person_of(entry)),
            says=says(entry),
        )
        for entry in record[:MOST_ROWS]
    )  # fmt: skip


def _seal(record: list[Recorded], head: TreeHead | None) -> Seal:
    if not record:
        return Seal(first_index=-1, last_index=-1, entries=0)
    seal = Seal(first_index=record[0].index, last_index=record[-1].index, entries=len(record))
    if head is None:
        return seal
    signed = {
        "size": head.size, "root": head.root, "log": head.log, "key": head.key,
        "signature": head.signature, "signed_at": head.at,
    }  # fmt: skip
    return seal.model_copy(update=signed)
