"""A runbook run by another is part of the plan: its values, its book, its limits."""

import pytest

from compiler.small_catalog import CATALOG, STACK, read, said, steps, task
from drillbook.compiler import BookRejected, compile_plan
from drillbook.compiler.document import Book
from drillbook.compiler.reader import read_book
from drillbook.core.errors import DrillbookError
from drillbook.core.plan import Kind, Plan

INPUTS = "### Inputs\n| Input | Type | Default | Meaning |\n|---|---|---|---|\n"
LIBRARY = f"""## Runbook: Apply

{INPUTS}| migration | file | | |
| down | file | none | |

### Steps
1. **Do**
   - Go `@migration.apply on=staging file=${{migration}} down=${{down}}`
2. **Rollback**
   - Back `@backup.restore on=staging backup=x`
"""
BROKEN = "## Runbook: Broken\n\n### Steps\n1. **Do**\n   - A `@app.helth on=staging`\n"


def library(title: str) -> Book | None:
    """Return the shipped book that holds a runbook."""
    books = {"Apply": LIBRARY, "Broken": BROKEN}
    return read_book(books[title], name="library.md") if title in books else None


def plan_with_library(book: str, **inputs: str) -> Plan:
    return compile_plan(
        read_book(book, name="book.md"),
        "one",
        text=book,
        stack=STACK,
        catalog=lambda: CATALOG,
        files=read,
        inputs=inputs,
        library=library,
    )


def test_a_runbook_of_the_library_is_called_with_files_of_its_own() -> None:
    found = plan_with_library(steps('- Go `@runbook name="Apply" migration=m.sql down=down.sql`'))

    call = task(found, "1.1")
    assert call.kind is Kind.RUNBOOK
    assert call.part is not None
    assert call.arguments["migration"].literal == read("m.sql").model_dump()
    inner = task(found, "1.1/1.1")
    assert inner.way_back is not None
    assert inner.way_back.says == "runs down.sql"
    assert list(found.environments) == ["staging"]


def test_an_input_passed_on_is_known_to_the_runbook_called() -> None:
    book = steps(
        '- Go `@runbook name="Apply" migration=${sql}`', before=f"{INPUTS}| sql | file | | |\n"
    )

    found = plan_with_library(book, sql="m.sql")

    assert task(found, "1.1").arguments["migration"].paths == ("sql",)
    inner = task(found, "1.1/1.1")
    assert inner.way_back is not None
    assert inner.way_back.says == "there is no down script"


def test_the_way_back_of_a_runbook_can_be_called_without_inputs_it_does_not_use() -> None:
    found = plan_with_library(steps('- Back `@runbook name="Apply" procedure="Rollback"`'))

    assert [each.id for each in found.part.all_tasks()] == ["1.1", "1.1/1.1"]
    assert task(found, "1.1").risk == "destroy"


def test_errors_of_a_library_book_are_told_where_it_is_called() -> None:
    with pytest.raises(BookRejected) as caught:
        plan_with_library(steps('- Go `@runbook name="Broken"`'))

    assert [each.code for each in caught.value.diagnostics] == ["DB608"]
    assert "library.md has 1 error, first: there is no action app.helth" in str(caught.value)


def test_a_literal_file_is_read_into_the_plan() -> None:
    found = plan_with_library(steps("- Go `@migration.check file=m.sql`"))

    assert task(found, "1.1").arguments["file"].literal == read("m.sql").model_dump()
    with pytest.raises(BookRejected, match="there is no file n"):
        plan_with_library(steps("- Go `@migration.check file=n.sql`"))


def chain(length: int) -> str:
    """Return runbooks of which each runs the next."""
    return "\n".join(
        f'## Runbook: R{n}\n\n### Steps\n1. **Do**\n   - Go `@runbook name="R{n + 1}"`\n'
        for n in range(length)
    )


def test_a_long_chain_of_runbooks_is_refused_and_crashes_nothing() -> None:
    book = chain(1500) + "\n## Runbook: R1500\n\n### Steps\n1. **Do**\n   - A `@app.status`\n"

    assert said(book) == []
    with pytest.raises(BookRejected, match="more than 12 deep"):
        compile_plan(
            read_book(book, name="book.md"),
            "R0",
            text=book,
            stack=STACK,
            catalog=lambda: CATALOG,
            files=read,
        )


@pytest.mark.parametrize("bullet", ["- a", "- a `@choose`", "- a `@app.status`"])
def test_deeply_nested_bullets_crash_nothing(bullet: str) -> None:
    lines = "\n".join("  " * depth + bullet for depth in range(400))
    book = f"## Runbook: One\n\n### Steps\n\n1. **Do**\n{lines}\n"

    told = [each[0] for each in said(book)]
    refused = ""
    try:
        plan_with_library(book)
    except DrillbookError as error:
        refused = str(error)

    assert bool(refused) is bool(told)
    assert set(told) <= {"DB607", "DB606"}
