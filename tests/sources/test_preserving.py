"""errors.preserve: the lines are in the record before their source forgets them."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

from drillbook.actions import errors
from drillbook.core.effect import Effect, Evidence, deadline
from drillbook.core.quantities import parse_duration
from drillbook.core.waiting import bounded
from drillbook.ports.logs import LogLine, LogSpan
from drillbook.providers.logfile import FileLogs
from drillbook.stack.log_sources.merged import MergedLogs
from drillbook.stack.log_sources.source import Local


class Record:
    """Keeps evidence as the engine does: by what it is."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def keep(self, name: str, data: bytes, media_type: str) -> Evidence:
        self.files[name] = data
        return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)


def test_what_was_written_lately_is_kept_scrubbed_and_what_is_missing_is_said(
    tmp_path: Path,
) -> None:
    now = datetime.now(UTC)
    lines = [
        {"ts": (now - timedelta(minutes=50)).timestamp(), "status": 200, "path": "/old"},
        {"ts": (now - timedelta(minutes=9)).timestamp(), "status": 500, "path": "/pay"},
        {"ts": (now - timedelta(minutes=8)).timestamp(), "level": "error", "msg": "no"},
    ]
    lines[1] |= {"msg": "postgres://app:canary@db/x", "stack": "TOKEN=canary-token"}
    lines[2] |= {"status": 401, "path": "/in?password=canary-word", "user": "sk_live_canary51HxQ8z"}
    (tmp_path / "app.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    app = Local("app", "file", FileLogs(tmp_path / "app.log"))
    gone = Local("jobs", "file", FileLogs(tmp_path / "jobs.log"))
    record = Record()
    effect = replace(Effect(key="k"), keep=record.keep)

    found = errors.preserve.do(MergedLogs((app, gone)), effect, lasting=parse_duration("10m"))

    text = gzip.decompress(record.files["lines.jsonl.gz"]).decode()
    assert (found.known, found.lines, found.requests, found.cut) == (True, 2, 2, False)
    paths = [json.loads(line).get("path") for line in text.splitlines()]
    assert paths[0] == "/pay"
    assert str(paths[1]).startswith("/in")
    assert "canary" not in text
    assert "jobs.log cannot be read" in found.says
    assert found.evidence is not None
    assert found.evidence.size_bytes == len(record.files["lines.jsonl.gz"])


def test_no_source_that_can_be_read_is_unknown_and_stops_nobody(tmp_path: Path) -> None:
    gone = MergedLogs((Local("app", "file", FileLogs(tmp_path / "app.log")),))

    found = errors.preserve.do(gone, Effect(key="k"))

    assert not found.known
    assert found.evidence is None
    assert "nothing was kept: the log" in found.says


def test_the_lines_are_waited_for_as_long_as_the_task_may_take() -> None:
    class Paged:
        """A platform's log that comes page by page, and so for long."""

        left = 0.0
        may = Event()

        def between(self, start: datetime, end: datetime) -> LogSpan:  # noqa: ARG002 - the port's
            self.left = deadline.get().left(at_most=10_000.0)
            self.may.wait(20)
            return LogSpan((LogLine(end, status=200, path="/a"),))

        def newest(self) -> datetime | None:
            return None

    paged, record = Paged(), Record()
    effect = replace(Effect(key="k"), keep=record.keep)
    with bounded(timedelta(seconds=0.3)):
        short = errors.preserve.do(paged, effect)
    paged.may.set()
    with bounded(timedelta(minutes=30)):
        found = errors.preserve.do(paged, effect, lasting=parse_duration("24h"))

    assert not short.known
    assert "it was not read within 0." in short.says
    assert (found.known, found.lines) == (True, 1)
    assert paged.left > 800.0
