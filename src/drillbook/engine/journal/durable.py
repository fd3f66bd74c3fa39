"""Files that are there whole or not at all, also when the power fails; mode 0600."""

import os
import secrets
from pathlib import Path


def put(path: Path, content: bytes) -> None:
    """Write a file, in the place of one that may be there."""
    new = temporary(path)
    try:
        _write(new, content)
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
    _sync(path.parent)


def put_new(path: Path, content: bytes) -> bool:
    """Write a file unless one is there; tell whether it is ours."""
    new = temporary(path)
    try:
        _write(new, content)
        return link_new(new, path)
    finally:
        new.unlink(missing_ok=True)


def link_new(new: Path, path: Path) -> bool:
    """Put a finished file into place unless one is there; tell whether it is ours."""
    try:
        os.link(new, path)
    except FileExistsError:
        return False
    _sync(path.parent)
    return True


def temporary(path: Path) -> Path:
    """Name a new file beside a path."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
