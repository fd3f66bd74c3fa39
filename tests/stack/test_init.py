from pathlib import Path

import pytest

from drillbook.compiler.reader import read_book
from drillbook.core.errors import Refused
from drillbook.core.model import Risk
from drillbook.core.policy import Consent
from drillbook.stack.books import find_books
from drillbook.stack.init import write_stack
from drillbook.stack.stack import load_stack


def test_what_init_writes_can_be_used_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DRILLBOOK_STACK", raising=False)
    written = write_stack(tmp_path).written

    assert [str(path.relative_to(tmp_path)) for path in written] == [
        "stack.toml",
        "runbooks/restart-the-app.md",
        ".drillbook/.gitignore",
    ]
    stack = load_stack(tmp_path / "stack.toml")
    assert stack.facts().needs("production", Risk.WRITE).consent is Consent.CONFIRM
    found = find_books(folder=tmp_path).find("restart the app")
    assert [len(step.tasks) for step in found.runbook.procedures[0].steps] == [2, 2, 2]


def test_every_commented_line_of_the_template_is_a_setting_that_is_understood(
    tmp_path: Path,
) -> None:
    write_stack(tmp_path)
    path = tmp_path / "stack.toml"
    lines = path.read_text().splitlines()
    shown = [
        line[2:] if line.startswith("# ") and ("=" in line or line.startswith("# [")) else line
        for line in lines
    ]
    path.write_text("\n".join(line for line in shown if "@command" not in line))

    stack = load_stack(path)

    assert stack.file.commands["restart"].idempotent
    assert stack.file.environments["production"].app is not None
    assert stack.file.roles == {"dba": ("ana@example.com", "li@example.com")}


def test_init_never_touches_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text("mine")

    done = write_stack(tmp_path)
    again = write_stack(tmp_path)

    assert done.kept == (tmp_path / "stack.toml",)
    assert again.written == ()
    assert (tmp_path / "stack.toml").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(Refused, match="cannot be written: Not a directory"):
        write_stack(tmp_path / "file")


def test_the_sample_book_reads_without_doubt(tmp_path: Path) -> None:
    write_stack(tmp_path)
    text = (tmp_path / "runbooks" / "restart-the-app.md").read_text()

    book = read_book(text, name="sample")

    assert [runbook.title for runbook in book.runbooks] == ["Restart the App"]
