"""The requests of an access log, many lines at a time."""

from datetime import UTC, datetime

from drillbook.analysis.loggroups.access import read_access

AT = datetime(2026, 11, 24, 2, 3, 4, tzinfo=UTC).timestamp()
LINE = '{} - {} [24/Nov/2026:{} {}] "{}" {} 123 "-" "curl/8.1"'


def test_each_request_has_its_time_its_source_and_how_it_ended() -> None:
    lines = [
        LINE.format("10.0.0.1", "-", "02:03:04", "+0000", "GET /a HTTP/1.1", 200),
        LINE.format("2001:db8::1", "anna", "04:03:04", "+0200", "POST /b HTTP/2.0", 502),
    ]

    found = read_access(lines)

    assert list(found.at) == [AT, AT]
    assert list(found.source) == ["10.0.0.1", "2001:db8::1"]
    assert list(found.failed) == [False, True]
    assert found.not_understood == 0


def test_odd_requests_are_read_and_what_is_none_is_counted() -> None:
    lines = [
        LINE.format("10.0.0.1", "-", "02:03:04", "+0000", "-", 408),
        LINE.format("10.0.0.2", "-", "02:03:04", "+0000", r"\x16\x03 \"x\" y z", 400),
        LINE.format("10.0.0.3", "anna b", "02:03:04", "+0000", "GET /a b c HTTP/1.1", 500),
        LINE.format("10.0.0.4", "-", "25:99:04", "+0000", "GET /a HTTP/1.1", 200),
        "",
        "no request at all",
    ]

    found = read_access(lines)

    assert list(found.line) == [0, 1, 2]
    assert list(found.source) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert list(found.failed) == [False, False, True]
    assert found.not_understood == 3
