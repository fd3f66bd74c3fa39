"""Who is blocked does not reach the app, at a real edge; and everybody else does."""

import http.client
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

import pytest

from drillbook.actions import app
from drillbook.actions.app import blocking, shedding
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused
from drillbook.providers.vercel.firewall import VercelFirewall
from drillbook.range.cloud import TEAM
from drillbook.range.traffic.client import Client, Step
from drillbook.range.traffic.pace import Pace
from drillbook.range.traffic.recorder import READS, Recorder
from drillbook.range.traffic.shape import Flow
from postgres.dying import dies_at
from twins.vercel_cloud import VercelCloud

EFFECT = Effect(key="run:5.5", run="run")
SCANNER, USER = "127.9.0.7", "127.1.0.1"


@pytest.fixture
def firewall(twin: VercelCloud) -> Iterator[VercelFirewall]:
    yield VercelFirewall(
        api=twin.url,
        token=lambda: twin.cloud.token("vercel"),
        project="booking",
        team=TEAM,
        url=lambda: twin.cloud.app_url("production"),
    )
    config = {"firewallEnabled": True, "ips": [], "rules": []}
    twin.ask("PUT", "/v1/security/firewall/config", config, projectId="booking")
    off = {"projectId": "booking", "attackModeEnabled": False}
    twin.ask("POST", "/v1/security/attack-mode", off)


def asked(twin: VercelCloud, by: str, environment: str = "production") -> tuple[int, str]:
    """Ask the app's address from another one; return the status and what the firewall says."""
    port = int(twin.cloud.app_url(environment).rpartition(":")[2])
    connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(by, 0))
    try:
        connection.request("GET", "/api/version")
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return answer.status, answer.headers.get("x-vercel-mitigated", "")


def test_one_source_is_kept_out_and_let_in_again(
    twin: VercelCloud, firewall: VercelFirewall
) -> None:
    before = blocking.remember_source(firewall, EFFECT, address=SCANNER)
    assert blocking.look_blocked(firewall, EFFECT, address=SCANNER) is None
    assert asked(twin, SCANNER) == (200, "")

    done = app.block_source.do(firewall, EFFECT, address=SCANNER)

    assert done.by_task
    assert asked(twin, SCANNER) == (403, "deny")
    assert asked(twin, USER) == (200, "")
    assert asked(twin, SCANNER, "staging") == (200, "")  # another host, which nobody named
    assert blocking.look_blocked(firewall, EFFECT, address=SCANNER) == done
    app.block_source.do(firewall, EFFECT, address=SCANNER)
    assert len(firewall.blocked()) == 1  # twice is once

    after = blocking.undo_block(before, firewall, EFFECT, address=SCANNER)

    assert not after.was_blocked
    assert asked(twin, SCANNER) == (200, "")
    assert not blocking.undo_block(before, firewall, EFFECT, address=SCANNER).was_blocked


def test_blocking_killed_at_its_moment_is_done_once(
    twin: VercelCloud, firewall: VercelFirewall
) -> None:
    assert dies_at(1, EFFECT, lambda mine: app.block_source.do(firewall, mine, address=SCANNER))
    assert blocking.look_blocked(firewall, EFFECT, address=SCANNER) is None
    firewall.block(SCANNER, f"{blocking.BY}{EFFECT.key}")  # and here the worker dies

    assert blocking.look_blocked(firewall, EFFECT, address=SCANNER) is not None
    assert asked(twin, SCANNER) == (403, "deny")


def test_what_somebody_else_has_blocked_stays_blocked(
    twin: VercelCloud, firewall: VercelFirewall
) -> None:
    firewall.block(SCANNER, "by Ana")
    before = blocking.remember_source(firewall, EFFECT, address=SCANNER)

    done = app.block_source.do(firewall, EFFECT, address=SCANNER)
    after = blocking.undo_block(before, firewall, EFFECT, address=SCANNER)

    assert not done.by_task
    assert after.was_blocked
    assert asked(twin, SCANNER) == (403, "deny")


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("127.0.0.0/8", "wider than /24"),
        ("2001:db8::/32", "wider than /64"),
        ("example.com", "is no IP address"),
        ("", "is no IP address"),
    ],
)
def test_many_and_nobody_are_not_blocked(firewall: VercelFirewall, address: str, says: str) -> None:
    with pytest.raises(Refused, match=says):
        app.block_source.do(firewall, EFFECT, address=address)
    assert firewall.blocked() == ()


def test_while_clients_are_challenged_browsers_pass_and_others_do_not(
    twin: VercelCloud, firewall: VercelFirewall
) -> None:
    before = shedding.remember_mode(firewall, EFFECT)
    assert shedding.look_shed(firewall, EFFECT) is None
    folder, record = twin.cloud.environment("production"), StringIO()
    chance = Random(1)  # noqa: S311 - nothing is guarded by it
    browser = Client(folder, Recorder(record), Pace(Flow()), 1, chance)

    done = app.shed.do(firewall, EFFECT, lasts=timedelta(minutes=5))

    assert done.until is not None
    assert done.until > datetime.now(UTC) + timedelta(minutes=4)
    assert asked(twin, SCANNER) == (403, "challenge")
    assert browser.ask(Step(READS, "GET", "/api/version"))
    assert browser.ask(Step(READS, "GET", "/api/version"))
    assert '"ok": false' not in record.getvalue()
    assert shedding.look_shed(firewall, EFFECT) == done

    undone = shedding.undo_shed(before, firewall, EFFECT)

    assert not undone.on
    assert asked(twin, SCANNER) == (200, "")
    assert not shedding.undo_shed(before, firewall, EFFECT).on

    firewall.set_attack_mode(True, None)  # somebody else, against an attack of now
    with pytest.raises(Refused, match="without an end by now, which this task has not set"):
        shedding.undo_shed(before, firewall, EFFECT)
    assert firewall.attack_mode().on
