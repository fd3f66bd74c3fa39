"""Files that only their owner may read, written whole or not at all."""

from pathlib import Path


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600; a reader sees the old text or the new one."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
