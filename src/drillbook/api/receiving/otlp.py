"""OTLP over HTTP: requests of exporters to lines, and the answers that exporters understand."""

import binascii
import json
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from drillbook.api.receiving.conventions import (
    Attributes,
    Value,
    attributes_of,
    level_of,
    line_from,
    moment_of,
    value_of,
)
from drillbook.api.receiving.refusing import NotUnderstoodError
from drillbook.ports.logs import LogLine

PROTOBUF, JSON = "application/x-protobuf", "application/json"
LOGS, TRACES = "logs", "traces"
SERVER_ERROR = 500
# The keys that OTLP's JSON writes in hexadecimal, where protobuf's own JSON has base64.
HEXADECIMAL = ("traceId", "spanId", "parentSpanId")
DEEPEST = 50


@dataclass(frozen=True, slots=True)
class Taken:
    """The lines of one request, and how many records could not be made into one."""

    lines: tuple[LogLine, ...]
    rejected: int = 0
    why: str = ""


@dataclass(slots=True)
class _Basket:
    source: str
    now: datetime
    lines: list[LogLine] = field(default_factory=list[LogLine])
    rejected: int = 0


def read_request(signal: str, body: bytes, media_type: str, *, source: str) -> Taken:
    """Return the lines of an export request; NotUnderstoodError when it is none."""
    kind = ExportLogsServiceRequest if signal == LOGS else ExportTraceServiceRequest
    request = _from_json(kind, body) if media_type == JSON else _from_protobuf(kind, body)
    basket = _Basket(source, datetime.now(UTC))
    if isinstance(request, ExportLogsServiceRequest):
        _take_logs(request, basket)
    else:
        _take_spans(cast("ExportTraceServiceRequest", request), basket)
    why = f"{basket.rejected} have no time, or one that is a day ahead" if basket.rejected else ""
    return Taken(tuple(basket.lines), basket.rejected, why)


def answer(signal: str, taken: Taken, media_type: str) -> bytes:
    """Return the answer to a request that was kept, with what was not."""
    response: ExportLogsServiceResponse | ExportTraceServiceResponse
    if signal == LOGS:
        response = ExportLogsServiceResponse()
        if taken.rejected:
            response.partial_success.rejected_log_records = taken.rejected
    else:
        response = ExportTraceServiceResponse()
        if taken.rejected:
            response.partial_success.rejected_spans = taken.rejected
    if taken.rejected:
        response.partial_success.error_message = taken.why
    if media_type == JSON:
        return json.dumps(MessageToDict(response)).encode()
    data: bytes = response.SerializeToString()
    return data


def refusal(code: int, says: str, media_type: str) -> bytes:
    """Return a google.rpc.Status, which exporters expect beside a status of 400 and more."""
    if media_type == JSON:
        return json.dumps({"code": code, "message": says}).encode()
    words = says.encode()
    return b"\x08" + _varint(code) + b"\x12" + _varint(len(words)) + words


def _take_logs(request: ExportLogsServiceRequest, basket: _Basket) -> None:
    for of_resource in request.resource_logs:
        resource = attributes_of(of_resource.resource.attributes)
        for of_scope in of_resource.scope_logs:
            above = resource | attributes_of(of_scope.scope.attributes)
            for record in of_scope.log_records:
                _take_record(record, above, basket)


def _take_record(record: LogRecord, above: Attributes, basket: _Basket) -> None:
    at = moment_of(record.time_unix_nano or record.observed_time_unix_nano, basket.now)
    if at is None:
        basket.rejected += 1
        return
    body = value_of(record.body)
    own = attributes_of(record.attributes)
    if record.event_name:
        own.setdefault("event.name", record.event_name)
    inner = body if isinstance(body, dict) else {}
    known = {**above, **inner, **own}
    request = record.trace_id.hex()
    line = line_from(
        at,
        known,
        body=body,
        level=level_of(record.severity_text, record.severity_number),
        request=request,
        source=basket.source,
    )
    basket.lines.append(line)


def _take_spans(request: ExportTraceServiceRequest, basket: _Basket) -> None:
    for of_resource in request.resource_spans:
        resource = attributes_of(of_resource.resource.attributes)
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                # Only what a server answered is a request; the rest is how it did so.
                if span.kind == Span.SPAN_KIND_SERVER:
                    _take_span(span, resource, basket)


def _take_span(span: Span, resource: Attributes, basket: _Basket) -> None:
    at = moment_of(span.end_time_unix_nano or span.start_time_unix_nano, basket.now)
    if at is None:
        basket.rejected += 1
        return
    known: dict[str, Value] = {**resource, **_exception(span), **attributes_of(span.attributes)}
    took = span.end_time_unix_nano - span.start_time_unix_nano
    known.setdefault("http.server.duration", max(0, took) / 1e6)
    # A trace may hold several requests: only its first is named by the trace alone.
    request = span.trace_id.hex()
    if span.parent_span_id:
        request += f"-{span.span_id.hex()}"
    line = line_from(at, known, body=span.status.message, level="", request=request,
                     source=basket.source)  # fmt: skip
    failed = span.status.code == span.status.STATUS_CODE_ERROR or line.status >= SERVER_ERROR
    values = {name: getattr(line, name) for name in LogLine.__slots__}
    basket.lines.append(LogLine(**{**values, "level": "error" if failed else "info"}))


def _exception(span: Span) -> Attributes:
    """Return the attributes of the last exception that was noted in a span."""
    events = [event for event in span.events if event.name == "exception"]
    return attributes_of(events[-1].attributes) if events else {}


def _from_protobuf(kind: type[Message], body: bytes) -> Message:
    request = kind()
    try:
        request.ParseFromString(body)
    except DecodeError as error:
        raise NotUnderstoodError(f"the body is no {kind.__name__} in protobuf") from error
    return request


def _from_json(kind: type[Message], body: bytes) -> Message:
    try:
        said = json.loads(body)
        for one in _with_ids(said):
            for key in HEXADECIMAL:
                if one.get(key):
                    one[key] = b64encode(bytes.fromhex(str(one[key]))).decode()
        return ParseDict(said, kind(), ignore_unknown_fields=True, max_recursion_depth=DEEPEST)
    except (ParseError, ValueError, binascii.Error, AttributeError, TypeError) as error:
        raise NotUnderstoodError(f"the body is no {kind.__name__} in JSON") from error
    except RecursionError as error:
        raise NotUnderstoodError("the body is nested too deep") from error


def _with_ids(said: object) -> Iterator[dict[str, object]]:
    """Yield the records, spans and links of a request in JSON."""
    if isinstance(said, dict):
        yield said
        for key in ("resourceLogs", "scopeLogs", "logRecords", "resourceSpans", "scopeSpans",
                    "spans", "links"):  # fmt: skip
            for inner in said.get(key) or ():
                yield from _with_ids(inner)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:  # noqa: PLR2004 - seven bits a byte
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*out, number))
