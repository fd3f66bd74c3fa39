"""`drillbook receive` as a process: what it acknowledges is kept, whatever ends it."""

import json
import signal
import socket
from pathlib import Path

import httpx
import pytest

from drillbook.api.receiving.receivers import receivers_of
from drillbook.api.receiving.serving import serve
from drillbook.core.errors import NotFound, SettingsInvalid
from drillbook.stack.stack import Stack, load_stack
from receiving.reception import BEARER, STACK, TOKEN, Reception, receiving, record, request, send


def test_a_source_that_needs_no_token_is_named_as_its_section_says(reception: Reception) -> None:
    body = json.dumps(request(record("job done", user_id="ana@example.com"))).encode()
    answer = send(reception, "/staging/app/v1/logs", body, content_type="application/json")
    short = send(reception, "/v1/logs", b"{}", content_type="application/json")
    send(reception, "/production/sent/v1/logs", b"[", content_type="application/json", **BEARER)
    state = httpx.get(reception.url).json()

    assert (answer.status_code, short.status_code) == (200, 404)
    # Neither needs a token, so neither names what there is.
    assert "production" not in short.text + json.dumps(state)
    (line,) = reception.lines("staging", "app")
    assert (line.source, line.message) == ("worker", "job done")
    assert line.user
    kept = (reception.folder / ".drillbook/logs/staging/app").glob("*.jsonl")
    assert "ana@example.com" not in "".join(file.read_text() for file in kept)
    assert state["receivers"] == 3
    assert state["lines"] >= 1
    assert state["turned_away"] > 0


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
    folder.mkdir(parents=True, exist_ok=True)
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


def test_a_token_in_a_section_that_receives_nothing_is_refused(tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(
        '[environments.p.logs.a]\nprovider = "file"\npath = "x"\ntoken = "env:T"\n'
    )
    with pytest.raises(SettingsInvalid, match="belong to provider"):
        load_stack(tmp_path / "stack.toml")
