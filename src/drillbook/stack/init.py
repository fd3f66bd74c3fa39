"""A first stack.toml and a first book, for a team to write on."""

import os
from importlib.resources import files
from pathlib import Path

from drillbook.core.errors import Refused
from drillbook.core.model import Frozen
from drillbook.stack.finding import STACK_NAME

BOOK = Path("runbooks") / "restart-the-app.md"
IGNORED = Path(".drillbook") / ".gitignore"


class Written(Frozen):
    """What `init` wrote, and what was there already and stayed as it was."""

    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def write_stack(folder: Path) -> Written:
    """Write the first files of a stack; a file that is there is never touched."""
    templates = files(__package__) / "templates"
    wanted = {
        Path(STACK_NAME): (templates / "stack.toml").read_text(encoding="utf-8"),
        BOOK: (templates / "restart-the-app.md").read_text(encoding="utf-8"),
        IGNORED: "*\n",  # the home holds runs, keys and logs: nothing for a repository
    }
    written: list[Path] = []
    kept: list[Path] = []
    for path, text in wanted.items():
        target = folder / path
        (written if _write_new(target, text) else kept).append(target)
    return Written(written=tuple(written), kept=tuple(kept))


def _write_new(path: Path, text: str) -> bool:
    mode = 0o700 if path.parent.name == ".drillbook" else 0o777
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=mode)
        # O_EXCL also keeps a link that leads nowhere from being followed.
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        return False
    except OSError as error:
        raise Refused(
            f"{path} cannot be written: {error.strerror}", hint="Choose a folder you may write."
        ) from error
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return True
