"""The report as Markdown that renders the same anywhere."""

from collections.abc import Iterator

from drillbook.core.quantities import show_size
from drillbook.web.report.escaping import code, escaped, fenced, inline, table
from drillbook.web.report.markdown_tasks import task_lines, values_lines
from drillbook.web.report.report import Place, RunReport, Section
from drillbook.web.report.summary import checks, undo_seconds
from drillbook.web.report.wording import brief, clock, moment, plural, short, span_of_time

MARKS = {Place.ROLLBACK: " (way back)", Place.AFTERWARDS: " (afterwards)"}


def to_markdown(report: RunReport) -> str:
    """Return the report; whatever a value holds, it stays text."""
    parts = [
        *_top(report),
        *_timeline(report),
        "## Tasks", "",
        *(line for section in report.sections for line in _section(section)),
        *_decisions(report),
        *_way_back(report),
        *_evidence(report),
        *_record(report),
        *_check(report),
    ]  # fmt: skip
    return "\n".join(parts).rstrip() + "\n"


def _top(report: RunReport) -> Iterator[str]:
    head, counts = report.header, report.counts
    yield from (f"# Run {inline(head.run)}: {inline(head.title)}", "")
    yield from (f"**{inline(report.sentence)}**", "")
    if report.hint:
        yield from (escaped(report.hint), "")
    ended = moment(report.ended_at) if report.ended_at else "not yet"
    rows = [
        ("Run by", inline(head.by) + (" (unattended)" if head.unattended else "")),
        ("Began", moment(report.started_at)),
        ("Ended", ended),
        ("Took", span_of_time(report.seconds)),
        ("At work", span_of_time(report.work_seconds)),
        ("Waiting for people", span_of_time(report.wait_seconds)),
        ("Tasks done", f"{counts.done} of {counts.tasks}, {counts.skipped} skipped"),
        ("Failed, retries", f"{counts.failed}, {counts.retries}"),
        ("Book", f"{inline(head.book)} (sha256 {code(short(head.book_sha256))})"),
        ("Plan", code(head.plan_hash)),
        *((inline(facts.name), inline(facts.text)) for facts in head.environments),
    ]  # fmt: skip
    if head.undo_of:
        rows.insert(0, ("Takes back", f"run {inline(head.undo_of)}"))
    yield from (*table(("", "The run"), rows), "")
    yield from values_lines(head.inputs, "Inputs")
    for file in head.files:
        about = f"{inline(file.input)}, {show_size(file.size_bytes)}, sha256 {code(file.sha256)}"
        yield from (f"{escaped(file.name)} ({about}):", "", fenced(file.text), "")


def _timeline(report: RunReport) -> Iterator[str]:
    yield from ("## Timeline", "")
    rows = [
        (clock(span.began_at), span_of_time(span.seconds), inline(task.id),
         inline(brief(task.text, 90)),
         inline(span.kind.value) + (f": {inline(span.says)}" if span.bad else ""))
        for span, task in sorted(
            ((span, task) for task in report.tasks for span in task.spans),
            key=lambda pair: pair[0].began_at,
        )
    ]  # fmt: skip
    if not rows:
        yield from ("No task was begun.", "")
        return
    yield from (*table(("UTC", "Took", "Task", "What", "Spent on"), rows), "")


def _section(section: Section) -> Iterator[str]:
    yield from (f"### {inline(section.title)}{MARKS.get(section.place, '')}", "")
    if section.description:
        yield from (escaped(section.description), "")
    for task in section.tasks:
        yield from task_lines(task)


def _decisions(report: RunReport) -> Iterator[str]:
    if not report.decisions:
        return
    yield from ("## Decisions", "")
    rows = [
        (inline(one.task), inline(one.error), clock(one.asked_at),
         code(one.choice) if one.choice else "not yet",
         inline(one.by) or ("nobody" if one.choice else ""), inline(one.why), str(one.index))
        for one in report.decisions
    ]  # fmt: skip
    columns = ("Task", "About", "Asked", "Decided", "By", "Why", "Entry")
    yield from (*table(columns, rows), "")


def _way_back(report: RunReport) -> Iterator[str]:
    back = report.way_back
    if back is None:
        return
    took = ""
    if back.ended_at is not None:
        took = f" and took {span_of_time((back.ended_at - back.began_at).total_seconds())}"
    yield from ("## The way back", "")
    yield from (f"It began at {clock(back.began_at)}{took}: {inline(back.reason)}.", "")
    by_id = {task.id: task for task in report.tasks}
    rows = [
        (inline(task.id), inline(task.text), task.back.value if task.back else "under way",
         str(len(task.undo)), span_of_time(undo_seconds(task)) if task.undo else "",
         inline(task.undo[-1].error if task.undo else task.way_back))
        for task in (by_id[write] for write in back.writes if write in by_id)
    ]  # fmt: skip
    columns = ("Task", "What", "Became", "Attempts", "Took", "What it said")
    yield from (*(table(columns, rows) if rows else ("There was no write to take back.",)), "")
    for word, tasks in (("Kept", back.kept), ("Not taken back", back.stuck)):
        if tasks:
            yield from (f"{word}: {inline(', '.join(tasks))}.", "")


def _evidence(report: RunReport) -> Iterator[str]:
    if not report.evidence:
        return
    yield from ("## Evidence", "")
    rows = [
        (inline(file.name), inline(file.task), show_size(file.size_bytes), code(file.sha256),
         inline(file.media_type) + (f"; {inline(file.note)}" if file.note else ""),
         str(file.index))
        for file in report.evidence
    ]  # fmt: skip
    yield from (*table(("File", "Task", "Size", "SHA-256", "Type", "Entry"), rows), "")
    for file in report.evidence:
        if file.text is not None:
            yield from (f"{escaped(file.name)} (sha256 {code(short(file.sha256))}):", "")
            yield from (fenced(file.text), "")


def _record(report: RunReport) -> Iterator[str]:
    yield from ("## The record", "")
    rows = [
        (str(row.index), clock(row.at), inline(row.task), inline(row.kind), inline(row.by),
         inline(row.says))
        for row in report.rows
    ]  # fmt: skip
    yield from (*table(("Entry", "UTC", "Task", "Kind", "By", "What"), rows), "")
    if report.rows_left_out:
        yield from (f"{plural(report.rows_left_out, 'entry')} more stand in the journal.", "")


def _check(report: RunReport) -> Iterator[str]:
    seal = report.seal
    yield from ("## Check this report", "")
    yield (
        "The journal is a signed Merkle log. This run's "
        f"{plural(seal.entries, 'entry')} stand in it from {seal.first_index} to "
        f"{seal.last_index}."
    )
    yield from ("", fenced("\n".join(checks(report))), "")
    if seal.root and seal.signed_at:
        rows = [
            ("Signed head", f"{plural(seal.size, 'entry')}, {moment(seal.signed_at)}"),
            ("Root", code(seal.root)), ("Journal", code(seal.log)),
            ("Signing key", code(seal.key)), ("Signature", code(seal.signature)),
        ]  # fmt: skip
        if report.header.plan_evidence:
            rows.append(("Whole plan", f"evidence {code(report.header.plan_evidence)}"))
        yield from (*table(("", "The seal"), rows), "")
