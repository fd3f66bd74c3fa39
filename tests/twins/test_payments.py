"""The company that takes payments: once for each key, whatever happens in between."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from drillbook.range.cloud import Cloud
from drillbook.range.twins.payments import RECORD, make_app
from twins.contract import serve

CHARGE = {"reference": "B-100001", "amount_cents": 4500, "currency": "EUR"}


@pytest.fixture
def cloud(tmp_path: Path) -> Cloud:
    return Cloud(tmp_path)


@pytest.fixture
def payments(cloud: Cloud) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {cloud.token('payments')}"}
    with (
        serve(make_app(cloud)) as url,
        httpx.Client(base_url=url, headers=headers) as client,
    ):
        yield client


def record(cloud: Cloud) -> list[dict[str, object]]:
    lines = (cloud.folder / RECORD).read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_a_charge_sent_again_with_its_key_is_taken_once(
    payments: httpx.Client, cloud: Cloud
) -> None:
    def send(_: int) -> httpx.Response:
        return payments.post("/v1/charges", json=CHARGE, headers={"Idempotency-Key": "one"})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, range(8)))

    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["status"] for answer in answers} == {"paid"}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
    (line,) = record(cloud)
    assert (line["key"], line["reference"]) == ("one", "B-100001")
    of = payments.get("/v1/charges", params={"reference": "B-100001"}).json()["charges"]
    assert [charge["id"] for charge in of] == [line["id"]]

    other = CHARGE | {"amount_cents": 1}
    mixed = payments.post("/v1/charges", json=other, headers={"Idempotency-Key": "one"})
    assert mixed.status_code == 409


def test_a_company_started_anew_knows_its_charges_and_none_that_was_cut_short(
    payments: httpx.Client, cloud: Cloud
) -> None:
    made = payments.post("/v1/charges", json=CHARGE, headers={"Idempotency-Key": "one"}).json()
    with (cloud.folder / RECORD).open("a") as file:
        file.write('{"id": "ch_half", "key": "two", "ref')

    with serve(make_app(cloud)) as url:
        send = httpx.Client(base_url=url, headers=payments.headers).post
        again = send("/v1/charges", json=CHARGE, headers={"Idempotency-Key": "one"})
        second = send("/v1/charges", json=CHARGE, headers={"Idempotency-Key": "two"})

    assert again.json()["id"] == made["id"]
    assert second.status_code == 201
    assert [line["id"] for line in record(cloud)] == [made["id"], second.json()["id"]]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (CHARGE, {"Authorization": "Bearer wrong"}, 401),
        (CHARGE, {"Idempotency-Key": ""}, 400),
        ({"reference": "B-1"}, {}, 400),
        (CHARGE | {"amount_cents": -1}, {}, 400),
        (CHARGE | {"amount_cents": True}, {}, 400),
        ([], {}, 400),
        (CHARGE | {"amount_cents": 1_000_001}, {}, 402),
    ],
)
def test_what_it_does_not_take_is_refused(
    payments: httpx.Client, cloud: Cloud, body: object, headers: dict[str, str], status: int
) -> None:
    answer = payments.post("/v1/charges", json=body, headers={"Idempotency-Key": "one"} | headers)

    assert answer.status_code == status
    assert "error" in answer.json()
    assert all(line["status"] == "declined" for line in record(cloud)) if status == 402 else True
