"""Vercel's drains: signed batches, several entries for one request."""

import hmac
import json
import time

import httpx

from receiving.reception import SECRET, Reception, record, request, send


def drain(reception: Reception, body: bytes, secret: str = SECRET) -> httpx.Response:
    signed = hmac.new(secret.encode(), body, "sha1").hexdigest()
    return send(reception, "/production/drain/vercel", body, x_vercel_signature=signed)


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

    before = httpx.get(reception.url).json()
    answer = drain(reception, batch)
    assert drain(reception, batch).json() == answer.json()  # its first answer was lost
    assert httpx.get(reception.url).json()["lines"] - before["lines"] == 5
    assert drain(reception, batch, secret="another").status_code == 403
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


def test_a_secret_alone_opens_no_other_door(reception: Reception) -> None:
    body = json.dumps(request(record("forged", http_response_status_code="500"))).encode()

    answer = send(reception, "/production/drain/v1/logs", body, content_type="application/json")

    assert answer.status_code == 401
    assert "takes what Vercel signs only" in answer.json()["message"]
    assert not [line for line in reception.lines("production", "drain") if line.message == "forged"]
