"""`deployment.watch` on real log files and a real app that answers over HTTP."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from checks.app import Received, serving
from drillbook.actions.deployment.watching import Watched, watch
from drillbook.analysis.sequential.judging import Verdict
from drillbook.core.effect import Effect, Evidence
from drillbook.core.errors import Refused
from drillbook.core.files import File
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.stack.stack import load_stack

OLD, NEW = "a" * 40, "b" * 40
# All lines of a test are so long ago from one moment: on a busy machine writing them takes seconds.
_began = [datetime.now(UTC)]
SHORT = timedelta(milliseconds=50)


def line(
    seconds_ago: float,
    status: int = 200,
    path: str = "/api/slots",
    commit: str = OLD,
    ms: float = 5,
) -> str:
    at = _began[0] - timedelta(seconds=seconds_ago) if seconds_ago else datetime.now(UTC)
    return json.dumps({
        "timestamp": at.isoformat(), "method": "GET", "path": path, "status": status,
        "milliseconds": ms, "commit": commit[:7] if commit else "",
    })  # fmt: skip


def day(count: int = 1000, errors: int = 10, ms: float = 5.0, commit: str = OLD) -> list[str]:
    """Requests of an hour that ended a minute ago, errors spread evenly, times around `ms`."""
    every = count // errors if errors else count + 1
    return [
        line(3660 - 3600 * n / count, 500 if n % every == 7 else 200, commit=commit,
             ms=ms * (1 + n % 10 / 10))
        for n in range(count)
    ]  # fmt: skip


class Kept:
    """Keeps evidence as the engine does, in memory."""

    def __init__(self, *, cancelled: bool = False) -> None:
        self.cancelled = cancelled
        self.pictures: list[bytes] = []
        self.said: list[str] = []

    def effect(self) -> Effect:
        def keep(name: str, data: bytes, media_type: str) -> Evidence:
            self.pictures.append(data)
            return Evidence(sha256="0" * 64, size_bytes=len(data), name=name, media_type=media_type)

        return Effect(
            key="k",
            keep=keep,
            progress=lambda says, _: self.said.append(says),
            cancel_asked=lambda: self.cancelled,
        )


def watched(
    folder: Path, url: str, lines: list[str], *, kept: Kept | None = None, **values: object
) -> Watched:
    (folder / "app.jsonl").write_text("".join(f"{each}\n" for each in lines))
    (folder / "stack.toml").write_text(
        f'[environments.test.app]\nurl = "{url}"\nhealth = "/health"\n'
        '[environments.test.logs]\npath = "app.jsonl"\n'
    )
    stack = load_stack(folder / "stack.toml")
    ports = stack.port("test", Logs), stack.port("test", Probe), (kept or Kept()).effect()
    given = {"lasting": SHORT, "at_least": SHORT, "probes": 0, **values}
    return watch.do(*ports, **given)


def ago(seconds: float) -> datetime:
    return _began[0] - timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _moment() -> None:
    _began[0] = datetime.now(UTC)


@pytest.fixture(scope="module")
def app() -> Iterator[str]:
    with serving({"/health": (200, {"status": "ok"}), "/api/slots": (200, {})}) as found:
        yield found.url


def test_a_release_as_good_as_the_one_before_passes(tmp_path: Path, app: str) -> None:
    after = [line(50 - n / 20, commit=NEW) for n in range(800)]
    kept = Kept()

    found = watched(tmp_path, app, day() + after, since=ago(55), commit=NEW, kept=kept)

    assert found.verdict is Verdict.PASS, found.says
    assert (found.before_requests, found.before_errors, found.requests) == (1000, 10, 800)
    assert found.e_value < 2
    assert found.harmless_e_value >= 100
    assert found.still_needed == 0
    assert found.compared == "before and after"
    assert kept.pictures[0].startswith(b"<svg ")
    assert kept.pictures[0].count(b"<polyline") == 2
    assert "e-value" in found.says


def test_a_release_that_throws_fails_at_once_and_says_the_numbers(tmp_path: Path, app: str) -> None:
    after = [line(50 - n, 500 if n % 4 == 0 else 200, commit=NEW) for n in range(48)]

    found = watched(
        tmp_path, app, day() + after, since=ago(55), commit=NEW, lasting=timedelta(minutes=5)
    )

    assert found.verdict is Verdict.FAIL
    assert found.e_value >= 100
    assert "12 of 48 requests failed, 10 of 1000 before" in found.says
    assert found.examples == ("500 GET /api/slots",)
    assert [(one.release, one.errors) for one in found.by_release] == [(NEW[:7], 12)]


def test_a_release_that_is_slow_fails_and_one_a_little_slower_does_not(
    tmp_path: Path, app: str
) -> None:
    slow = [line(50 - 2 * n, commit=NEW, ms=400) for n in range(24)]
    little = [line(50 - 2 * n, commit=NEW, ms=20) for n in range(24)]

    failed = watched(tmp_path, app, day() + slow, since=ago(55), commit=NEW)
    borne = watched(tmp_path, app, day() + little, since=ago(55), commit=NEW)

    assert failed.verdict is Verdict.FAIL
    assert "slower" in failed.says
    assert failed.latency[1].after_milliseconds == 400
    assert failed.latency[1].slow == 24
    assert borne.verdict is not Verdict.FAIL, borne.says


def test_slowness_in_a_spike_of_users_is_no_proof(tmp_path: Path, app: str) -> None:
    spike = [line(50 - n / 40, commit=NEW, ms=400) for n in range(1900)]

    found = watched(tmp_path, app, day(count=500, errors=5) + spike, since=ago(55), commit=NEW)

    assert found.verdict is Verdict.INCONCLUSIVE, found.says


def test_zero_traffic_is_inconclusive_with_the_requests_needed(tmp_path: Path, app: str) -> None:
    found = watched(tmp_path, app, day(errors=1), since=ago(30))

    assert found.verdict is Verdict.INCONCLUSIVE
    assert "silence is no proof" in found.says
    assert found.requests == 0
    assert found.still_needed is not None
    assert 300 < found.still_needed < 1200


def test_an_empty_log_is_inconclusive(tmp_path: Path, app: str) -> None:
    found = watched(tmp_path, app, [])

    assert found.verdict is Verdict.INCONCLUSIVE
    assert (found.requests, found.before_requests) == (0, 0)


def test_a_commit_that_does_not_serve_gets_no_verdict_from_others(tmp_path: Path, app: str) -> None:
    after = [line(50 - n / 20, 500, commit=OLD) for n in range(800)]

    found = watched(tmp_path, app, day() + after, since=ago(55), commit="c" * 40)

    assert found.verdict is Verdict.INCONCLUSIVE
    assert found.requests == 0
    assert [(one.release, one.requests) for one in found.by_release] == [(OLD[:7], 800)]


def test_side_by_side_a_burst_that_both_meet_fails_nobody(tmp_path: Path, app: str) -> None:
    both = [
        line(290 - n / 4, 503 if 400 < n < 500 else 200, commit=NEW if n % 2 else OLD)
        for n in range(1160)
    ]

    found = watched(tmp_path, app, day() + both, since=ago(300), commit=NEW)

    assert found.compared == "side by side"
    assert found.errors > 40
    assert found.verdict is not Verdict.FAIL, found.says


def test_side_by_side_the_release_with_more_errors_fails(tmp_path: Path, app: str) -> None:
    both = [
        line(290 - n / 4, 500 if n % 10 == 1 else 200, commit=NEW if n % 2 else OLD)
        for n in range(1160)
    ]

    found = watched(tmp_path, app, day() + both, since=ago(300), commit=NEW)

    assert found.compared == "side by side"
    assert found.verdict is Verdict.FAIL
    assert "of the other release" in found.says


def test_lines_left_over_from_the_old_release_make_no_side_by_side(
    tmp_path: Path, app: str
) -> None:
    tail = [line(55 - n, 500, commit=OLD) for n in range(4)]
    after = [line(50 - n, commit=NEW) for n in range(48)]

    found = watched(tmp_path, app, day() + tail + after, since=ago(56), commit=NEW)

    assert found.compared == "before and after"
    assert (found.requests, found.errors) == (48, 0)


def test_a_log_without_releases_compares_before_and_after(tmp_path: Path, app: str) -> None:
    lines = day(commit="") + [line(50 - n, 500, commit="") for n in range(40)]

    found = watched(tmp_path, app, lines, since=ago(55), commit=NEW)

    assert (found.compared, found.verdict) == ("before and after", Verdict.FAIL)
    assert found.by_release == ()


def checks_file(text: str) -> File:
    return File(name="checks.toml", text=text, sha256=sha256(text.encode()).hexdigest())


@contextmanager
def logging_app(folder: Path, status: int, commit: str = NEW) -> Iterator[str]:
    """An app that logs each request it answers, as real ones do, our probes among them."""

    def answer(request: Received) -> tuple[int, object]:
        with (folder / "app.jsonl").open("a") as log:
            log.write(line(0, status, request.path, commit) + "\n")
        return status, {}

    with serving({"/health": (200, {}), "/api/slots": answer, "/": answer}) as found:
        yield found.url


def test_without_users_probes_of_what_users_asked_for_find_the_errors(tmp_path: Path) -> None:
    with logging_app(tmp_path, 500) as url:
        found = watched(
            tmp_path, url, day(), since=ago(25), commit=NEW, probes=600,
            lasting=timedelta(seconds=30), bursts=timedelta(0),
        )  # fmt: skip

    assert found.verdict is Verdict.FAIL, found.says
    assert found.probed_paths == ("/api/slots",)
    assert found.probes == found.probes_failed < 60
    # The app logged our probes, and they are not taken for users.
    assert (found.requests, found.errors) == (0, 0)


def test_probes_a_login_keeps_out_say_nothing(tmp_path: Path) -> None:
    with logging_app(tmp_path, 401) as url:
        found = watched(tmp_path, url, day(), probes=600)

    assert found.probes > 0
    assert found.verdict is Verdict.INCONCLUSIVE
    assert "0 of 0 probes" in found.says


def test_a_checks_file_names_the_paths_to_probe(tmp_path: Path) -> None:
    file = checks_file(
        '[[http]]\nname = "own word"\npath = "/health"\n'
        '[[http]]\nname = "front"\npath = "/"\n'
        '[[http]]\nname = "book"\npath = "/api/bookings"\nmethod = "POST"\n'
        '[[http]]\nname = "mine"\npath = "/api/mine"\n'
        'headers = {Authorization = "Bearer env:MINE"}\n'
    )
    with logging_app(tmp_path, 200) as url:
        found = watched(tmp_path, url, [*day(), line(90, path="/")], probes=600, file=file)

    assert found.probed_paths == ("/",)
    assert found.probes_failed == 0


def test_an_app_that_answers_nobody_fails_and_one_that_serves_users_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.actions.deployment.watch_looks.DEAD_SECONDS", 0.2)
    nowhere = "http://127.0.0.1:9"
    stop = threading.Event()

    dead = watched(tmp_path, nowhere, day(), probes=600, lasting=timedelta(seconds=5))

    assert dead.verdict is Verdict.FAIL
    assert "nothing has answered" in dead.says
    assert dead.probes_unanswered == dead.probes
    (tmp_path / "served").mkdir()

    def users() -> None:
        while not stop.wait(0.05):
            with (tmp_path / "served" / "app.jsonl").open("a") as log:
                log.write(line(0, commit="") + "\n")

    thread = threading.Thread(target=users)
    thread.start()
    try:
        time.sleep(0)
        served = watched(tmp_path / "served", nowhere, day(commit=""), probes=None)
    finally:
        stop.set()
        thread.join()
    assert served.verdict is Verdict.INCONCLUSIVE, served.says


def test_a_log_too_large_to_be_read_whole_is_said(
    tmp_path: Path, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("drillbook.providers.logfile.log.LARGEST_READ_BYTES", 20_000)

    found = watched(tmp_path, app, day(), since=ago(30))

    assert found.cut
    assert 0 < found.before_requests < 1000
    assert "too large to be read whole" in found.says


def test_lines_written_late_or_by_a_clock_ahead_are_counted(tmp_path: Path, app: str) -> None:
    shuffled = [line(seconds, commit=NEW) for seconds in (-20, 40, 12, 30, 14, 45)]

    found = watched(tmp_path, app, day() + shuffled, since=ago(55), commit=NEW)

    assert found.requests == 6


def test_a_cancelled_watch_ends_without_a_verdict(tmp_path: Path, app: str) -> None:
    kept = Kept(cancelled=True)

    found = watched(
        tmp_path, app, day(), since=ago(30), kept=kept, lasting=timedelta(hours=1),
        at_least=timedelta(hours=1),
    )  # fmt: skip

    assert found.verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"since": datetime.now(UTC) + timedelta(hours=1)}, "future"),
        ({"lasting": timedelta(0)}, "lasting"),
        ({"compared_with": timedelta(days=3)}, "compared_with"),
        ({"probes": -1}, "probes"),
    ],
)
def test_a_watch_that_makes_no_sense_is_refused(
    tmp_path: Path, app: str, values: dict[str, object], words: str
) -> None:
    with pytest.raises(Refused, match=words):
        watched(tmp_path, app, [], **values)
