"""A company that takes payments: whoever sends a charge again with its key has paid once."""

import hmac
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from uuid import uuid4

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drillbook.range.cloud import Cloud
from drillbook.range.twins.documents import Document

RECORD = "payments.jsonl"
PAID, DECLINED = "paid", "declined"
# Nobody's card has more than this.
MOST_CENTS = 1_000_000


class Ledger:
    """The charges, a line each: what is in the file was taken, whatever was answered."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._lock = Lock()
        self._charges = {charge["key"]: charge for charge in _read(file)}

    def charge(self, key: str, wanted: Document) -> tuple[Document, bool]:
        """Return the charge of a key, and whether it was taken just now."""
        with self._lock:
            before = self._charges.get(key)
            if before is not None:
                return before, False
            declined = wanted["amount_cents"] > MOST_CENTS
            made = {
                "id": f"ch_{uuid4().hex[:24]}",
                "key": key,
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                "status": DECLINED if declined else PAID,
                **wanted,
            }
            with self._file.open("a", encoding="utf-8") as file:
                file.write(json.dumps(made) + "\n")
            self._charges[key] = made
        return made, True

    def of(self, reference: str) -> list[Document]:
        """Return the charges of one booking, the first first."""
        charges = list(self._charges.values())
        return [charge for charge in charges if charge["reference"] == reference]


def make_app(cloud: Cloud) -> Starlette:
    """Return the company's API."""
    ledger = Ledger(cloud.folder / RECORD)

    def let_in(request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), cloud.token("payments").encode())

    async def charge(request: Request) -> JSONResponse:
        if not let_in(request):
            return _error(401, "no such key")
        key, wanted = request.headers.get("idempotency-key", ""), _wanted(await request.body())
        if not key or wanted is None:
            return _error(400, "needs an Idempotency-Key, and reference, amount_cents, currency")
        made, now = ledger.charge(key, wanted)
        if any(made[name] != value for name, value in wanted.items()):
            return _error(409, "this Idempotency-Key was sent with another charge")
        headers = {} if now else {"idempotent-replayed": "true"}
        if made["status"] == DECLINED:
            return JSONResponse({"error": "the card was declined"}, 402, headers)
        return JSONResponse(_shown(made), 201, headers)

    async def charges(request: Request) -> JSONResponse:
        if not let_in(request):
            return _error(401, "no such key")
        found = ledger.of(request.query_params.get("reference", ""))
        return JSONResponse({"charges": [_shown(charge) for charge in found]})

    return Starlette(
        routes=[
            Route("/v1/charges", charge, methods=["POST"]),
            Route("/v1/charges", charges, methods=["GET"]),
        ]
    )


def _read(file: Path) -> list[Document]:
    """Read the charges; what a kill cut short was not taken, and is cut off."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    text = file.read_bytes() if file.exists() else b""
    whole = text[: text.rfind(b"\n") + 1]
    if len(whole) < len(text):
        os.truncate(file, len(whole))
    return [json.loads(line) for line in whole.splitlines()]


def _wanted(body: bytes) -> Document | None:
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict):
        return None
    amount = said.get("amount_cents")
    texts = {name: said.get(name) for name in ("reference", "currency")}
    if not all(isinstance(text, str) and text for text in texts.values()):
        return None
    if not isinstance(amount, int) or isinstance(amount, bool) or amount < 0:
        return None
    return {**texts, "amount_cents": amount}


def _shown(charge: Document) -> Document:
    return {name: value for name, value in charge.items() if name != "key"}


def _error(status: int, says: str) -> JSONResponse:
    return JSONResponse({"error": says}, status)
