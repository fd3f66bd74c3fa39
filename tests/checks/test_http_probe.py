import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from checks.app import serving
from drillbook.core.errors import Refused
from drillbook.ports.probe import Question
from drillbook.providers.http import HttpProbe
from drillbook.remote.asking import LARGEST_BODY_BYTES


@contextmanager
def raw(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that speaks what the test says, byte by byte, to one caller."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                try:
                    talk(connection)
                except OSError:
                    return  # the caller left, as it should

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    with serving({"/": (307, "elsewhere")}) as app:
        answer = HttpProbe(lambda: app.url).ask(Question("/"))

    assert (answer.status, len(app.received)) == (307, 1)


def test_a_body_that_is_too_large_is_cut() -> None:
    with serving({"/": (200, "x" * (LARGEST_BODY_BYTES + 10))}) as app:
        answer = HttpProbe(lambda: app.url).ask(Question("/"))

    assert (answer.status, answer.cut, len(answer.text)) == (200, True, LARGEST_BODY_BYTES)


def test_a_body_that_drips_ends_with_the_time() -> None:
    pause = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not pause.wait(0.05):
            connection.sendall(b"x")

    with raw(drip) as url:
        answer = HttpProbe(lambda: url).ask(Question("/", timeout_seconds=0.3))
        pause.set()

    assert answer.status == 0
    assert "no answer within 0.3 s" in answer.problem


def test_headers_that_drip_end_with_the_time() -> None:
    pause = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not pause.wait(0.05):
            connection.sendall(b"x")

    with raw(drip) as url:
        answer = HttpProbe(lambda: url).ask(Question("/", timeout_seconds=0.3))
        pause.set()

    assert "no answer within 0.3 s" in answer.problem


def test_a_connection_that_breaks_is_an_answer_that_says_so() -> None:
    with raw(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Le")) as url:
        answer = HttpProbe(lambda: url).ask(Question("/"))

    assert answer.status == 0
    assert "the connection broke" in answer.problem


def test_an_unknown_charset_is_no_reason_to_fail() -> None:
    def talk(connection: socket.socket) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=klingon\r\n"
            b"Content-Length: 2\r\n\r\nok"
        )

    with raw(talk) as url:
        answer = HttpProbe(lambda: url).ask(Question("/"))

    assert (answer.status, answer.text) == (200, "ok")


@pytest.mark.parametrize("path", ["http://elsewhere/", "//elsewhere/", "relative", ""])
def test_a_question_stays_on_the_app(path: str) -> None:
    with pytest.raises(Refused, match="is not a path on the app"):
        HttpProbe(lambda: "http://127.0.0.1:1").ask(Question(path))


def test_a_header_that_cannot_be_sent_is_told_without_its_value() -> None:
    with serving({"/": (200, "ok")}) as app:
        question = Question("/", headers={"X-Name": "canary\nInjected: yes"})
        answer = HttpProbe(lambda: app.url).ask(question)

    assert answer.status == 0
    assert "canary" not in answer.problem
    assert app.received == []
