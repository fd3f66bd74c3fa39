"""
One million lines of an access log with an incident in them: clusters, onset, top sources.

As on a real site 20,000 people come, who read 3,000 pages and files with 300 browsers.
"""

import random
import resource
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.bench_logs_making import fill
from drillbook.analysis.loggroups import Grouper
from drillbook.analysis.loggroups.access import read_access
from drillbook.analysis.onset import find_onset

LINES = 1_000_000
BEGIN = datetime(2026, 11, 24, 2, tzinfo=UTC)
SPAN = timedelta(hours=2)
ONSET_SHARE = 0.7
_BLOCK_BYTES = 1 << 19
_ODD = (
    "-",
    "\\x16\\x03\\x01\\x02",
    "HELP",
    "GET /",
    "PROPFIND / HTTP/1.1",
    "SSTP_DUPLEX_POST /sra_{BA195980} HTTP/1.1",
)
_COUNTING = (
    "{n++; s[$1]++; c[$9]++} END {for (i in c) print i, c[i]; "
    "for (i in s) if (s[i] > m) m = s[i]; print n, m}"
)


@dataclass(frozen=True, slots=True)
class Told:
    """What one pass told, and how many seconds of a core each part took; `wall` is the clock's."""

    lines: int
    clusters: int
    onset_error_seconds: float
    top_source: str
    seconds: dict[str, float]
    wall_seconds: float
    awk_seconds: float


def write_log(target: Path, count: int = LINES) -> datetime:
    """Write the log, and return when its incident began: the payments began to fail."""
    onset = BEGIN + SPAN * ONSET_SHARE
    with target.open("w", encoding="utf-8") as file:
        file.writelines(_lines(count, onset))
    return onset


def _lines(count: int, onset: datetime) -> Iterator[str]:
    draw = random.Random(5)
    people = [fill("{ip}", draw, 0) for _ in range(20_000)]
    agents = [fill("{agent}", draw, 0) for _ in range(300)]
    pages = [fill("https://{host}{urlpath}", draw, 0) for _ in range(400)] + ["-"] * 400
    paths = [fill("{urlpath}", draw, 0) for _ in range(3_000)]
    for number in range(count):
        at = BEGIN + SPAN * (number / count)
        who = "203.0.113.9" if draw.random() < 0.04 else draw.choice(people)
        path = "/api/payments" if draw.random() < 0.1 else draw.choice(paths)
        broken = path == "/api/payments" and at >= onset and draw.random() < 0.4
        if draw.random() < 0.002:
            odd = draw.choice(_ODD)
            yield f'{who} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{odd}" 400 166 "-" "-"\n'
            continue
        status = 502 if broken else draw.choice((200,) * 90 + (304,) * 5 + (404,) * 4 + (500,))
        method = "POST" if path == "/api/payments" else "GET"
        yield (
            f'{who} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{method} {path} HTTP/1.1" {status} '
            f'{draw.randrange(90_000)} "{draw.choice(pages)}" "{draw.choice(agents)}"\n'
        )


def told(target: Path, onset: datetime) -> Told:
    """Read the log to clusters, onset and top sources, and count it with awk."""
    watch = _Watch()
    grouper, sources = Grouper(), Counter[str]()
    at: list[float] = []
    failed: list[bool] = []
    for lines in _blocks(target):
        watch.lap("read")
        grouper.add(lines)
        watch.lap("clusters")
        access = read_access(lines)
        at += access.at
        failed += access.failed
        watch.lap("requests")
        sources.update(access.source)
        watch.lap("sources")
    groups = grouper.groups()
    watch.lap("clusters")
    found = find_onset(at, failed, at[-1])
    watch.lap("onset")
    top, _ = sources.most_common(10)[0]
    return Told(
        lines=grouper.taken,
        clusters=len(groups.groups),
        onset_error_seconds=abs(found.at - onset.timestamp()) if found else float("inf"),
        top_source=top,
        seconds=watch.seconds,
        wall_seconds=watch.wall,
        awk_seconds=_counted_by_awk(target),
    )


def _blocks(target: Path) -> Iterator[list[str]]:
    """Give the lines of the file, some thousands at a time: they stay in the cache."""
    with target.open("rb") as file:
        rest = b""
        while block := file.read(_BLOCK_BYTES):
            whole, _, rest = (rest + block).rpartition(b"\n")
            if whole:
                yield whole.decode("utf-8", "replace").split("\n")
        if rest:
            yield [rest.decode("utf-8", "replace")]


class _Watch:
    """Seconds of this process by part, and of the clock in all."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._begin, self._last = time.perf_counter(), time.process_time()

    def lap(self, part: str) -> None:
        now = time.process_time()
        self.seconds[part] = self.seconds.get(part, 0.0) + now - self._last
        self._last = now

    @property
    def wall(self) -> float:
        return time.perf_counter() - self._begin


def _counted_by_awk(target: Path) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(["awk", _COUNTING, str(target)], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
