"""The journal as steps use it: what cannot be recorded now is waited for, never left out."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from drillbook.core.effect import Evidence
from drillbook.core.errors import DrillbookError, Refused
from drillbook.core.secret import scrub
from drillbook.engine.journal import Entry, Journal, Recorded

T = TypeVar("T")
PATIENCE_SECONDS = 1.0
EXIT_UNRECORDED = 71


@dataclass
class Keeping:
    """
    A journal that a step never fails for.

    A step that raised would end its run for good. So while the journal cannot be used (a full
    disk, a server that restarts, a file that was damaged) the step stands still and tries again,
    and says so in the worker's log. A worker told to stop meanwhile ends; the step is repeated.
    """

    journal: Journal
    stop: Event
    _said: str = ""

    def append(self, *entries: Entry) -> None:
        """Record entries, however long it takes; of one too large, that it was left out."""
        try:
            self._patiently(lambda: self.journal.append(*entries))
        except Refused:
            for entry in entries:
                self._append_what_fits(entry)

    def _append_what_fits(self, entry: Entry) -> None:
        try:
            self._patiently(lambda: self.journal.append(entry))
        except Refused as error:
            less = entry.model_copy(update={"data": {"left_out": str(error)}})
            self._patiently(lambda: self.journal.append(less), may_refuse=False)

    def entries(self, *, run: str, task: str) -> list[Recorded]:
        """Return a task's record."""
        return self._patiently(lambda: list(self.journal.entries(run=run, task=task)))

    def put_evidence(self, data: bytes | Path, *, name: str, media_type: str) -> Evidence:
        """Keep a file; what goes wrong is the task's failure, and can be tried again."""
        return self.journal.put_evidence(data, name=name, media_type=media_type)

    def _patiently(self, do: Callable[[], T], *, may_refuse: bool = True) -> T:
        while True:
            try:
                done = do()
            except DrillbookError as error:
                if may_refuse and isinstance(error, Refused):
                    raise
                self._say(error)
                if self.stop.wait(PATIENCE_SECONDS):
                    os._exit(EXIT_UNRECORDED)
            else:
                self._said = ""
                return done

    def _say(self, error: DrillbookError) -> None:
        says = scrub(f"error: runs stand still: {error} {error.hint}".strip())
        if says != self._said:
            self._said = says
            sys.stderr.write(f"{says}\n")
            sys.stderr.flush()
