"""The two plain faces of a run: one line an event for logs, one object an event for programs."""

import json
import sys
from datetime import UTC, datetime, timedelta
from typing import Protocol

from typing_extensions import override

from drillbook.cli.live.clock import local
from drillbook.cli.live.words import is_quiet, line_of
from drillbook.cli.telling import paint
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.waiting import Waiting

Now = tuple[str, str, float | None]
LASTING = timedelta(seconds=1)


class Face(Protocol):
    """Shows a run while it goes on."""

    def show(self, entry: Recorded) -> None:
        """Show one event."""
        ...

    def tick(self, waits: tuple[Waiting, ...], now: Now | None) -> None:
        """Show what goes on at this moment: what is waited for, how far a long task is."""
        ...

    def pause(self) -> None:
        """Keep still, because a person is being asked."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class QuietFace:
    """Shows nothing: only the end is asked for."""

    def show(self, entry: Recorded) -> None:
        """Let the event go."""

    def tick(self, waits: tuple[Waiting, ...], now: Now | None) -> None:
        """Nothing moves here."""

    def pause(self) -> None:
        """Nothing moves here."""

    def close(self) -> None:
        """Nothing to put back."""


class JsonFace(QuietFace):
    """One JSON object a line."""

    @override
    def show(self, entry: Recorded) -> None:
        print(json.dumps({"event": entry.kind} | entry.model_dump(mode="json")), flush=True)


class PlainFace(QuietFace):
    """One line an event, steps announced once, everything in words."""

    def __init__(self, plan: Plan, *, every: bool = False) -> None:
        self._plan, self._every = plan, every
        self._titles = {
            task.id: f"{step.id}. {step.title}"
            for step in (*plan.part.steps, *plan.part.rollback, *plan.part.post_mortem)
            for task in step.tasks
        }
        self._titles |= {task.id: "Before step 1" for task in plan.part.gate}
        self._last = ""
        self._begun: dict[str, Recorded] = {}
        self._marks = _can_encode("✓✗▸↶●")

    @override
    def show(self, entry: Recorded) -> None:
        if entry.kind == EntryKind.TASK_STARTED and not self._every:
            self._begun[entry.task] = entry
            return
        self._begun.pop(entry.task, None)
        self._print(entry)

    @override
    def tick(self, waits: tuple[Waiting, ...], now: Now | None) -> None:
        for entry in list(self._begun.values()):  # only what lasts is worth a line of its own
            if datetime.now(UTC) - entry.at > LASTING:
                self._print(self._begun.pop(entry.task))

    def _print(self, entry: Recorded) -> None:
        for line in self.lines(entry):
            print(line, flush=True)

    def lines(self, entry: Recorded) -> list[str]:
        """Return the lines an entry is shown as: its step's title first, when it is a new one."""
        if is_quiet(entry) and not self._every:
            return []
        found = line_of(entry, self._plan)
        title = self._titles.get(entry.task, self._last)
        heading = [paint(f"          {title}", "bold")] if title != self._last else []
        self._last = title
        mark = f"{found.mark} " if self._marks else ""
        word = paint(f"{mark}{found.word:<10}", found.style)
        return [*heading, f"{paint(local(entry.at), 'dim')}  {word} {found.says}"]


def _can_encode(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True
