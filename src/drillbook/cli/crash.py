"""What nobody foresaw: one sentence for the terminal, the details in a file, without secrets."""

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from drillbook.core.errors import DrillbookError
from drillbook.core.secret import register, scrub


class UnexpectedError(DrillbookError):
    """An error nobody foresaw."""


def written(error: Exception) -> UnexpectedError:
    """Write the details down and return the sentence that names the file."""
    at = datetime.now(UTC)
    store = os.environ.get("DRILLBOOK_STORE", "")
    if store:
        register(store, name="DRILLBOOK_STORE")
    trace = "".join(traceback.format_exception(error))
    text = scrub(
        f"drillbook {version('drillbook')}, Python {sys.version}\n{at.isoformat()}\n"
        f"{' '.join(sys.argv[:2])}\n\n{trace}"
    )
    name = f"crash-{at:%Y%m%dT%H%M%S}-{os.getpid()}.txt"
    path = next(filter(None, (_put(folder, name, text) for folder in _folders())), None)
    says = scrub(f"{type(error).__name__}: {error}").partition("\n")[0][:300]
    where = f", written to {path}" if path else ", and no folder takes the details"
    return UnexpectedError(
        f"unexpected error: {says}{where}",
        hint="This is a defect of Drillbook; please report it with that file.",
    )


def _folders() -> list[Path]:
    folders = []
    try:
        from drillbook.stack.settings import load_settings

        folders.append(load_settings().home / "logs")
    except DrillbookError:
        pass  # the settings are what is wrong: the file goes to the temporary folder
    return [*folders, Path(tempfile.gettempdir())]


def _put(folder: Path, name: str, text: str) -> Path | None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / name
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError:
        return None
    return path
