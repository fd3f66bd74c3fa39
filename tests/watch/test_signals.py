"""What the signals come to, read from a real log; silence and damage are unknown, never health."""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from drillbook.analysis.raised import ENOUGH, Raising
from drillbook.analysis.sequential.counts import Counts
from drillbook.analysis.signals import SIGNALS, SignalUnknown, measured
from drillbook.compiler.check import check_book
from drillbook.ports.probe import Answer, Question
from drillbook.watch.measuring import Sight
from drillbook.watch.probing import Probes
from watch.logs import HEALTH, NOW, Log, value


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "app.log")


@pytest.fixture
def healthy(log: Log) -> Log:
    return log.requests(begin=1800, end=60, bad=0.002)


def test_every_signal_of_a_healthy_log_is_false_or_a_number(healthy: Log) -> None:
    sight = healthy.requests(begin=60, end=0).sight()

    assert value(sight, 'requests.count("5m")').value == 300
    assert value(sight, 'errors.rate("5m")').value == pytest.approx(0.0, abs=0.01)
    for name in ("errors.raised", "refusals.raised", "latency.raised", "logs.silent"):
        assert value(sight, f'{name}("5m")').value is False, name
    assert value(sight, 'latency.p95("5m")').value < timedelta(milliseconds=25)


def test_errors_are_raised_as_soon_as_chance_does_not_explain_them(healthy: Log) -> None:
    sight = healthy.requests(begin=60, end=20).requests(begin=20, end=0, bad=1.0).sight()

    found = value(sight, 'errors.raised("5m")')

    assert found.value is True
    assert "20 of 20 requests failed" in found.says


def test_one_second_without_a_server_raises_nothing(healthy: Log) -> None:
    healthy.requests(begin=60, end=0)
    sight = healthy.requests(begin=7, end=6, every=0.05, bad=1.0).sight()

    assert value(sight, 'errors.raised("5m")').value is False


def test_what_is_over_is_raised_no_more(healthy: Log) -> None:
    sight = healthy.requests(begin=60, end=40, bad=1.0).requests(begin=40, end=0).sight()

    found = value(sight, 'errors.raised("5m")')

    assert found.value is False
    assert "for a moment only" in found.says


def test_an_outage_of_hours_does_not_become_the_usual(healthy: Log) -> None:
    healthy.requests(begin=60, end=-7800, every=3, bad=0.5)
    sight = healthy.sight()
    for minute in range(1, 130, 3):
        now = NOW + timedelta(minutes=minute)
        assert sight.reader is not None
        sight.reader.read(now)
        assert value(sight, 'errors.raised("5m")', now).value is True, minute


def test_few_requests_are_surely_over_nothing_and_many_are(log: Log) -> None:
    sight = log.requests(begin=300, end=0, every=100, bad=1.0).requests(begin=250, end=0).sight()
    assert value(sight, 'errors.over("5m", 0.05)').value is False

    sight = log.requests(begin=200, end=0, every=5, bad=1.0).sight()
    assert value(sight, 'errors.over("5m", 0.05)').value is True


def test_one_client_that_tries_again_is_surely_over_nothing(log: Log) -> None:
    sight = log.requests(begin=40, end=0, every=10, bad=1.0).sight()

    assert value(sight, 'errors.over("5m", 0.05)').value is False
    assert value(sight, 'errors.rate("5m")').value == 1.0


def test_nobody_came_is_unknown_and_not_no_error(healthy: Log) -> None:
    sight = healthy.sight(NOW + timedelta(minutes=10))

    later = NOW + timedelta(minutes=10)
    for name in ("errors.rate", "errors.count", "errors.raised", "refusals.rate"):
        found = value(sight, f'{name}("5m")', later)
        assert not found.known, name
        assert "silence is no proof of health" in found.says
    assert value(sight, 'requests.missing("5m")', later).value is True
    assert value(sight, 'logs.silent("5m")', later).value is True


def test_a_log_that_cannot_be_read_is_unknown_with_the_reason(tmp_path: Path) -> None:
    sight = Log(tmp_path / "absent" / "app.log").sight()

    found = value(sight, 'errors.rate("5m")')

    assert not found.known
    assert "cannot be read" in found.says


def test_a_log_that_was_not_read_on_is_unknown_a_minute_later(healthy: Log) -> None:
    sight = healthy.requests(begin=60, end=-100).sight()

    assert not value(sight, 'errors.rate("5m")', NOW + timedelta(seconds=90)).known


def test_probes_scanners_and_noise_are_no_users(healthy: Log) -> None:
    healthy.requests(begin=60, end=0)
    healthy.requests(begin=60, end=0, bad=1.0, path=HEALTH, status=503)
    healthy.requests(begin=60, end=0, every=0.1, bad=1.0, path="/wp-login.php", status=404)
    healthy.requests(begin=60, end=0, every=0.1, bad=1.0, path="/admin.php", status=403)
    stamp = (NOW - timedelta(seconds=5)).isoformat()
    healthy.write(
        *[f'{{"time": "{stamp}", "level": "error", "message": "row {n}"}}' for n in range(99)]
    )
    sight = healthy.sight()

    assert value(sight, 'errors.raised("5m")').value is False
    assert value(sight, 'refusals.raised("5m")').value is False
    assert value(sight, 'errors.lines("5m")').value == 99


def test_one_client_with_a_wrong_password_is_no_incident_and_locked_out_users_are(
    log: Log,
) -> None:
    log.requests(begin=1800, end=0, users=40)
    log.requests(begin=60, end=0, every=0.2, bad=1.0, status=401, users=1)
    assert value(log.sight(), 'refusals.raised("5m")').value is False

    log.requests(begin=40, end=0, bad=1.0, status=429, users=30)
    assert value(log.sight(), 'refusals.raised("5m")').value is True


def test_people_refused_on_one_route_are_refused_though_pages_for_all_are_served(
    log: Log,
) -> None:
    log.requests(begin=1800, end=0, every=0.2, users=8, path="/api/slots")
    log.requests(begin=1800, end=30, users=8, path="/api/mine")
    log.requests(begin=1800, end=0, every=20, bad=1.0, status=401, users=2, path="/api/mine")
    assert value(log.sight(), 'refusals.raised("5m")').value is False

    log.requests(begin=30, end=0, bad=1.0, status=401, users=8, path="/api/mine")
    found = value(log.sight(), 'refusals.raised("5m")')
    assert found.value is True
    assert "of those who asked were refused" in found.says


def test_slow_is_what_a_person_feels(log: Log) -> None:
    log.requests(begin=1800, end=120).requests(begin=120, end=60, milliseconds=55)
    log.requests(begin=60, end=0, milliseconds=60)
    assert value(log.sight(), 'latency.raised("5m")').value is False

    log.requests(begin=55, end=15, every=8, milliseconds=300)  # a tail that grows
    assert value(log.sight(), 'latency.raised("5m")').value is False

    sight = log.requests(begin=40, end=0, milliseconds=400).sight()
    found = value(sight, 'latency.raised("5m")')
    assert found.value is True
    assert "took over" in found.says


def test_a_sixth_of_all_that_waits_is_slow_and_an_earlier_outage_neither_hides_nor_keeps_it(
    log: Log,
) -> None:
    log.requests(begin=1800, end=180, every=0.2)
    log.requests(begin=180, end=150, every=0.5, milliseconds=3000)
    log.requests(begin=150, end=30, every=0.2).requests(
        begin=150, end=30, every=6, milliseconds=600
    )
    assert value(log.sight(), 'latency.raised("5m")').value is False

    log.requests(begin=30, end=0, every=0.2).requests(begin=30, end=0, every=1, milliseconds=600)
    assert value(log.sight(), 'latency.raised("5m")').value is True


def test_one_route_that_hangs_is_slow_and_was_slow_when_it_is_over(log: Log) -> None:
    log.requests(begin=1800, end=0)
    hanging = log.requests(begin=60, end=0, every=4, milliseconds=9000, path="/pay").sight()
    assert value(hanging, 'latency.raised("5m")').value is True

    later = NOW + timedelta(seconds=60)
    log.requests(begin=0, end=-60)
    assert value(log.sight(later), 'latency.raised("5m")', later).value is False


def test_too_few_requests_know_no_quantile(log: Log) -> None:
    sight = log.requests(begin=50, end=0, every=10).sight()

    assert not value(sight, 'latency.p99("5m")').known
    assert value(sight, 'latency.p50("5m")').known


def test_lines_that_come_late_are_counted_once(healthy: Log) -> None:
    sight = healthy.requests(begin=60, end=0).sight()
    assert sight.reader is not None

    healthy.requests(begin=4, end=0, every=0.5)
    for seconds in (2, 4, 6):
        sight.reader.read(NOW + timedelta(seconds=seconds))

    assert value(sight, 'requests.count("1m")', NOW).value == 68


class _Answering:
    """The app as a probe meets it: down when the test says so."""

    health_path = HEALTH
    release_path = ""
    target = "http://app"

    def __init__(self) -> None:
        self.status = 200

    def ask(self, question: Question) -> Answer:
        assert question.path == HEALTH
        return Answer(self.status, 0.01)


def test_probes_fail_when_more_than_half_of_three_or_more_do() -> None:
    app = _Answering()
    sight = Sight("production", None, Probes(app))
    assert not value(sight, 'probes.failing("20s")').known
    assert not value(sight, 'errors.rate("5m")').known

    for seconds, status in ((15, 200), (10, 503)):
        app.status = status
        sight.probes and sight.probes.send(NOW - timedelta(seconds=seconds))
    assert not value(sight, 'probes.failing("20s")').known
    app.status = 0
    sight.probes and sight.probes.send(NOW - timedelta(seconds=5))

    assert value(sight, 'probes.failing("20s")').value is True
    assert value(sight, 'probes.rate("20s")').value == pytest.approx(2 / 3)


def test_usual_errors_that_trickle_on_keep_no_outage_going(log: Log) -> None:
    log.requests(begin=3000, end=180, every=0.5, bad=0.01)
    log.requests(begin=180, end=120, every=0.5, bad=0.3)
    log.requests(begin=120, end=0, every=0.5, bad=0.01)

    assert value(log.sight(), 'errors.raised("5m")').value is False
    again = log.requests(begin=25, end=0, every=0.5, bad=0.3).sight()
    assert value(again, 'errors.raised("5m")').value is True


def test_hours_of_looks_at_a_healthy_app_raise_no_alarm() -> None:
    raising, blocks = Raising(), dict[int, Counts]()
    log = Log(Path("unused"))
    highest = 0.0
    for block in range(1, 360 * 3):
        trials = log.random.randrange(4, 12)
        hits = sum(log.random.random() < 0.01 for _ in range(trials))
        blocks[block] = Counts(trials, hits)
        if hits and block > 360:
            highest = max(highest, raising.look(blocks, since=block - 30).log_evidence)

    assert highest < ENOUGH


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ('errors.rat("5m") > 0', "there is no signal errors.rat", "Did you mean errors.rate?"),
        ("errors.rate(5) > 0", "5 is not how far back", "It takes how far back"),
        ('errors.rate("2h") > 0', "not over 0 s and at most 1 h", "It takes"),
        ('errors.rate("5m", 1) > 0', "is given 2 values", "It takes"),
        ('errors.over("5m", 5)', "5 is not a share", "It takes a share"),
        ('errors.count("5m", 99) > 1', "99 is not a status", "It takes a status"),
        ("1 > 0", "names no signal", "errors.raised"),
    ],
)
def test_a_wrong_signal_is_an_error_with_its_place_and_a_hint(
    text: str, says: str, hint: str
) -> None:
    book = f"# B\n\n## Runbook: R\n\n### Symptoms\n- Bad `@when {text}`\n\n### Steps\n1. Do it\n"

    (found,) = check_book(book, name="r.md").diagnostics

    assert (found.code, found.line) == ("DB414", 6)
    assert says in found.message
    assert hint in found.hint


@given(some.text(alphabet='errors.rate("5m") >&|!0123,x', max_size=40))
def test_any_text_is_measured_or_refused_with_its_place(text: str) -> None:
    with suppress(SignalUnknown):
        assert all(each.text in text for each in measured(text).measurements.values())


def test_every_signal_says_what_it_is() -> None:
    assert all(signal.says and signal.takes for signal in SIGNALS.values())


def test_a_seldom_route_that_fails_is_raised_by_its_name(log: Log) -> None:
    log.requests(begin=1800, end=0, every=0.25, path="/api/slots")
    log.requests(begin=1800, end=40, every=4, path="/api/login")
    assert value(log.sight(), 'errors.raised("5m")').value is False

    found = value(
        log.requests(begin=40, end=0, every=4, bad=0.9, path="/api/login").sight(),
        'errors.raised("5m")',
    )

    assert found.value is True
    assert "/api/login" in found.says


def test_a_seldom_route_that_is_slow_is_raised_by_its_name_and_all_a_little_slower_are_not(
    log: Log,
) -> None:
    log.requests(begin=1800, end=60, every=0.5, path="/api/bookings/7")
    log.requests(begin=1800, end=30, every=4, path="/api/slots", milliseconds=60)
    log.requests(begin=60, end=0, every=0.1, path="/api/bookings/8", milliseconds=105)
    assert value(log.sight(), 'latency.raised("5m")').value is False

    log.requests(begin=30, end=0, every=2, path="/api/slots", milliseconds=400)
    found = value(log.sight(), 'latency.raised("5m")')
    assert found.value is True
    assert "/api/slots" in found.says

    later = NOW + timedelta(seconds=60)
    log.requests(begin=0, end=-60, every=4, path="/api/slots", milliseconds=60)
    assert value(log.sight(later), 'latency.raised("5m")', later).value is False
