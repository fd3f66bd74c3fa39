"""Whoever uses the apps of a range in tests."""

import http.client
import json
from typing import Any

from drillbook.range.status import RangeStatus


def ask(
    port: int, path: str, method: str = "GET", body: object = None, key: str = "", token: str = ""
) -> tuple[int, Any]:  # Any: JSON from the app
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"Idempotency-Key": key} if key else {}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def app_port(found: RangeStatus, name: str) -> int:
    (part,) = (part for part in found.parts if part.name == f"{name} app")
    assert part.port is not None
    return part.port


class Customer:
    """Somebody who is signed in at an environment's app."""

    def __init__(self, found: RangeStatus, on: str, email: str = "customer5@example.com") -> None:
        self.port = app_port(found, on)
        password = (found.folder / on / "customers.password").read_text()
        status, said = ask(self.port, "/api/login", "POST", {"email": email, "password": password})
        assert status == 200, said
        self.token = said["token"]

    def ask(
        self, path: str, method: str = "GET", body: object = None, key: str = ""
    ) -> tuple[int, Any]:  # Any: as above
        return ask(self.port, path, method, body, key, self.token)
