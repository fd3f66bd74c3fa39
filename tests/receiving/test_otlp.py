"""OpenTelemetry's own exporters send to a real receiver: what they say is kept."""

import gzip
import json
import time
from contextlib import suppress

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
from drillbook.api.receiving.refusing import NotUnderstoodError
from receiving.reception import (
    BEARER,
    PROTOBUF,
    TOKEN,
    Reception,
    record,
    request,
    send,
)


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
        (gzip.compress(b"\0" * 9000, mtime=0)[:-9],
         {**PROTOBUF, **BEARER, "Content-Encoding": "gzip"}, 400, "ends too early"),
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
