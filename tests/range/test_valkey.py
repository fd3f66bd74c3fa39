"""Valkey as a part of the range: a real server, taken up by whoever comes."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from drillbook.range.valkey import ValkeyServer


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "a place" / "valkey")
    try:
        server.start(tied=True)
        yield server
    finally:
        server.stop()


def test_what_was_written_outlives_a_kill_and_another_hand_finds_the_server(
    valkey: ValkeyServer,
) -> None:
    with Redis.from_url(valkey.url) as client:
        client.set("limit:1", "7")
    port, other = valkey.port, ValkeyServer(valkey.folder)
    assert other.identity() == valkey.start()

    assert valkey.kill()
    assert other.identity() is None
    assert not other.status("production Valkey").running

    other.start(tied=True)
    try:
        assert other.port == port
        assert other.status("production Valkey").running
        with Redis.from_url(other.url) as client:
            assert client.get("limit:1") == b"7"
    finally:
        assert other.stop()
    assert not other.stop()


def test_the_password_is_needed_and_stands_in_no_argument_list(valkey: ValkeyServer) -> None:
    running = valkey.identity()
    assert running is not None

    words = Path(f"/proc/{running.pid}/cmdline").read_text(encoding="utf-8")

    assert valkey.password not in words
    for name in ("password", "valkey.conf"):
        assert (valkey.folder / name).stat().st_mode & 0o077 == 0
    with (
        Redis(host="127.0.0.1", port=valkey.port, protocol=2) as client,
        pytest.raises(AuthenticationError, match="required"),
    ):
        client.get("limit:1")


def test_a_port_that_somebody_else_took_is_exchanged_for_a_free_one(valkey: ValkeyServer) -> None:
    valkey.stop()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", valkey.port))
        taken.listen()

        valkey.start(tied=True)

        assert valkey.port != taken.getsockname()[1]
