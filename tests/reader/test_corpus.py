"""The reader reads the corpus as the person who wrote the expectations reads it.

An expectation is an outline: `=` runbook, `:` input, `?` prerequisite, `!` symptom,
`#` procedure, `1.` step with its tasks below, `@` contact, `~` number of lines skipped.
"""

from collections import Counter
from pathlib import Path

import pytest

from drillbook.compiler.document import Role
from drillbook.compiler.reader import (
    apply_edits,
    decode,
    explicit_edits,
    read_book,
    unaccounted,
)
from drillbook.compiler.strip import strip
from reader.reading import outline_of, read_file, steps_in
from reader.texts import corpus_files

SEED = Path(__file__).parents[3] / "shared" / "seed" / "RUNBOOKS.md"
FILES = corpus_files()


def expected(path: Path) -> list[str]:
    return path.with_suffix(".expected.txt").read_text(encoding="utf-8").rstrip("\n").split("\n")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_is_read_as_a_person_reads_it(path: Path) -> None:
    book = read_file(path)

    assert outline_of(book) == expected(path)
    assert unaccounted(decode(path.read_bytes(), name=path.name), book) == []


def test_the_corpus_has_enough_forms_and_languages() -> None:
    languages = {path.stem.partition("-")[0] for path in FILES} - {"none"}

    assert len(FILES) >= 44
    assert languages >= {"en", "de", "fr", "es", "pt", "ru", "zh", "ja", "ko"}


def test_steps_are_found_and_few_are_false(capsys: pytest.CaptureFixture[str]) -> None:
    wanted = found = false = 0

    for path in FILES:
        right, read = (Counter(steps_in(o)) for o in (expected(path), outline_of(read_file(path))))
        hits = (right & read).total()
        wanted, found, false = wanted + right.total(), found + hits, false + read.total() - hits

    with capsys.disabled():
        print(f"\n{len(FILES)} files: {found} of {wanted} steps found, {false} false")
    assert found >= 0.9 * wanted
    assert false <= 0.05 * wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_explicit_edits_change_neither_steps_nor_tasks(path: Path) -> None:
    text = decode(path.read_bytes(), name=path.name)
    book = read_book(text, name=path.name)

    edited = apply_edits(text, explicit_edits(text, book))

    again = read_book(edited, name=path.name)
    assert steps_in(outline_of(again)) == steps_in(outline_of(book))
    assert explicit_edits(edited, again) == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_without_directives_is_stripped_to_itself(path: Path) -> None:
    text = decode(path.read_bytes(), name=path.name)

    assert (strip(text) == text) == (path.stem != "en-bound")


@pytest.mark.skipif(not SEED.exists(), reason="the seed is not on this machine")
def test_the_seed_is_counted_exactly() -> None:
    book = read_file(SEED)

    runbooks = book.runbooks
    procedures = [p for runbook in runbooks for p in runbook.procedures]
    steps = [step for procedure in procedures for step in procedure.steps]
    assert (len(runbooks), len(procedures), len(steps)) == (8, 9, 36)
    assert sum(len(step.tasks) for step in steps) == 105
    assert sum(len(runbook.prerequisites) for runbook in runbooks) == 6
    # The issue says 18; the file has five lists of three.
    assert sum(len(runbook.symptoms) for runbook in runbooks) == 15
    assert book.contacts[0].value == "[Configure in monitoring system]"
    assert len(book.contacts) == 4
    assert [step.title for step in steps if step.role is Role.ROLLBACK] == [
        "Rollback (if needed)",
        "Rollback (if needed)",
    ]
    assert [step.title for step in steps if step.role is Role.POST_MORTEM] == ["Post-Mortem"]
    assert [a.language for a in runbooks[0].attachments] == ["sql"]
    assert not book.skipped
    assert strip(SEED.read_text(encoding="utf-8")) == SEED.read_text(encoding="utf-8")
