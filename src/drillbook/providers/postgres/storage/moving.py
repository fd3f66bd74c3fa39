"""Bytes on their way to a store and back: counted, compared, and never longer than allowed."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from drillbook.core.effect import deadline
from drillbook.core.errors import Failed, Unavailable
from drillbook.core.quantities import show_size
from drillbook.ports.backups import StoredFile
from drillbook.providers.postgres.storage.blobs import Blob
from drillbook.providers.postgres.storage.files import CHUNK_BYTES
from drillbook.providers.postgres.storage.store import OnBytes, Rubbish

NO_TIME_SECONDS = 0.1


@dataclass(slots=True)
class Moving:
    """How many bytes of how many have moved."""

    in_all: int
    on_bytes: OnBytes | None
    moved: int = 0

    def add(self, size: int) -> None:
        """Count and tell them; stop when the task's time is over."""
        self.moved += size
        if self.on_bytes is not None:
            self.on_bytes(self.moved, self.in_all)
        if deadline.get().left(at_most=1.0) <= NO_TIME_SECONDS:
            raise Unavailable(
                f"no time was left after {show_size(self.moved)} of {show_size(self.in_all)}",
                hint="Raise the task's timeout.",
            )

    def read(self, path: Path, expected: StoredFile) -> Iterator[bytes]:
        """Yield a file that is moved away; what is not what the manifest says is not kept."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
                self.add(len(chunk))
                yield chunk
        if digest.hexdigest() != expected.sha256:
            raise Failed(
                f"{path.name} changed on this machine before it was moved",
                hint="Look at the disk, and take the backup again.",
            )


def fetched(
    data: Iterable[bytes], path: Path, expected: StoredFile, moving: Moving
) -> Iterator[str]:
    """Write a file as it comes; yield what is wrong with it."""
    digest, size = hashlib.sha256(), 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with path.open("xb") as file:
            for chunk in data:
                digest.update(chunk)
                size += len(chunk)
                file.write(chunk)
                moving.add(len(chunk))
    except OSError as error:
        raise Failed(
            f"{path.parent} cannot be written: {error.strerror}",
            hint=f"The backup is fetched there: it needs {show_size(moving.in_all)}.",
        ) from error
    yield from _unlike(path.name, size, digest.hexdigest(), expected)


def wrong_contents(data: Iterable[bytes], file: str, expected: StoredFile) -> Iterator[str]:
    """Read a file and yield what is wrong with it."""
    digest, size = hashlib.sha256(), 0
    for chunk in data:
        digest.update(chunk)
        size += len(chunk)
    yield from _unlike(file, size, digest.hexdigest(), expected)


def told(name: str, blobs: tuple[Blob, ...]) -> Rubbish:
    """Return what is rubbish, in words and numbers."""
    return Rubbish(
        name=name,
        files=len(blobs),
        size_bytes=sum(blob.size_bytes for blob in blobs),
        newest=max(blob.at for blob in blobs),
    )


def left_in(folder: Path) -> Iterator[Rubbish]:
    """Yield what an attempt left in a folder of this machine; nothing when it is gone by now."""
    with suppress(FileNotFoundError):  # its attempt may end while we look
        found = [path.stat() for path in folder.rglob("*") if path.is_file()]
        newest = max([one.st_mtime for one in found], default=folder.stat().st_mtime)
        yield Rubbish(
            name=folder.name,
            files=len(found),
            size_bytes=sum(one.st_size for one in found),
            newest=datetime.fromtimestamp(newest, UTC),
        )


def _unlike(file: str, size: int, sha256: str, expected: StoredFile) -> Iterator[str]:
    if size != expected.size_bytes:
        yield f"{file} has {size} bytes, not {expected.size_bytes}"
    elif sha256 != expected.sha256:
        yield f"{file} has other contents of the same size"
