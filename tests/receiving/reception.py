"""A process that receives log lines, and what is sent to it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from drillbook.ports.logs import LogLine
from drillbook.providers.kept import KeptLogs
from drillbook.stack.stack import load_stack

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
pseudonyms = "file:pseudonyms"
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
    (folder / "pseudonyms").write_text("a-key-for-other-names-of-people")
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
