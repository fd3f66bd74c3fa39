"""Where stack.toml lies: named by `DRILLBOOK_STACK`, or the nearest one upward."""

import os
from pathlib import Path

from drillbook.core.errors import SettingsInvalid

STACK_VARIABLE = "DRILLBOOK_STACK"
STACK_NAME = "stack.toml"


def nearest_stack_file(folder: Path) -> Path | None:
    """Return the stack file that holds for a folder, or None when there is none."""
    named = os.environ.get(STACK_VARIABLE, "")
    if named:
        return named_stack_file(Path.cwd() / Path(named).expanduser(), STACK_VARIABLE)
    for above in (folder.resolve(), *folder.resolve().parents):
        if (above / STACK_NAME).is_file():
            return above / STACK_NAME
    return None


def named_stack_file(path: Path, named_by: str) -> Path:
    """Return a stack file somebody named, which therefore must be there."""
    if path.is_dir():
        path = path / STACK_NAME
    if not path.is_file():
        raise SettingsInvalid(
            f"{named_by} names {path}, and there is no such file",
            hint=f"Correct {named_by}, or write a stack.toml with: drillbook init",
        )
    return path.resolve()
