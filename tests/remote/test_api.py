from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from drillbook.core.effect import Deadline, deadline
from drillbook.core.errors import Failed, NotFound, OutcomeUnknown, Refused, Unavailable
from drillbook.core.secret import Secret
from drillbook.local.sockets import free_port
from drillbook.remote.api import JsonApi
from drillbook.remote.reply import Reply
from remote.platform import Platform, Says, platform

TOKEN = "a-token-nobody-may-see"


@pytest.fixture
def told() -> Iterator[Platform]:
    with platform() as found:
        yield found


@pytest.fixture
def api(told: Platform, tmp_path: Path) -> JsonApi:
    return _api(told.url, tmp_path)


def _api(url: str, folder: Path) -> JsonApi:
    secret = folder / "platform.token"
    secret.write_text(f"{TOKEN}\n")
    return JsonApi("Hosting", url, Secret(ref=f"file:{secret}").reveal, query={"teamId": "team_1"})


@pytest.fixture
def hurry() -> Iterator[None]:
    """A task that must end in 0.6 s."""
    token = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.6)))
    yield
    deadline.reset(token)


def test_a_read_is_tried_again_after_5xx_429_a_cut_connection_and_what_is_no_json(
    told: Platform, api: JsonApi
) -> None:
    told.says = [
        Says(502, "<html>", {"Retry-After": "0"}),
        Says(429, "{}", {"Retry-After": "0"}),
        Says(drop=True),
        Says(200, "<html>welcome</html>"),
        Says(200, '{"id": 7}'),
    ]

    assert api.get("/v1/things", {"limit": 2}) == {"id": 7}

    assert len(told.heard) == 5
    assert set(told.heard) == {("GET", "/v1/things?teamId=team_1&limit=2", None, f"Bearer {TOKEN}")}


def test_a_read_ends_with_the_deadline_and_says_what_was_the_matter(
    told: Platform, api: JsonApi, hurry: None
) -> None:
    told.says = [Says(503, '{"error": {"code": "x", "message": "We are down"}}')]

    with pytest.raises(Unavailable, match=r"Hosting cannot answer GET /v1/things: .*503 We are"):
        api.get("/v1/things")


def test_a_read_does_not_wait_longer_than_there_is_time(told: Platform, api: JsonApi) -> None:
    told.says = [Says(429, "{}", {"Retry-After": "3600"})]

    with pytest.raises(Unavailable, match="too many requests") as raised:
        api.get("/v1/things")

    assert "3600 s" in raised.value.hint
    assert len(told.heard) == 1


@pytest.mark.parametrize("says", [Says(slow=3.0), Says(drip=True, body=" ")])
def test_an_answer_that_does_not_end_is_cut_at_the_deadline(
    told: Platform, api: JsonApi, says: Says, hurry: None
) -> None:
    told.says = [says]

    with pytest.raises(OutcomeUnknown, match="no answer within 0"):
        api.send("POST", "/v1/things", {})


def test_a_write_is_sent_once_and_its_answer_returned(told: Platform, api: JsonApi) -> None:
    told.says = [Says(202, ""), Says(409, '{"error": {"code": "conflict"}}')]

    assert api.send("POST", "/v1/things", {"name": "a"}).status == 202
    assert api.send("PATCH", "/v1/things", {}, accept=(409,)) == Reply(
        409, {"error": {"code": "conflict"}}, {"content-length": "31"}
    )

    assert [heard[:3] for heard in told.heard] == [
        ("POST", "/v1/things?teamId=team_1", {"name": "a"}),
        ("PATCH", "/v1/things?teamId=team_1", {}),
    ]


@pytest.mark.parametrize("says", [Says(drop=True), Says(500, ""), Says(503), Says(200, "<html>")])
def test_a_write_whose_answer_is_lost_is_open_and_never_repeated(
    told: Platform, api: JsonApi, says: Says
) -> None:
    told.says = [says]

    with pytest.raises(OutcomeUnknown, match="whether it was carried out is open"):
        api.send("POST", "/v1/things", {})

    assert len(told.heard) == 1


def test_a_write_that_was_surely_not_carried_out_may_be_tried_again(
    told: Platform, api: JsonApi, tmp_path: Path
) -> None:
    nobody = _api(f"http://127.0.0.1:{free_port()}", tmp_path)
    told.says = [
        Says(429, '{"error": {"message": "slow down"}}', {"Retry-After": "9"}),
        Says(403, "{}", {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1"}),
        Says(403, '{"message": "You have exceeded a secondary rate limit"}'),
    ]

    with pytest.raises(Unavailable, match="no connection"):
        nobody.send("POST", "/v1/things", {})
    with pytest.raises(Unavailable, match="429") as raised:
        api.send("POST", "/v1/things", {})
    assert "asks to wait 9 s" in raised.value.hint
    for _ in range(2):
        with pytest.raises(Unavailable, match="403"):
            api.send("POST", "/v1/things", {})


def test_refusals_carry_the_words_of_the_platform_and_name_the_missing_right(
    told: Platform, api: JsonApi
) -> None:
    told.says = [
        Says(401, '{"error": {"code": "forbidden", "message": "Not authorized"}}'),
        Says(403, '{"message": "Resource not accessible"}'),
        Says(404, "nothing here"),
        Says(422, '{"msg": "no such release"}'),
        Says(307, "", {"Location": "http://elsewhere.invalid/"}),
    ]

    with pytest.raises(Refused, match=r"does not accept the token.*Not authorized"):
        api.get("/v1/things")
    with pytest.raises(Refused, match="Resource not accessible") as raised:
        api.get("/v1/things", right="deployments: write")
    assert "It needs: deployments: write." in raised.value.hint
    with pytest.raises(NotFound):
        api.get("/v1/things")
    with pytest.raises(Refused, match="no such release"):
        api.send("POST", "/v1/things", {})
    with pytest.raises(Refused, match="sent GET /v1/things elsewhere"):
        api.get("/v1/things")


def test_the_token_is_in_no_error_and_goes_to_no_other_host(told: Platform, api: JsonApi) -> None:
    told.says = [Says(400, f'{{"message": "Bearer {TOKEN} is wrong"}}')]

    with pytest.raises(Refused) as raised:
        api.get("/v1/things")
    assert TOKEN not in str(raised.value)
    assert "[secret file:" in str(raised.value)
    with pytest.raises(Failed, match="not its own"):
        api.get("http://elsewhere.invalid/v1/things")
    assert len(told.heard) == 1


def test_the_next_page_stands_in_the_link_header(told: Platform, api: JsonApi) -> None:
    link = f'<{told.url}/v1/things?page=1>; rel="prev", <{told.url}/v1/things?page=3>; rel="next"'
    told.says = [Says(headers={"Link": link}), Says(body="raw text")]

    page = api.read("/v1/things")

    assert page.next_url == f"{told.url}/v1/things?page=3"
    assert api.read(page.next_url, raw=True).body == "raw text"
    assert told.heard[1][1] == "/v1/things?page=3&teamId=team_1"


def test_a_wait_may_be_asked_for_as_a_date() -> None:
    moment = datetime.now(UTC) + timedelta(seconds=100)

    waits = Reply(503, None, {"retry-after": format_datetime(moment, usegmt=True)}).wait_seconds

    assert waits is not None
    assert 90 < waits <= 100
    assert Reply(503, None, {"retry-after": "soon"}).wait_seconds is None
