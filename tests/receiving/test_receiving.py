"""`drillbook receive` as a process: real exporters send to it, and what it acknowledges is kept."""

import gzip
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import SpanKind

from drillbook.api.receiving import otlp, vercel
from drillbook.api.receiving.receivers import receivers_of
from drillbook.api.receiving.refusing import NotUnderstoodError
from drillbook.api.receiving.serving import serve
from drillbook.core.errors import NotFound, SettingsInvalid
from drillbook.ports.logs import LogLine
from drillbook.providers.kept import KeptLogs
from drillbook.stack.stack import Stack, load_stack

TOKEN, SECRET = "token-of-the-senders", "secret-of-the-drain"
PROTOBUF = {"Content-Type": "application/x-protobuf"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
STACK = """
[environments.production.logs.sent]
provider = "received"
token = "file:token"
[environments.production.logs.drain]
provider = "received"
secret = "file:secret"
verify = "verify-me"
[environments.staging.logs]
provider = "received"
source = "worker"
"""


@dataclass
class Reception:
    """The process, and where it listens."""

    folder: Path
    process: "subprocess.Popen[str]"
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self, environment: str, name: str) -> list[LogLine]:
        from drillbook.stack.log_sources.building import kept_folder

        place = load_stack(self.folder / "stack.toml").place(environment)
        now = datetime.now(UTC)
        store = KeptLogs(self.folder / ".drillbook/logs" / environment / name)
        assert kept_folder(place, name).parts[-3:] == ("logs", environment, name)
        return list(store.between(now - timedelta(days=2), now + timedelta(days=1)).lines)


@contextmanager
def receiving(folder: Path, *words: str) -> Iterator[Reception]:
    (folder / "stack.toml").write_text(STACK)
    (folder / "token").write_text(TOKEN)
    (folder / "secret").write_text(SECRET)
    command = [sys.executable, "-m", "drillbook", "receive", "--port", "0", "--json", *words]
    environment = os.environ | {"DRILLBOOK_HOME": str(folder / ".drillbook")}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        yield Reception(folder, process, said["port"])
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()


@pytest.fixture(scope="module")
def reception(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reception]:
    with receiving(tmp_path_factory.mktemp("reception")) as running:
        yield running


@st.composite
def sent_json(draw: st.DrawFn) -> bytes:
    """Bodies that are nearly right: the known keys, holding anything."""
    keys = st.sampled_from(
        [
            "resourceLogs",
            "scopeLogs",
            "logRecords",
            "resourceSpans",
            "scopeSpans",
            "spans",
            "timeUnixNano",
            "traceId",
            "body",
            "attributes",
            "key",
            "value",
            "stringValue",
            "kvlistValue",
            "values",
            "kind",
            "events",
            "timestamp",
            "proxy",
            "message",
            "statusCode",
            "path",
            "requestId",
            "severityNumber",
            "resource",
            "endTimeUnixNano",
        ]
    )
    leaf = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    value = st.recursive(
        leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5)
    )
    return json.dumps(draw(value)).encode()


def record(text: str, **attributes: str) -> dict[str, Any]:
    return {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 9,
        "body": {"stringValue": text},
        "traceId": "5b8efff798038103d269b633813fc60c",
        "attributes": [
            {"key": key.replace("_", "."), "value": {"stringValue": value}}
            for key, value in attributes.items()
        ],
    }


def request(*records: dict[str, Any]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


def send(reception: Reception, path: str, body: bytes, **headers: str) -> httpx.Response:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return httpx.post(f"{reception.url}{path}", content=body, headers=named)


def drain(reception: Reception, body: bytes, secret: str = SECRET) -> httpx.Response:
    signed = hmac.new(secret.encode(), body, "sha1").hexdigest()
    return send(reception, "/production/drain/vercel", body, x_vercel_signature=signed)


def test_what_opentelemetrys_own_exporter_sends_is_kept_with_all_that_it_says(
    reception: Reception,
) -> None:
    exporter = OTLPLogExporter(
        endpoint=f"{reception.url}/production/sent/v1/logs",
        headers=BEARER,
        compression=Compression.Gzip,
    )
    resource = Resource(
        {"service.version": "2.4.0", "deployment.id": "dpl_1", "cloud.region": "fra1"}
    )
    provider = LoggerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("app")
    try:
        int("no such room")
    except ValueError as error:
        logger.emit(
            body="booking failed at postgresql://app:abc123secret999@db/x",
            severity_number=SeverityNumber.ERROR,
            timestamp=time.time_ns(),
            exception=error,
            attributes={
                "http.response.status_code": 500,
                "http.request.method": "post",
                "url.path": "/api/bookings?x=1",
                "http.server.request.duration": 0.125,
                "enduser.id": "u-7",
                "client.address": "203.0.113.7",
            },
        )
    logger.emit(body={"msg": "a map", "room": 7}, severity_text="WARN", timestamp=time.time_ns())
    assert provider.force_flush()
    provider.shutdown()

    failed, mapped = reception.lines("production", "sent")[-2:]

    assert (failed.status, failed.method, failed.path) == (500, "POST", "/api/bookings")
    assert (failed.level, failed.milliseconds) == ("error", 125.0)
    assert (failed.user, failed.address) == ("u-7", "203.0.113.7")
    assert (failed.release, failed.deployment, failed.region) == ("2.4.0", "dpl_1", "fra1")
    assert failed.message == "booking failed at postgresql://app:[hidden]@db/x"
    assert "ValueError: invalid literal" in failed.stack
    assert (failed.source, mapped.level, mapped.message) == ("app", "warning", "a map")
    assert json.loads(mapped.raw) == {"msg": "a map", "room": 7}


def test_what_a_server_answered_is_a_request_and_what_it_did_meanwhile_is_none(
    reception: Reception,
) -> None:
    exporter = OTLPSpanExporter(
        endpoint=f"{reception.url}/production/sent/v1/traces", headers=BEARER
    )
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("app")
    before = len(reception.lines("production", "sent"))
    with (
        pytest.raises(RuntimeError),
        tracer.start_as_current_span(
            "GET /api/slots",
            kind=SpanKind.SERVER,
            attributes={"url.path": "/api/slots", "http.response.status_code": 503},
        ),
        tracer.start_as_current_span("SELECT", kind=SpanKind.CLIENT),
    ):
        raise RuntimeError("pool is empty")
    provider.shutdown()

    (line,) = reception.lines("production", "sent")[before:]

    assert (line.status, line.path, line.level) == (503, "/api/slots", "error")
    assert line.milliseconds is not None
    assert "pool is empty" in line.message
    assert "RuntimeError: pool is empty" in line.stack
    assert len(line.request) == 32


def test_json_is_taken_as_protobuf_is_and_what_has_no_time_is_counted(
    reception: Reception,
) -> None:
    good, bad = record("as JSON", service_version="3"), record("no time")
    del bad["timeUnixNano"]
    far = record("of next year") | {"timeUnixNano": str(time.time_ns() + 10**17)}

    answer = send(
        reception,
        "/production/sent/v1/logs",
        json.dumps(request(good, bad, far)).encode(),
        content_type="application/json; charset=utf-8",
        **BEARER,
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    partial = answer.json()["partialSuccess"]
    assert partial["rejectedLogRecords"] == "2"
    assert "2 have no time" in partial["errorMessage"]
    kept = [line for line in reception.lines("production", "sent") if line.message == "as JSON"]
    assert [(line.release, line.request) for line in kept] == [
        ("3", "5b8efff798038103d269b633813fc60c")
    ]


def test_protobuf_is_answered_in_protobuf_also_where_nothing_was_sent(
    reception: Reception,
) -> None:
    sent = ExportLogsServiceRequest()
    sent.resource_logs.add().scope_logs.add().log_records.add()

    empty = send(reception, "/production/sent/v1/logs", b"", **PROTOBUF, **BEARER)
    answer = send(
        reception, "/production/sent/v1/logs", sent.SerializeToString(), **PROTOBUF, **BEARER
    )

    assert (empty.status_code, empty.content) == (200, b"")
    said = ExportLogsServiceResponse.FromString(answer.content)
    assert said.partial_success.rejected_log_records == 1


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"\xff\xff", {**PROTOBUF, **BEARER}, 400, "no ExportLogsServiceRequest in protobuf"),
        (b"{", {"Content-Type": "application/json", **BEARER}, 400, "in JSON"),
        (b'{"resourceLogs": 7}', {"Content-Type": "application/json", **BEARER}, 400, "in JSON"),
        (b"x", {"Content-Type": "text/plain", **BEARER}, 415, "application/x-protobuf"),
        (b"x", {**PROTOBUF, **BEARER, "Content-Encoding": "br"}, 415, "identity or gzip"),
        (b"not packed", {**PROTOBUF, **BEARER, "Content-Encoding": "gzip"}, 400, "not packed with"),
        (gzip.compress(b"\0" * 9000)[:-9], {**PROTOBUF, **BEARER, "Content-Encoding": "gzip"}, 400,
         "ends too early"),
        (gzip.compress(b"\0" * (33 << 20)), {**PROTOBUF, **BEARER, "Content-Encoding": "gzip"}, 413,
         "32 MiB unpacked"),
        (b"\0" * ((8 << 20) + 1), {**PROTOBUF, **BEARER}, 413, "8 MiB"),
        (b"", PROTOBUF, 401, "needs its token"),
        (b"", {**PROTOBUF, "Authorization": "Bearer wrong"}, 401, "needs its token"),
    ],
)  # fmt: skip
def test_what_is_not_taken_is_refused_in_the_words_of_the_protocol(
    reception: Reception, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    before = len(reception.lines("production", "sent"))

    answer = httpx.post(f"{reception.url}/production/sent/v1/logs", content=body, headers=headers)

    assert answer.status_code == status
    assert says in answer.text
    assert TOKEN not in answer.text
    if headers["Content-Type"] == "application/json":
        assert answer.json()["code"] == 3
    assert len(reception.lines("production", "sent")) == before


def test_a_drains_batch_is_a_line_of_the_platform_for_each_request_and_what_the_app_wrote(
    reception: Reception,
) -> None:
    now = int(time.time() * 1000)
    proxy = {
        "timestamp": now - 40, "method": "POST", "path": "/api/bookings?x=1", "host": "b.example",
        "statusCode": 500, "clientIp": "203.0.113.9", "region": "fra1", "userAgent": ["x"],
    }  # fmt: skip
    above = {
        "id": "1", "deploymentId": "dpl_9", "source": "lambda", "host": "b.example",
        "timestamp": now, "projectId": "prj_1", "requestId": "r-1", "executionRegion": "fra1",
    }  # fmt: skip
    stack = "Error: no room\n    at book (/var/task/desk.js:4:9)"
    entries = [
        above | {"level": "error", "type": "stderr", "message": stack, "proxy": proxy},
        above | {"id": "2", "level": "info", "proxy": proxy, "message":
                 "START RequestId: r-1 Version: $LATEST\nEND RequestId: r-1\n"
                 "REPORT RequestId: r-1 Duration: 38.50 ms Billed Duration: 39 ms"},
        above | {"id": "3", "requestId": "r-2", "statusCode": -1, "level": "error", "message": ""},
        above | {"id": "4", "requestId": "r-3", "proxy": proxy | {"statusCode": -1}},
        above | {"id": "5", "requestId": "", "source": "firewall", "level": "info",
                 "proxy": proxy | {"statusCode": 403, "vercelId": "fra1::x"}},
        above | {"id": "6", "requestId": None, "source": "build", "message": "built"},
        {"id": "7", "message": "no time"},
    ]  # fmt: skip
    batch = json.dumps(entries).encode()

    answer = drain(reception, batch)
    again = drain(reception, b"\n".join(json.dumps(one).encode() for one in entries))

    assert answer.json() == {"kept": 5, "not_understood": 1}
    assert answer.headers["x-vercel-verify"] == "verify-me"
    assert again.json() == answer.json()
    lines = reception.lines("production", "drain")
    requests = {line.request: line for line in lines if line.status}
    # Sent twice is there once, and each request once whatever number of entries told of it.
    assert [line.request for line in lines if line.status] == ["r-1", "fra1::x", "r-2"]
    failed = requests["r-1"]
    assert (failed.status, failed.method, failed.path) == (500, "POST", "/api/bookings")
    assert (failed.source, failed.address, failed.deployment) == (
        "platform", "203.0.113.9", "dpl_9",
    )  # fmt: skip
    assert (failed.milliseconds, failed.region) == (38.5, "fra1")
    assert (requests["r-2"].status, requests["fra1::x"].status) == (502, 403)
    wrote = [line for line in lines if not line.status]
    assert [(line.source, line.level, line.message) for line in wrote] == [
        ("app", "error", "Error: no room"),
        ("build", "", "built"),
    ]
    assert (wrote[0].request, "desk.js:4:9" in wrote[0].stack) == ("r-1", True)


def test_a_drain_that_is_not_vercels_is_turned_away(reception: Reception) -> None:
    body = b'[{"timestamp": 1, "message": "forged"}]'

    forged = drain(reception, body, secret="another")
    unsigned = send(reception, "/production/drain/vercel", body)
    closed = send(reception, "/production/sent/vercel", body)
    broken = drain(reception, b'[{"timestamp": 1')
    words = drain(reception, b"no JSON at all")
    asked = httpx.get(f"{reception.url}/production/drain/vercel")
    nowhere = send(reception, "/production/nothing/vercel", body)

    assert [one.status_code for one in (forged, unsigned, closed, broken, words, nowhere)] == [
        403, 403, 403, 400, 400, 404,
    ]  # fmt: skip
    assert "has no secret" in closed.json()["error"]
    assert (asked.status_code, asked.headers["x-vercel-verify"]) == (200, "verify-me")
    assert not [one for one in reception.lines("production", "drain") if one.message == "forged"]


def test_a_source_that_needs_no_token_is_named_as_its_section_says(reception: Reception) -> None:
    answer = send(
        reception, "/staging/app/v1/logs", json.dumps(request(record("job done"))).encode(),
        content_type="application/json",
    )  # fmt: skip
    short = send(reception, "/v1/logs", b"{}", content_type="application/json")
    state = httpx.get(reception.url).json()

    assert (answer.status_code, short.status_code) == (200, 404)
    assert "/production/sent/v1/logs" in short.json()["message"]
    assert [(line.source, line.message) for line in reception.lines("staging", "app")] == [
        ("worker", "job done")
    ]
    assert state["staging/app"]["lines"] == 1
    assert state["production/sent"]["turned_away"] > 0


def test_who_sends_too_much_is_asked_to_wait_and_loses_nothing(tmp_path: Path) -> None:
    many = json.dumps(request(*(record(f"line {n}") for n in range(30)))).encode()
    with receiving(tmp_path, "--lines-a-second", "1") as slow:
        first = send(slow, "/staging/app/v1/logs", many, content_type="application/json")
        second = send(slow, "/staging/app/v1/logs", many, content_type="application/json")

        assert (first.status_code, second.status_code) == (200, 429)
        assert int(second.headers["retry-after"]) >= 1
        assert len(slow.lines("staging", "app")) == 30

        # A request under way when the end is asked for is taken, and then the process ends well.
        half = json.dumps(request(record("the last"))).encode()
        with socket.create_connection(("127.0.0.1", slow.port)) as open_one:
            head = (
                f"POST /production/sent/v1/logs HTTP/1.1\r\nHost: x\r\nContent-Length: {len(half)}"
                f"\r\nContent-Type: application/json\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
            )
            open_one.sendall(head.encode() + half[:10])
            while httpx.get(slow.url).status_code != 200:
                pass
            slow.process.send_signal(signal.SIGTERM)
            open_one.sendall(half[10:])
            assert open_one.recv(65536).startswith(b"HTTP/1.1 200")
        assert slow.process.wait(timeout=20) == 0
        assert slow.process.stdout is not None
        ended = [json.loads(line) for line in slow.process.stdout]

        assert [line.message for line in slow.lines("production", "sent")] == ["the last"]
        told = {one["receiver"]: (one["lines"], one["turned_away"]) for one in ended}
        assert told == {
            "production/sent": (1, 0), "production/drain": (0, 0), "staging/app": (30, 1),
        }  # fmt: skip


def test_what_was_acknowledged_outlives_a_kill_and_a_line_cut_short(tmp_path: Path) -> None:
    def sent(running: Reception, text: str) -> httpx.Response:
        body = json.dumps(request(record(text))).encode()
        return send(running, "/staging/app/v1/logs", body, content_type="application/json")

    with receiving(tmp_path) as first:
        assert sent(first, "before the kill").status_code == 200
        first.process.kill()
        first.process.wait()
    (segment,) = (tmp_path / ".drillbook/logs/staging/app").glob("*.jsonl")
    with segment.open("a") as file:
        file.write('{"at": "2026-11-24T1')  # as a full disk leaves it
    with receiving(tmp_path) as second:
        assert sent(second, "after it").status_code == 200

        messages = [line.message for line in second.lines("staging", "app")]

    assert messages == ["before the kill", "after it"]


def test_a_store_that_cannot_be_written_is_told_to_the_sender_who_keeps_the_lines(
    reception: Reception,
) -> None:
    folder = reception.folder / ".drillbook/logs/production/sent"
    kept = folder.with_name("aside")
    folder.rename(kept)
    folder.write_text("a file where the folder must be")
    try:
        answer = send(
            reception, "/production/sent/v1/logs", json.dumps(request(record("x"))).encode(),
            content_type="application/json", **BEARER,
        )  # fmt: skip
    finally:
        folder.unlink()
        kept.rename(folder)

    assert (answer.status_code, answer.json()["code"]) == (503, 14)
    assert int(answer.headers["retry-after"]) > 0


def test_nobody_listens_to_strangers_without_a_token(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(STACK)
    receivers = receivers_of(load_stack(tmp_path / "stack.toml"), lines_a_second=1)

    with pytest.raises(SettingsInvalid, match="staging/app lets in everybody"):
        serve(receivers, host="::", port=0, ready=lambda *_: pytest.fail("it listens"))
    with pytest.raises(NotFound, match="names no logs that are received"):
        receivers_of(Stack(), lines_a_second=1)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode) | sent_json())
@settings(max_examples=60, deadline=None)
def test_whatever_is_sent_is_understood_or_refused_and_nothing_breaks(body: bytes) -> None:
    for signal_, kind in (("logs", otlp.PROTOBUF), ("logs", otlp.JSON), ("traces", otlp.JSON)):
        with suppress(NotUnderstoodError):
            taken = otlp.read_request(signal_, body, kind, source="app")
            otlp.answer(signal_, taken, kind)
            assert all(0 <= line.status <= 599 and line.at.tzinfo for line in taken.lines)
    with suppress(NotUnderstoodError):
        found = vercel.read_batch(body, source="app")
        assert all(line.status == 0 or 100 <= line.status <= 599 for line in found.lines)


def test_a_token_in_a_section_that_receives_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(
        '[environments.p.logs.a]\nprovider = "file"\npath = "x"\ntoken = "env:T"\n'
    )
    with pytest.raises(SettingsInvalid, match="belong to provider"):
        load_stack(tmp_path / "stack.toml")
