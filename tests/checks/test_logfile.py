from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.ports.logs import LogLine
from drillbook.providers.logfile import FileLogs
from drillbook.providers.logfile.lines import read_line

AT = datetime(2026, 11, 24, 6, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '{"time": "2026-11-24T06:00:00Z", "status": 500, "path": "/a?b=1", "msg": "x"}',
            LogLine(AT, 500, "", "/a", "x"),
        ),
        ('{"ts": 1795500000, "level": "ERROR", "message": "x"}', LogLine(AT, 0, "error", "", "x")),
        (
            '{"timestampInMs": 1795500000000, "responseStatusCode": 200, "requestPath": "/"}',
            LogLine(AT, 200, "", "/", ""),
        ),
        (
            '127.0.0.1 - - [24/Nov/2026:07:00:00 +0100] "GET /a?x HTTP/1.1" 502 12 "-" "curl"',
            LogLine(AT, 502, "", "/a", "", "GET", address="127.0.0.1"),
        ),
        ("2026-11-24T06:00:00Z ERROR it broke", LogLine(AT, 0, "error", "", "it broke")),
        ("2026-11-24 06:00:00+00:00 [warning] slow", LogLine(AT, 0, "warning", "", "slow")),
        ('{"time": "2026-11-24T06:00:00Z", "status": true}', LogLine(AT)),
        (
            (
                '{"ts": 1795500000, "status": 200, "method": "post", "milliseconds": 1.25e-05, '
                '"release": "1.4", "commit": "abc1234"}'
            ),
            LogLine(AT, 200, method="POST", milliseconds=1.25e-5, release="1.4", commit="abc1234"),
        ),
        (
            '{"ts": 1795500000, "duration": "0.25s", "version": 7, "deployment": "dpl_1"}',
            LogLine(AT, milliseconds=250.0, release="7", commit="dpl_1", deployment="dpl_1"),
        ),
        ('{"ts": 1795500000, "request_time": 0.031}', LogLine(AT, milliseconds=31.0)),
        ('{"ts": 1795500000, "duration_ms": true, "latency": -1, "release": {}}', LogLine(AT)),
        ('{"ts": 1795500000, "milliseconds": 1e300}', LogLine(AT)),
        ('{"ts": 1795500000, "milliseconds": 99999999999}', LogLine(AT)),
        ('{"status": 500}', None),
        ('{"time": 1e400, "status": 500}', None),
        ("Traceback (most recent call last):", None),
        ("", None),
    ],
)
def test_a_line_is_understood_or_said_not_to_be(text: str, line: LogLine | None) -> None:
    found = read_line(text)

    assert (found and replace(found, raw="")) == line


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=80) | st.text(alphabet='{}[]":,0123456789eE.- timestaulv', max_size=60))
def test_no_text_breaks_the_reader(text: str) -> None:
    line = read_line(text)
    assert line is None or line.at.tzinfo is not None


def log_of(folder: Path, count: int) -> Path:
    path = folder / "app.log"
    with path.open("w") as file:
        for number in range(count):
            at = AT + timedelta(seconds=number)
            file.write(f'{{"time": "{at.isoformat()}", "status": 200, "path": "/{number}"}}\n')
            if number % 10 == 0:
                file.write("  File x, line 3\n")
    return path


def test_only_the_lines_of_the_span_are_read_from_a_long_log(tmp_path: Path) -> None:
    logs = FileLogs(log_of(tmp_path, 20_000))

    span = logs.between(AT + timedelta(seconds=19_000), AT + timedelta(seconds=19_010))

    assert [line.path for line in span.lines] == [f"/{n}" for n in range(19_000, 19_010)]
    assert not span.cut
    assert span.not_understood < 110
    assert logs.newest() == AT + timedelta(seconds=19_999)


def test_a_log_without_a_last_newline_and_an_empty_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("2026-11-24T06:00:00Z INFO a\n2026-11-24T06:00:01Z INFO b")
    empty = tmp_path / "empty.log"
    empty.touch()

    assert len(FileLogs(path).between(AT, AT + timedelta(minutes=1)).lines) == 2
    assert FileLogs(empty).between(AT, AT + timedelta(minutes=1)).lines == ()
    assert FileLogs(empty).newest() is None


def test_a_file_of_one_endless_line_is_read_in_bounded_time(tmp_path: Path) -> None:
    path = tmp_path / "disk.img"
    path.write_bytes(b"\0" * 8_000_000)

    assert FileLogs(path).between(AT, AT + timedelta(minutes=1)).lines == ()
