"""The doctor enters the limiter's store and compares values by what they hold, telling neither."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from drillbook.core.errors import Failed, SettingsInvalid
from drillbook.range.cloud import TEAM
from drillbook.range.valkey import ValkeyServer
from drillbook.stack import fixing_proofs
from drillbook.stack.stack import Stack, load_stack
from twins.vercel_cloud import VercelCloud

TEXT = """\
[environments.production.app]
provider = "vercel"
url = "{app}"
project = "booking"
team = "{team}"
token = "file:token"
api = "{api}"

[environments.production.app.values]
WELCOME = "file:greeting"

[environments.production.limits]
url = "file:valkey"
prefix = "shop:limit:"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ValkeyServer]:
    server = ValkeyServer(tmp_path / "server")
    server.start(tied=True)
    yield server
    server.stop()


@pytest.fixture
def stack(twin: VercelCloud, tmp_path: Path, store: ValkeyServer) -> Stack:
    (tmp_path / "token").write_text(twin.cloud.token("vercel"))
    (tmp_path / "greeting").write_text("good morning, 4711")
    wish = {"key": "WELCOME", "value": "good morning, 4711", "type": "encrypted"}
    twin.ask("POST", "/v10/projects/booking/env", {**wish, "target": ["production"]})
    (tmp_path / "valkey").write_text(store.url)
    app = twin.cloud.app_url("production")
    (tmp_path / "stack.toml").write_text(TEXT.format(app=app, team=TEAM, api=twin.url))
    return load_stack(tmp_path / "stack.toml")


def test_what_is_right_is_proven_and_what_is_not_is_named(
    stack: Stack, store: ValkeyServer, tmp_path: Path
) -> None:
    assert "nothing begins with shop:limit: now" in fixing_proofs.limits(stack, "production")
    says = fixing_proofs.values(stack, "production")
    assert says == "1 values are as the hosting has them"

    store.kill()
    (tmp_path / "greeting").write_text("good evening, 4711")

    with pytest.raises(Failed, match="cannot be reached"):
        fixing_proofs.limits(stack, "production")
    with pytest.raises(Failed, match="other values than the stack refers to: WELCOME"):
        fixing_proofs.values(stack, "production")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('url = "http://cache"\nprefix = "a:"', "rediss:// or redis://"),
        ('url = "redis://cache"\nprefix = ":"', "what the names of the counts begin with"),
        ('url = "redis://cache"\nprefix = "a:"\nswitched_off = "no"', "and no switch"),
        ('url = "redis://:word@cache"\nprefix = "a:"', "password in plain text"),
    ],
)
def test_a_wrong_limits_section_stops_the_start(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "stack.toml").write_text(f"[environments.production.limits]\n{line}\n")

    with pytest.raises(SettingsInvalid, match=says):
        load_stack(tmp_path / "stack.toml")
