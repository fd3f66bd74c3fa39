"""Sessions of a process that slept."""

import signal
import socket
import subprocess
import sys
from time import sleep

SCRIPT = """
import sys
from drillbook.core.errors import DrillbookError
from drillbook.providers.postgres.server import Server
address = f"postgresql://u@127.0.0.1:{sys.argv[1]}/d?sslmode=disable&gssencmode=disable"
try:
    with Server(lambda: address, "production", connect_seconds=2).session():
        pass
except DrillbookError as error:
    print(error)
"""


def test_a_process_frozen_while_it_connects_tries_again_and_does_not_blame_the_server() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        port = str(silent.getsockname()[1])
        process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, port], stdout=subprocess.PIPE, text=True
        )
        try:
            first, _ = silent.accept()
            process.send_signal(signal.SIGSTOP)
            sleep(3)  # longer than it waits for an answer: time itself is what is tested
            process.send_signal(signal.SIGCONT)
            second, _ = silent.accept()
            first.close()
            second.close()
            said, _ = process.communicate(timeout=30)
        finally:
            process.kill()
            process.wait()

    assert "production" in said
