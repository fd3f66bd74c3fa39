"""Named pieces of bytes in one place, and a folder as such a place."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from drillbook.core.errors import Failed, NotFound, Refused
from drillbook.core.model import Frozen
from drillbook.providers.postgres.storage.files import CHUNK_BYTES, sync

PART = ".part-"


class Blob(Frozen):
    """One piece: its name with slashes, its size, when it was written."""

    name: str
    size_bytes: int
    at: datetime


class Blobs(Protocol):
    """A place for pieces: a bucket, or a folder."""

    @property
    def where(self) -> str:
        """The place, for sentences."""
        ...

    def tops(self) -> tuple[str, ...]:
        """Return the first parts of all names that have a second."""
        ...

    def list(self, prefix: str) -> tuple[Blob, ...]:
        """Return all pieces whose names start with `prefix/`."""
        ...

    def put(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:
        """Write a piece as a whole: nobody ever sees the beginning of it."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Write a piece unless there is one of that name; return whether it was written."""
        ...

    def read(self, name: str) -> bytes | None:
        """Return a small piece, or None when there is none of that name."""
        ...

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield a piece from its beginning; NotFound when there is none of that name."""
        ...

    def remove(self, names: Iterable[str]) -> None:
        """Remove pieces; one that is gone already is no error."""
        ...


class FolderBlobs:
    """Pieces as files of a folder, written durably."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def where(self) -> str:
        """The folder."""
        return str(self.path)

    def tops(self) -> tuple[str, ...]:
        """Return the folders in it."""
        return tuple(sorted(one.name for one in self.path.glob("*/")))

    def list(self, prefix: str) -> tuple[Blob, ...]:
        """Return all files below a folder."""
        return tuple(self._below(self.path / prefix))

    def put(self, name: str, data: Iterable[bytes], size_bytes: int) -> None:  # noqa: ARG002 - a file grows
        """Write a file under another name, and give it its own when it is whole."""
        part = self._written(name, data)
        try:
            part.replace(self.path / name)
            sync((self.path / name).parent)
        except OSError as error:
            raise self._unwritable(error) from error
        finally:
            part.unlink(missing_ok=True)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless there is one of that name."""
        part = self._written(name, (data,))
        try:
            (self.path / name).hardlink_to(part)
        except FileExistsError:
            return False
        finally:
            part.unlink()
        sync((self.path / name).parent)
        return True

    def read(self, name: str) -> bytes | None:
        """Return a file's contents, or None."""
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unreadable(self.path / name, error) from error

    def stream(self, name: str) -> Iterator[bytes]:
        """Yield a file from its beginning."""
        try:
            with (self.path / name).open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    yield chunk
        except FileNotFoundError as error:
            raise NotFound(f"there is no {name} in {self.path}", hint="Look there.") from error
        except OSError as error:
            raise _unreadable(self.path / name, error) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove files, and the folders that are empty then."""
        for name in names:
            path = self.path / name
            path.unlink(missing_ok=True)
            with suppress(OSError):
                for parent in path.relative_to(self.path).parents[:-1]:
                    (self.path / parent).rmdir()

    def _written(self, name: str, data: Iterable[bytes]) -> Path:
        part = self.path / Path(name).parent / f"{PART}{os.urandom(6).hex()}"
        try:
            part.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with part.open("xb") as file:
                for piece in data:
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            part.unlink(missing_ok=True)
            raise self._unwritable(error) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return part

    def _unwritable(self, error: OSError) -> Failed:
        return Failed(
            f"{self.path} cannot be written: {error.strerror}",
            hint="Free space there, or name another folder for backups.",
        )

    def _below(self, folder: Path) -> Iterator[Blob]:
        for parent, _, files in os.walk(folder):
            for file in sorted(files):
                path = Path(parent) / file
                with suppress(FileNotFoundError):
                    found = path.stat()
                    at = datetime.fromtimestamp(found.st_mtime, UTC)
                    name = str(path.relative_to(self.path))
                    yield Blob(name=name, size_bytes=found.st_size, at=at)


def _unreadable(path: Path, error: OSError) -> Refused:
    return Refused(
        f"{path} cannot be read: {error.strerror}",
        hint="Give the worker the right to read there, or look at the disk.",
    )
