"""Files of lines: many forms, entries of several lines, rotation, and reading on."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.core.errors import Unavailable
from drillbook.ports.logs import LogSpan
from drillbook.providers.logfile import FileLogs, following
from drillbook.providers.logfile.lines import read_line

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
DAY = timedelta(days=1)
TRACE = (
    "Traceback (most recent call last):\n"
    '  File "/app/booking/desk.py", line 12, in book\n'
    "    raise ValueError(day)\n"
    "ValueError: 2026-02-30"
)


def json_line(seconds: float, **values: object) -> str:
    at = (AT + timedelta(seconds=seconds)).isoformat()
    return json.dumps({"timestamp": at, "status": 200, "path": "/"} | values)


def whole(logs: FileLogs) -> LogSpan:
    return logs.between(AT - DAY, AT + DAY)


@pytest.mark.parametrize(
    ("text", "at", "level", "message"),
    [
        ("2026-11-24 06:00:00.123 UTC [77] ERROR:  no such table", AT, "error", "no such table"),
        ("2026-11-24T06:00:00,123Z INFO  [main] a.b.C - ready", AT, "info", "[main] a.b.C - ready"),
        ("2026/11/24 06:00:00 [error] 7#0: *1 upstream timed out", None, "error", "7#0: *1"),
        ("[Tue Nov 24 06:00:00.12 2026] [core:error] [pid 7] File gone", None, "error", "[core:"),
        ("E1124 06:00:00.123456    7 pod.go:12] it broke", None, "error", "pod.go:12] it broke"),
        ("Nov 24 06:00:00 host sshd[12]: Failed password for root", None, "", "host sshd"),
        ('time="2026-11-24T06:00:00Z" level=warning msg="slow" took=3s', AT, "warning", "slow"),
        ('{"time": 1795500000, "level": 50, "msg": "boom"}', AT, "error", "boom"),
        ('{"@timestamp": 1795500000, "log": {"level": "warn"}, "msg": "x"}', AT, "warn", "x"),
        ("1795500000.5 something happened", AT, "", "something happened"),
    ],
)  # fmt: skip
def test_lines_of_common_forms_are_understood(
    text: str, at: datetime | None, level: str, message: str
) -> None:
    line = read_line(text)

    assert line is not None
    assert line.level == level
    assert line.message.startswith(message) or message in line.message
    if at is not None:
        assert abs(line.at - at) < timedelta(seconds=1)


def test_who_where_and_what_broke_are_read_from_json() -> None:
    line = read_line(
        '{"ts": 1795500000, "status": 500, "requestPath": "/pay?card=1", "user_id": "u7", '
        '"ip": "203.0.113.7", "request_id": "fra1::9", "region": "fra1", "deploymentId": "dpl_1", '
        '"err": {"message": "boom", "stack": "Error: boom\\n  at pay (pay.js:3)"}}'
    )

    assert line is not None
    assert (line.user, line.address, line.request) == ("u7", "203.0.113.7", "fra1::9")
    assert (line.region, line.deployment, line.path) == ("fra1", "dpl_1", "/pay")
    assert line.message == "boom"
    assert line.stack.endswith("at pay (pay.js:3)")


def test_a_stack_below_a_line_belongs_to_it(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(
        f"2026-11-24T06:00:00Z ERROR booking failed\n{TRACE}\n2026-11-24T06:00:01Z INFO on\n"
    )

    span = whole(FileLogs(path))

    assert [line.message for line in span.lines] == ["booking failed", "on"]
    assert span.lines[0].stack.endswith("ValueError: 2026-02-30")
    assert span.not_understood == 0


def test_a_line_without_time_has_that_of_the_line_before_and_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text(f"{json_line(0)}\nSegmentation fault\n{json_line(9)}\n")

    span = whole(FileLogs(path))

    assert [line.raw for line in span.lines if not line.status] == ["Segmentation fault"]
    assert span.lines[1].at == AT
    assert span.not_understood == 1


def test_a_stack_that_is_written_later_is_added_to_its_line(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_text("2026-11-24T06:00:00Z ERROR booking failed\n")
    logs = FileLogs(path)
    assert whole(logs).lines[0].stack == ""

    with path.open("a") as file:
        file.write(f"{TRACE}\n")

    assert whole(logs).lines[0].stack.endswith("ValueError: 2026-02-30")
    assert len(whole(logs).lines) == 1


def test_rotated_and_packed_files_are_read_as_far_back_as_asked(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(f"{json_line(-60)}\n".encode()))
    (tmp_path / "app.log.1").write_text(f"{json_line(-30)}\n")
    (tmp_path / "app.logic").write_text(f"{json_line(-20)}\n")
    path.write_text(f"{json_line(0)}\n")

    logs = FileLogs(path)
    times = [(line.at - AT).total_seconds() for line in whole(logs).lines]
    path.rename(tmp_path / "app.log.3")
    path.write_text(f"{json_line(5)}\n")
    after = [(line.at - AT).total_seconds() for line in whole(logs).lines]

    assert times == [-60, -30, 0]
    assert after == [-60, -30, 0, 5]


def test_several_files_by_a_pattern_are_one_log(tmp_path: Path) -> None:
    (tmp_path / "web-1.log").write_text(f"{json_line(0)}\n{json_line(2)}\n")
    (tmp_path / "web-2.log").write_text(f"{json_line(1)}\n")

    logs = FileLogs(tmp_path / "web-*.log", source="web")

    assert [(line.at - AT).total_seconds() for line in whole(logs).lines] == [0, 1, 2]
    assert {line.source for line in whole(logs).lines} == {"web"}
    with pytest.raises(Unavailable, match="cannot be read: no file is named so"):
        whole(FileLogs(tmp_path / "api-*.log"))


def test_a_broken_packed_file_is_said(tmp_path: Path) -> None:
    path = tmp_path / "app.log.gz"
    path.write_bytes(gzip.compress(json_line(0).encode())[:-12])

    with pytest.raises(Unavailable, match=r"app\.log\.gz cannot be read"):
        whole(FileLogs(path))


pieces = st.lists(
    st.one_of(
        st.integers(-30, 30).map(lambda seconds: json_line(seconds) + "\n"),
        st.integers(0, 59).map(lambda second: f"2026-11-24T06:00:{second:02}Z ERROR broke\n"),
        st.sampled_from([f"{TRACE}\n", "strange\n", "\n", '{"half', "  at x (y.js:1)\n"]),
    ),
    max_size=12,
)


@settings(max_examples=120, deadline=None)
@given(times=st.lists(pieces, min_size=1, max_size=4), block=st.sampled_from([80, 300, 2**18]))
def test_reading_on_tells_the_same_as_reading_all(
    tmp_path_factory: pytest.TempPathFactory, times: list[list[str]], block: int
) -> None:
    path = tmp_path_factory.mktemp("on") / "app.log"
    path.touch()
    followed, read_on = FileLogs(path), LogSpan(())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following, "BLOCK_BYTES", block)
        patch.setattr(following, "SMALLEST_BLOCK_BYTES", 40)
        for written in times:
            with path.open("a") as file:
                file.write("".join(written))
            read_on = whole(followed)
    at_once = whole(FileLogs(path))

    def shown(span: LogSpan) -> list[tuple[datetime, int, str]]:
        return sorted((line.at, line.status, line.message) for line in span.lines if line.status)

    assert shown(read_on) == shown(at_once)
