"""A file given to a run: its text travels in the plan, so that what was reviewed is what runs."""

import hashlib
from pathlib import Path

from drillbook.core.errors import NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.core.quantities import show_size

LARGEST_BYTES = 16 * 2**20


class File(Frozen):
    """A text file as it was when the plan was made; `sha256` is of its bytes."""

    name: str
    sha256: str
    text: str

    @property
    def says(self) -> str:
        """The file in one phrase for plans and pages."""
        return f"{self.name} ({show_size(len(self.text.encode()))}, sha256 {self.sha256[:12]})"


def read_file(path: Path) -> File:
    """Read a text file for a plan; refuse what is missing, binary or over 16 MiB."""
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"there is no file {path}", hint="Check the path.") from error
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror}") from error
    if len(data) > LARGEST_BYTES:
        raise Refused(
            f"{path} has {show_size(len(data))}, more than {show_size(LARGEST_BYTES)}",
            hint="Split it into smaller files.",
        )
    return File(name=path.name, sha256=hashlib.sha256(data).hexdigest(), text=_text(path, data))


def _text(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(
            f"{path} is not UTF-8 text (byte {error.start})", hint="Save it as UTF-8."
        ) from error
    if "\0" in text:
        raise Refused(f"{path} is a binary file", hint="A text file is expected here.")
    return text
