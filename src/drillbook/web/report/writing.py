"""Write the report of a run into a folder."""

import os
import secrets
from pathlib import Path

from drillbook.core.errors import Unavailable
from drillbook.core.secret import scrub
from drillbook.engine.runs import Runs
from drillbook.web.report.building import build
from drillbook.web.report.html import to_html
from drillbook.web.report.markdown import to_markdown


def write_report(runs: Runs, run: str, folder: Path) -> tuple[Path, Path]:
    """Write `RUN.md` and `RUN.html` into the folder, making it; return their paths."""
    view = runs.show(run)
    entries = list(runs.entries(run))
    report = build(view, entries, runs.journal.get_evidence, head=runs.journal.head())
    pages = (folder / f"{run}.md", folder / f"{run}.html")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path, text in zip(pages, (to_markdown(report), to_html(report)), strict=True):
            _write(path, scrub(text))
    except OSError as error:
        raise Unavailable(
            f"the report cannot be written into {folder}: {error.strerror}",
            hint="Choose a folder that is writable and has space.",
        ) from error
    return pages


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w",
                       encoding="utf-8") as file:  # fmt: skip
            file.write(text)
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
