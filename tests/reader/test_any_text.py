"""What holds for any text at all."""

import re
from random import Random

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from drillbook.compiler.document import Book, LineKind, Task
from drillbook.compiler.reader import apply_edits, explicit_edits, read_book, unaccounted
from drillbook.compiler.reader.scan import MOST_BLOCKS, MOST_HEADINGS
from drillbook.compiler.source import front_matter_end, lines_of, opaque_parts
from drillbook.compiler.strip import strip
from reader.texts import STEP_WORDS, plain_texts, texts

calm = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
_COUNTED = (LineKind.STEP, LineKind.TASK)
_NO_EMPHASIS = str.maketrans("", "", "*_~`")
_STRUCTURE = (LineKind.TITLE, LineKind.HEADING, LineKind.MARKUP, LineKind.OPTION)
_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()]*\)")  # a word and a link in it are shown as one word
_COUNTING = re.compile("|".join([*STEP_WORDS, "단계", "步", "ステップ"]), re.IGNORECASE)


@calm
@given(texts)
def test_no_line_of_any_text_is_lost_unlisted(text: str) -> None:
    book = read_book(text, name="any.md")

    assert unaccounted(text, book) == []


@settings(calm, max_examples=400)
@given(texts)
@example("- [x] Symptoms:\n- ```AA\n  go\n")
@example("1. Go\n\n# Contacts\n\n- ```AA\n  call us\n  ```\n")
@example("* *\n> ```\n<b>bold\n")
@example("# Symptoms\nStep 3: go\n# Contacts\nname: x\nmore words\n")
def test_the_words_of_every_line_read_stand_in_the_book(text: str) -> None:
    book = read_book(text, name="any.md")

    words = _words(_all_text(book))
    source = lines_of(text)
    for line in book.lines:
        if line.kind in _STRUCTURE or line.line <= front_matter_end(source):
            continue
        asked = _words(source[line.line - 1]) & _words(_LINK.sub(r"\1", source[line.line - 1]))
        missing = {word for word in asked - words if len(word) > 1}
        if line.kind in _COUNTED:
            missing = {word for word in missing if not _COUNTING.search(word)}
        assert not missing, source[line.line - 1]


@calm
@given(plain_texts)
def test_a_text_without_directives_is_stripped_to_itself(text: str) -> None:
    assert strip(text) == text


@calm
@given(texts)
def test_a_book_without_steps_says_so(text: str) -> None:
    book = read_book(text, name="any.md")

    has_steps = any(runbook.procedures for runbook in book.runbooks)
    assert has_steps or (not book.runbooks and book.remark)


@calm
@given(texts)
def test_explicit_edits_keep_the_reading(text: str) -> None:
    book = read_book(text, name="any.md")

    edited = apply_edits(text, explicit_edits(text, book))

    assert unaccounted(edited, read_book(edited, name="any.md")) == []


@pytest.mark.parametrize(
    ("line", "count"), [("- Restart it\n", MOST_BLOCKS + 1), ("# Restart\n\n", MOST_HEADINGS + 1)]
)
def test_more_than_anyone_can_carry_out_is_listed_and_said(line: str, count: int) -> None:
    text = line * count

    book = read_book(text, name="any.md")

    assert not book.runbooks
    assert "15,000 headings, or 50,000" in book.remark
    assert unaccounted(text, book) == []


def test_the_most_headings_are_still_read() -> None:
    text = "# Restart\n\n1. Restart it\n\n" * (MOST_HEADINGS // 2)

    assert len(read_book(text, name="any.md").runbooks[0].procedures) == MOST_HEADINGS // 2


_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+(?=[^\s`~<#|])")
_DIRECTIVES = [
    "@migration.apply on=production file=${migration} as applied",
    "@checks.health",
    '@when errors.rate("5m") > 0.05 for 2m',
    "@choose",
    '@runbook name="Database Migration" procedure="Rollback"',
]
_OPTIONS = [
    "needs: 1 approval from dba, valid 30m",
    "expect: `a.b == 0`",
    "timeout: 10m",
    "undo: none",
]


@calm
@given(plain_texts, st.randoms(use_true_random=False))
def test_stripping_inserted_directives_gives_the_text_back(text: str, random: Random) -> None:
    bound = _bound(text, random)

    assert strip(bound) == text


def _bound(text: str, random: Random) -> str:
    """Bind some of the bullets that are read as tasks or steps."""
    book = read_book(text, name="any.md")
    kinds = {line.line: line.kind for line in book.lines}
    bindable = (LineKind.TASK, LineKind.STEP, LineKind.SYMPTOM, LineKind.PREREQUISITE)
    fences = opaque_parts(lines_of(text)).fences.values()
    fenced = {at + 1 for fence in fences for at in range(fence.line, fence.end)}
    kept: list[str] = []
    for at, line in enumerate(re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text), 1):
        body = line.rstrip("\r\n")
        end = line[len(body) :]
        item = _ITEM.match(body)
        plain = kinds.get(at) not in bindable or not item or not end or at in fenced
        if plain or random.random() < 0.3:
            kept.append(line)
            continue
        kept.append(f"{body} `{random.choice(_DIRECTIVES)}`{end}")
        indent = re.match(r"[ \t]*", body)[0] + "    "
        kept += [f"{indent}- {random.choice(_OPTIONS)}{end}" for _ in range(random.randrange(3))]
    return "".join(kept)


def _words(text: str) -> set[str]:
    shown = text.translate(_NO_EMPHASIS)
    return set("".join(sign if sign.isalpha() else " " for sign in shown).split())


def _all_text(book: Book) -> str:
    found = [book.title, book.description]
    for contact in book.contacts:
        found += [contact.role, contact.value]
    for runbook in book.runbooks:
        found += [runbook.title, runbook.description, *runbook.metadata, *runbook.metadata.values()]
        found += [
            w for row in runbook.inputs for w in (row.name, row.type, row.default, row.meaning)
        ]
        found += [w for a in runbook.attachments for w in (a.language, a.text)]
        found += _task_texts((*runbook.prerequisites, *runbook.symptoms))
        for procedure in runbook.procedures:
            found += [procedure.title, procedure.description]
            found += [w for a in procedure.attachments for w in (a.language, a.text)]
            for step in procedure.steps:
                found += [step.title, step.description]
                found += [w for a in step.attachments for w in (a.language, a.text)]
                found += _task_texts(step.tasks)
    return "\n".join(found)


def _task_texts(tasks: tuple[Task, ...]) -> list[str]:
    found: list[str] = []
    for task in tasks:
        found += [task.text, task.description, task.directive.text if task.directive else ""]
        found += [w for option in task.options for w in (option.key, option.value)]
        found += [w for a in task.attachments for w in (a.language, a.text)]
        found += _task_texts(task.children)
    return found
