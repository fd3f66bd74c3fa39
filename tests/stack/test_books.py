from pathlib import Path

import pytest

from drillbook.core.errors import BookInvalid, NotFound, Refused, SettingsInvalid
from drillbook.stack.books import Books, find_books

OWN = "# Ours\n\n## Runbook: {}\n\n### Steps\n1. **One**\n   - do it\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("DRILLBOOK_STACK", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, *titles: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(OWN.format(title) for title in titles))


def test_without_files_of_ones_own_the_library_is_found(folder: Path) -> None:
    found = find_books().find("database-migration")

    assert found.runbook.title == "Database Migration"
    assert found.file.shipped
    assert len(list(find_books().runbooks())) == 8


@pytest.mark.parametrize(
    "wanted",
    ["Database Migration", "database migration", "DATABASE_MIGRATION", "database-m", "Database M"],
)
def test_a_runbook_is_found_by_title_slug_or_unique_beginning(folder: Path, wanted: str) -> None:
    assert find_books().find(wanted).runbook.title == "Database Migration"


def test_ones_own_runbook_wins_over_the_library(folder: Path) -> None:
    write(folder / "runbooks" / "data.md", "Database migration", "Restart")
    (folder / "stack.toml").touch()
    deep = folder / "src"
    deep.mkdir()

    books = find_books(folder=deep)
    found = books.find("database-migration")

    assert found.file.path == folder / "runbooks" / "data.md"
    assert len(list(books.runbooks())) == 9
    assert books.library("Security Incident") is not None


def test_a_single_file_beside_the_stack_is_read_too(folder: Path) -> None:
    write(folder / "RUNBOOKS.md", "Restart")

    assert not find_books().find("restart").file.shipped


def test_an_unclear_beginning_lists_what_it_may_mean(folder: Path) -> None:
    with pytest.raises(NotFound, match="2 runbooks begin with 'data'") as caught:
        find_books().find("data")

    assert "Database Migration, Database Performance Issues" in caught.value.hint


def test_a_misspelt_title_gets_the_nearest_one(folder: Path) -> None:
    with pytest.raises(NotFound, match="there is no runbook 'database-migratoin'") as caught:
        find_books().find("database-migratoin")

    assert caught.value.hint == "Did you mean Database Migration?"


def test_the_same_title_in_two_files_is_refused_with_both_places(folder: Path) -> None:
    write(folder / "runbooks" / "a.md", "Restart")
    write(folder / "runbooks" / "b.md", "Restart")

    with pytest.raises(SettingsInvalid, match=r"a\.md:3, .*b\.md:3") as caught:
        find_books().find("restart")

    assert "--book" in caught.value.hint


def test_a_named_book_is_the_only_one(folder: Path) -> None:
    write(folder / "other.md", "Restart")
    books = find_books(folder / "other.md")

    assert [found.runbook.title for found in books.runbooks()] == ["Restart"]
    with pytest.raises(NotFound, match="no runbook 'database-migration'"):
        books.find("database-migration")
    assert books.library("Database Migration") is not None  # it may call a shipped one


def test_a_named_book_that_cannot_be_read_says_why(folder: Path) -> None:
    (folder / "binary.md").write_bytes(b"\x00\x01")
    (folder / "empty.md").touch()

    with pytest.raises(NotFound, match=r"there is no file .*gone\.md"):
        find_books(folder / "gone.md")
    with pytest.raises(Refused, match="is a folder"):
        find_books(folder)
    for name in ("binary.md", "empty.md"):
        with pytest.raises(BookInvalid, match=name):
            find_books(folder / name).find("restart")


def test_one_unreadable_file_does_not_hide_the_others(folder: Path) -> None:
    write(folder / "runbooks" / "a.md", "Restart")
    (folder / "runbooks" / "b.md").write_bytes(b"\xff\x00")
    books = find_books()

    assert books.find("restart").runbook.title == "Restart"
    with pytest.raises(NotFound) as caught:
        books.find("xyz")
    assert "b.md" in caught.value.hint


def test_nothing_named_lists_what_there_is() -> None:
    with pytest.raises(NotFound, match="no runbook is named") as caught:
        Books().find(" ")

    assert caught.value.hint == "There is no runbook here."
