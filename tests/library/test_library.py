from pathlib import Path

import pytest

from drillbook.compiler.document import Book, Role
from drillbook.compiler.reader import read_book
from drillbook.compiler.strip import strip
from drillbook.stack.books import BookFile, library

SEED = Path(__file__).parents[3] / "shared" / "seed" / "RUNBOOKS.md"

# title: prerequisites, symptoms, then for each procedure the tasks of each step by its title
STRUCTURE: dict[str, tuple[int, int, tuple[tuple[tuple[str, int], ...], ...]]] = {
    "Database Migration": (
        6,
        0,
        (
            (
                ("Backup Database", 3),
                ("Test Migration (Staging)", 4),
                ("Apply to Production", 7),
                ("Verify Application", 4),
                ("Rollback (if needed)", 2),
            ),
        ),
    ),
    "Application Deployment": (
        5,
        0,
        (
            (
                ("Pre-Deployment", 4),
                ("Deploy to Staging", 7),
                ("Deploy to Production", 6),
                ("Post-Deployment", 3),
                ("Rollback (if needed)", 6),
            ),
        ),
    ),
    "High Error Rate": (
        0,
        3,
        (
            (
                ("Identify Issue", 9),
                ("Quick Fixes", 10),
                ("Investigation", 3),
                ("Resolution", 4),
                ("Post-Mortem", 4),
            ),
        ),
    ),
    "Database Performance Issues": (
        0,
        3,
        (
            (
                ("Identify Slow Queries", 2),
                ("Optimize Queries", 3),
                ("Verify Indexes", 3),
                ("Monitor", 3),
            ),
        ),
    ),
    "Authentication Issues": (
        0,
        3,
        (
            (
                ("Check Supabase Auth", 3),
                ("Verify Configuration", 3),
                ("Test Authentication", 3),
                ("Resolution", 3),
            ),
        ),
    ),
    "Rate Limiting Issues": (
        0,
        3,
        ((("Check Rate Limits", 3), ("Adjust Limits", 3), ("Monitor", 3)),),
    ),
    "Security Incident": (
        0,
        3,
        (
            (
                ("Immediate Actions", 3),
                ("Assessment", 3),
                ("Containment", 3),
                ("Remediation", 3),
                ("Notification", 3),
            ),
        ),
    ),
    "Backup and Restore": (
        0,
        0,
        (
            (("Automatic Backups", 5), ("Manual Backup", 8)),
            (("Select Backup", 3), ("Restore", 3), ("Verify", 4)),
        ),
    ),
}

# Bound to their end: beside what was asked for they hold what a person does not see.
BOUND = {"Database Migration", "Application Deployment", "Backup and Restore", "High Error Rate"}

Shape = dict[str, tuple[int, int, tuple[tuple[tuple[str, int], ...], ...]]]


def shape(books: list[Book]) -> Shape:
    return {
        runbook.title: (
            len(runbook.prerequisites),
            len(runbook.symptoms),
            tuple(
                tuple((step.title, len(step.tasks)) for step in procedure.steps)
                for procedure in runbook.procedures
            ),
        )
        for book in books
        for runbook in book.runbooks
    }


def fuller(ours: Shape, seed: Shape) -> set[str]:
    """The titles that hold more tasks than asked for; none may lack a step or a task of those."""
    more = set()
    for title, (gate, symptoms, procedures) in seed.items():
        our_gate, our_symptoms, our_procedures = ours[title]
        assert our_gate >= gate
        assert our_symptoms == symptoms
        for asked, held in zip(procedures, our_procedures, strict=True):
            assert [name for name, _ in held] == [name for name, _ in asked]
            assert all(have >= want for (_, have), (_, want) in zip(held, asked, strict=True))
        if ours[title] != seed[title]:
            more.add(title)
    return more


def texts(books: list[Book]) -> set[str]:
    return {
        task.text.casefold()
        for book in books
        for runbook in book.runbooks
        for procedure in runbook.procedures
        for step in procedure.steps
        for task in step.tasks
    }


def test_the_library_has_the_titles_steps_and_tasks_it_was_asked_for() -> None:
    assert shape([file.book for file in library()]) == STRUCTURE


@pytest.mark.skipif(not SEED.exists(), reason="the document asked for is not on this machine")
def test_the_library_has_the_structure_of_the_document_asked_for_in_words_of_its_own() -> None:
    seed = [read_book(SEED.read_text(encoding="utf-8"), name="RUNBOOKS.md")]
    ours = [file.book for file in library()]

    assert fuller(shape(ours), shape(seed)) <= BOUND
    assert {title: rest for title, rest in shape(ours).items() if title not in BOUND} == {
        title: rest for title, rest in shape(seed).items() if title not in BOUND
    }
    assert optional(ours) == optional(seed)
    assert texts(ours) & texts(seed) == set()


def optional(books: list[Book]) -> dict[str, list[tuple[int, int]]]:
    return {
        runbook.title: [
            (step.number, at)
            for procedure in runbook.procedures
            for step in procedure.steps
            for at, task in enumerate(step.tasks)
            if task.optional
        ]
        for book in books
        for runbook in book.runbooks
    }


@pytest.mark.parametrize("file", library(), ids=lambda file: file.name)
def test_a_shipped_file_is_read_without_doubt_and_without_a_lost_line(file: BookFile) -> None:
    book = file.book

    assert book.skipped == ()
    assert [runbook.confidence for runbook in book.runbooks] == [1.0]
    assert "[" not in "".join(contact.value for contact in book.contacts)


@pytest.mark.parametrize("file", library(), ids=lambda file: file.name)
def test_without_its_directives_a_shipped_file_is_a_plain_runbook(file: BookFile) -> None:
    plain = strip(file.text)
    tasks = texts([read_book(plain, name=file.name)])

    assert "`@" not in plain
    assert "${" not in plain
    assert tasks == texts([file.book])
    assert all(text == text.strip() and not text.endswith(":") for text in tasks)


def test_what_leads_back_and_what_comes_after_stand_outside_the_forward_path() -> None:
    roles = {
        (runbook.title, step.title): step.role
        for file in library()
        for runbook in file.book.runbooks
        for procedure in runbook.procedures
        for step in procedure.steps
        if step.role is not Role.FORWARD
    }

    assert roles == {
        ("Database Migration", "Rollback (if needed)"): Role.ROLLBACK,
        ("Application Deployment", "Rollback (if needed)"): Role.ROLLBACK,
        ("High Error Rate", "Post-Mortem"): Role.POST_MORTEM,
    }


@pytest.mark.parametrize(
    ("name", "tasks", "inputs"),
    [
        ("database-migration", 26, ["migration", "down", "checks", "folder", "watching"]),
        (
            "application-deployment",
            31,
            ["change", "checks", "exercise", "within", "watching", "at_least", "bursts"],
        ),
        ("backup-and-restore", 23, ["label", "physical", "point", "checks"]),
    ],
)
def test_every_task_of_a_bound_runbook_is_bound(name: str, tasks: int, inputs: list[str]) -> None:
    found = next(file for file in library() if file.name == f"{name}.md")
    (runbook,) = found.book.runbooks
    held = [
        *runbook.prerequisites,
        *(t for p in runbook.procedures for s in p.steps for t in s.tasks),
    ]

    assert len(held) == tasks
    assert [task.text for task in held if task.directive is None] == []
    assert [row.name for row in runbook.inputs] == inputs
