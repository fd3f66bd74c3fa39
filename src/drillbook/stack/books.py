"""Where runbooks lie, and which one a word on the command line means."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from drillbook.compiler.document import Book, Runbook
from drillbook.compiler.reader import decode, read_book
from drillbook.compiler.select import nearest_title, slug
from drillbook.core.errors import BookInvalid, DrillbookError, NotFound, Refused, SettingsInvalid
from drillbook.stack.finding import nearest_stack_file

FOLDER = "runbooks"
SINGLE_FILES = ("RUNBOOKS.md", "runbooks.md")
LARGEST_BYTES = 16 * 2**20


@dataclass(frozen=True)
class BookFile:
    """One file of runbooks as it was read; `shipped` tells the library's from the team's own."""

    name: str
    data: bytes = field(repr=False)
    path: Path | None = None

    @property
    def shipped(self) -> bool:
        """Whether the file comes with Drillbook."""
        return self.path is None

    @cached_property
    def text(self) -> str:
        """The file's text, its BOM and line ends kept."""
        return decode(self.data, name=self.name)

    @cached_property
    def book(self) -> Book:
        """The file as level 0 reads it."""
        return read_book(self.text, name=self.name)


@dataclass(frozen=True, slots=True)
class Found:
    """A runbook and the file it stands in."""

    file: BookFile
    runbook: Runbook


@dataclass(frozen=True, slots=True)
class Books:
    """All files somebody may mean here; `problems` are those that could not be read."""

    own: tuple[BookFile, ...] = ()
    shipped: tuple[BookFile, ...] = ()
    problems: tuple[str, ...] = ()

    def runbooks(self) -> Iterator[Found]:
        """Yield every runbook, the team's own first; a library's of the same title is hidden."""
        titles: set[str] = set()
        for found in _runbooks(self.own):
            titles.add(slug(found.runbook.title))
            yield found
        for found in _runbooks(self.shipped):
            if slug(found.runbook.title) not in titles:
                yield found

    def find(self, wanted: str) -> Found:
        """Return the runbook with this title, slug or unique beginning of it."""
        everything = tuple(self.runbooks())
        word = slug(wanted)
        if not word:
            raise NotFound("no runbook is named", hint=_titles(everything))
        exact = [one for one in everything if one.runbook.title == wanted]
        same = exact or [one for one in everything if slug(one.runbook.title) == word]
        if same:
            return _only(same, wanted)
        begun = [one for one in everything if slug(one.runbook.title).startswith(word)]
        if len({slug(one.runbook.title) for one in begun}) > 1:
            raise NotFound(
                f"{len(begun)} runbooks begin with {wanted!r}",
                hint=f"Write more of its title. {_titles(begun)}",
            )
        if begun:
            return _only(begun, wanted)
        raise self._nothing(wanted, everything)

    def library(self, title: str) -> Book | None:
        """Return the book that holds a runbook another one calls, a shipped one too, or None."""
        for found in (*self.runbooks(), *_runbooks(library())):
            if slug(found.runbook.title) == slug(title):
                return found.file.book
        return None

    def _nothing(self, wanted: str, everything: tuple[Found, ...]) -> NotFound:
        nearest = nearest_title(wanted, [one.runbook.title for one in everything])
        unread = f" Not read: {'; '.join(self.problems)}." if self.problems else ""
        return NotFound(f"there is no runbook {wanted!r}", hint=f"{nearest}{unread}".strip())


def find_books(book: Path | None = None, *, folder: Path | None = None) -> Books:
    """
    Read the book somebody named, else all that lie beside the stack file, and the library.

    Beside it means `runbooks/*.md`, `RUNBOOKS.md` or `runbooks.md`; without a stack file the
    current folder counts.
    """
    if book is not None:
        return Books(own=(read_book_file(book),))
    folder = Path.cwd() if folder is None else folder
    stack_file = nearest_stack_file(folder)
    own, problems = [], []
    for path in _book_paths(stack_file.parent if stack_file else folder):
        try:
            file = read_book_file(path)
            _ = file.text
        except DrillbookError as error:
            problems.append(str(error))
        else:
            own.append(file)
    return Books(tuple(own), library(), tuple(problems))


def read_book_file(path: Path) -> BookFile:
    """Read one file; NotFound, Refused or, when its text is asked for, BookInvalid."""
    if path.is_dir():
        raise Refused(f"{path} is a folder", hint="Name a Markdown file in it.")
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", hint="Check the path.") from error
    except OSError as error:
        raise Refused(
            f"{path} cannot be read: {error.strerror}", hint="Check the file's permissions."
        ) from error
    if len(data) > LARGEST_BYTES:
        raise BookInvalid(
            f"{path} has more than {LARGEST_BYTES // 2**20} MiB", hint="Is this a runbook?"
        )
    return BookFile(str(path), data, path)


def library() -> tuple[BookFile, ...]:
    """Return the shipped runbooks."""
    folder = files("drillbook") / "library"
    shipped = sorted((each for each in folder.iterdir()), key=lambda each: each.name)
    return tuple(
        BookFile(each.name, each.read_bytes()) for each in shipped if each.name.endswith(".md")
    )


def _book_paths(folder: Path) -> list[Path]:
    paths = sorted((folder / FOLDER).glob("*.md"))
    for name in SINGLE_FILES:
        path = folder / name
        # On a file system that ignores case both names are one file.
        if path.is_file() and not any(path.samefile(known) for known in paths):
            paths.append(path)
    return paths


def _runbooks(files: Iterable[BookFile]) -> Iterator[Found]:
    for file in files:
        for runbook in file.book.runbooks:
            yield Found(file, runbook)


def _only(found: list[Found], wanted: str) -> Found:
    places = {(one.file.name, one.runbook.span.line) for one in found}
    if len(places) > 1:
        listed = ", ".join(f"{name}:{line}" for name, line in sorted(places))
        raise SettingsInvalid(
            f"{len(places)} runbooks are named {wanted!r}: {listed}",
            hint="Say which file: --book FILE, or give each a title of its own.",
        )
    return found[0]


def _titles(found: Iterable[Found]) -> str:
    titles = ", ".join(one.runbook.title for one in found)
    return f"There are {titles}." if titles else "There is no runbook here."
