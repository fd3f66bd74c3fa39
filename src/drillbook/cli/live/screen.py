"""The moving face: events scroll up, and below them stands what goes on at this moment."""

from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from drillbook.cli.live.clock import lasted, local
from drillbook.cli.live.faces import Now, PlainFace
from drillbook.cli.live.words import task_text
from drillbook.core.plan import Plan
from drillbook.core.record import EntryKind
from drillbook.engine.journal import Recorded
from drillbook.engine.waiting import Waiting

K = EntryKind
BEGINS = {K.TASK_STARTED, K.TASK_REMEMBERED, K.UNDO_STARTED, K.TASK_RETRY}
ENDS = {
    K.TASK_DONE, K.TASK_FAILED, K.TASK_UNKNOWN, K.TASK_SKIPPED, K.TASK_ANSWERED, K.UNDO_DONE,
    K.UNDO_FAILED,
}  # fmt: skip
BAR_COLUMNS = 24


class ScreenFace(PlainFace):
    """Lines as in a log, and a moving part below them."""

    def __init__(self, plan: Plan, run: str) -> None:
        super().__init__(plan)
        self._run = run
        self._console = Console(highlight=False)
        self._live: Live | None = None
        self._under_way: dict[str, datetime] = {}
        self._spinner = Spinner("dots")

    @override
    def show(self, entry: Recorded) -> None:
        if entry.kind in BEGINS:
            self._under_way.setdefault(entry.task, entry.at)
        elif entry.kind in ENDS:
            self._under_way.pop(entry.task, None)
        lines = self.lines(entry) if entry.kind != K.TASK_STARTED else []
        for line in lines:
            text = Text.from_ansi(line)
            self._console.print(text, soft_wrap=True)

    @override
    def tick(self, waits: tuple[Waiting, ...], now: Now | None) -> None:
        if self._live is None:
            self._live = Live(console=self._console, transient=True, refresh_per_second=8)
            self._live.start()
        self._live.update(self._moment(waits, now))

    @override
    def pause(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @override
    def close(self) -> None:
        self.pause()

    def _moment(self, waits: tuple[Waiting, ...], now: Now | None) -> RenderableType:
        rows: list[RenderableType] = []
        waited = {waiting.task for waiting in waits}
        for task, since in self._under_way.items():
            if task not in waited:
                rows.append(self._working(task, since, now))
        rows += [self._cut(f"  ? waits    {self._waits(each)}", "cyan") for each in waits]
        if not rows:
            rows.append(self._cut("  … goes on", "dim"))
        rows.append(self._cut("  Ctrl-C leaves; the run goes on", "dim"))
        return Group(*rows)

    def _cut(self, text: str, style: str) -> Text:
        return Text(text, style=style, no_wrap=True, overflow="ellipsis")

    def _working(self, task: str, since: datetime, now: Now | None) -> RenderableType:
        seconds = (datetime.now(UTC) - since).total_seconds()
        words = f"{task} {task_text(self._plan, task)}, {lasted(max(0.0, seconds))}"
        row = Table.grid(padding=(0, 1))
        cells: list[RenderableType] = [self._spinner, self._cut(f"works    {words}", "")]
        if now is not None and now[0] == task:
            _, says, fraction = now
            if fraction is not None:
                width = min(BAR_COLUMNS, max(8, self._console.width // 4))
                cells.append(ProgressBar(total=1.0, completed=fraction, width=width))
                cells.append(Text(f"{fraction:.0%}"))
            cells.append(self._cut(says, "dim"))
        row.add_row(*cells)
        return row

    def _waits(self, waiting: Waiting) -> str:
        text = f"{waiting.task} {task_text(self._plan, waiting.task)}"
        until = f", until {local(waiting.until)}" if waiting.until else ""
        if waiting.kind is not K.APPROVAL_ASKED:
            return f"{text}: for a person{until} (drillbook answer {self._run} {waiting.task} …)"
        given = f", given by {', '.join(waiting.given_by)}" if waiting.given_by else ""
        needs = f"{text}: {waiting.data.get('needs')}{given}{until}"
        return f"{needs} (a colleague types: drillbook approve {self._run} {waiting.task})"
