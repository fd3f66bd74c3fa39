"""check, strip, show and import, by the real command."""

import json
from pathlib import Path

import pytest

from cli.place import Place
from drillbook.compiler.reader import read_book, unaccounted

BOOK = """\
# Operations

## Runbook: Restart

### Prerequisites
- Pager is quiet

### Steps
1. **Look**
   - See the light
   - Polish it (if needed)
2. **Rollback (if needed)**
   - Put it back

## Emergency Contacts

- **On-Call**: [somebody]
"""
BOUND = """\
## Runbook: Bound

### Steps
1. **Look**
   - Enter `@database.acces on=production as entered`
     - expect: `entered.writable`
"""
LOOSE = """\
# Redis is down

Text.

**Response**:
1. Look at it
   - check memory
2. Restart it

## Notes
Nothing to see
"""


@pytest.fixture(autouse=True)
def _inside(place: Place) -> None:
    place.inside = True  # the same code without a process: 0.3 s less for each command


def test_check_counts_what_a_file_holds_and_names_findings(place: Place) -> None:
    place.write("RUNBOOKS.md", BOOK)

    ended = place.run("check", "RUNBOOKS.md")

    assert ended.returncode == 0
    finding, counts = ended.stdout.splitlines()
    assert finding.startswith("RUNBOOKS.md:17:1: DB001 finding: the contact On-Call is still")
    assert " — Write whom to reach" in finding
    assert counts == (
        "RUNBOOKS.md: 1 runbook, 1 procedure, 2 steps, 3 tasks, 1 prerequisite, 0 symptoms, "
        "1 contact, 1 finding"
    )


def test_check_ends_with_1_and_says_place_code_and_nearest(place: Place) -> None:
    place.write("bound.md", BOUND)

    ended = place.run("check", "bound.md")

    assert ended.returncode == 1
    assert ended.stdout.startswith("bound.md:5:13: DB201 there is no action database.acces — ")
    assert "Did you mean database.access?" in ended.stdout


def test_check_prints_json_of_many_files_and_folders(place: Place) -> None:
    place.write("books/a.md", BOOK)
    place.write("books/inner/b.md", BOUND)

    told = place.json("check", "books", code=1)

    assert [file["file"] for file in told["files"]] == ["books/a.md", "books/inner/b.md"]
    assert told["files"][0]["counts"]["tasks"] == 3
    assert told["files"][1]["diagnostics"][0]["code"] == "DB201"
    assert told["files"][1]["diagnostics"][0]["severity"] == "error"


def test_check_reads_standard_input(place: Place) -> None:
    assert "<stdin>: 1 runbook" in place.run("check", "-", typed=BOOK.encode()).stdout


@pytest.mark.parametrize(
    "data",
    [
        b"## Runbook: A\r\n\r\n### Steps\r\n1. **One**\r\n\t- tab `@other`\r\n",
        b"\xef\xbb\xbf# A\n- [ ] box\n\n| a | b |\n|---|---|\n<b>html</b>",
        "# Ä\n１．全角\n".encode(),  # noqa: RUF001 - as people write it
        b"\n\n",
        b"",
    ],
)
def test_strip_of_a_file_without_directives_is_the_file(place: Place, data: bytes) -> None:
    place.write("plain.md", data)

    ended = place.run("strip", "plain.md", "--output", "out.md")

    assert ended.returncode == 0, ended.stderr
    assert (place.folder / "out.md").read_bytes() == data


def test_strip_takes_out_directives_and_their_sub_bullets(place: Place) -> None:
    place.write("bound.md", BOUND)

    assert place.run("strip", "bound.md").stdout == BOUND.replace(
        " `@database.acces on=production as entered`\n     - expect: `entered.writable`", ""
    )


def test_show_prints_one_runbook_by_its_slug(place: Place) -> None:
    place.write("RUNBOOKS.md", BOOK)

    shown = place.run("show", "RUNBOOKS.md", "restart").stdout

    assert "2. Rollback (if needed)  (the way back)" in shown
    assert "- Polish it (if needed)  (if needed)" in shown
    assert place.json("show", "RUNBOOKS.md")["runbooks"][0]["title"] == "Restart"


def test_import_shows_every_line_as_something_or_as_skipped_with_a_reason(place: Place) -> None:
    place.write("loose.md", LOOSE)

    shown = place.run("import", "loose.md").stdout
    told = place.json("import", "loose.md")

    for number, line in enumerate(LOOSE.splitlines(), start=1):
        if line:
            found = next(s for s in shown.splitlines() if s.lstrip().startswith(f"{number} "))
            assert found.endswith(line)
    assert "why: " in shown
    known = {line["line"] for line in told["lines"]}
    for skipped in told["skipped"]:
        known |= set(range(skipped["span"]["line"], skipped["span"]["end_line"] + 1))
    assert known >= {n for n, line in enumerate(LOOSE.splitlines(), start=1) if line}


def test_import_write_makes_the_reading_explicit_and_leaves_the_rest(place: Place) -> None:
    path = place.write("loose.md", LOOSE.replace("\n", "\r\n"))
    before = read_book(LOOSE, name="loose.md")

    told = place.json("import", "loose.md", "--write")

    text = path.read_bytes().decode()
    after = read_book(text, name="loose.md")
    assert told["written"] is True
    assert text.startswith("# Runbook: Redis is down\r\n")
    assert after.runbooks[0].confidence > before.runbooks[0].confidence
    assert [s.title for s in after.runbooks[0].procedures[0].steps] == ["Look at it", "Restart it"]
    assert unaccounted(text, after) == []
    assert place.json("import", "loose.md")["edits"] == []


def test_a_file_that_holds_no_steps_says_so(place: Place) -> None:
    place.write("prose.md", "# Why we rest\n\nBecause.\n")

    assert "no steps were found" in place.run("import", "prose.md").stdout
    assert "no steps were found" in place.run("check", "prose.md").stdout


def test_text_of_a_file_cannot_steer_the_terminal(place: Place) -> None:
    place.write("evil.md", "## Runbook: A\x1b]0;owned\x07\n\n### Steps\n1. **\x1b[31mOne**\n")

    shown = place.run("show", "evil.md").stdout + place.run("import", "evil.md").stdout

    assert "\x1b" not in shown
    assert "\x07" not in shown


def test_actions_are_listed_and_explained(place: Place) -> None:
    listed = place.run("actions").stdout
    page = place.run("actions", "migration.apply").stdout
    told = place.json("actions", "migration.apply")

    assert "database.access" in listed
    assert "lock_timeout" in page
    assert "duration" in page
    assert told["risk"] == "write"
    assert {value["name"] for value in told["values"]} >= {"file", "lock_timeout"}
    assert all(row["name"].startswith("database.") for row in place.json("actions", "database"))


def test_init_writes_a_book_and_a_stack_that_check_accepts(place: Place) -> None:
    assert place.run("init", "ops").returncode == 0

    ended = place.run("check", "ops/runbooks")

    assert ended.returncode == 0, ended.stdout
    again = place.run("init", "ops").stdout
    assert "kept" in again
    assert "wrote" not in again


def test_doctor_proves_settings_and_prints_json(place: Place) -> None:
    found = place.json("doctor")

    assert {finding["name"] for finding in found} >= {"home", "store", "stack"}
    assert all(finding["ok"] for finding in found)


def test_json_of_the_plan_is_the_plan_that_was_hashed(place: Place) -> None:
    from drillbook.core.plan import Plan

    place.write("RUNBOOKS.md", BOOK)

    told = place.json("plan", "restart")
    shown = place.run("plan", "restart").stdout

    assert Plan.model_validate(told["plan"]).hash == told["hash"]
    assert f"plan {told['hash']}" in shown
    assert "(way back: only after a failure or `undo`, if needed)" in shown
    assert not (Path(place.home) / "store.db").exists()
    assert json.dumps(told["plan"]["part"]["gate"]).count("Pager is quiet") == 1
