import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from checks.app import Received, serving
from drillbook.actions import errors
from drillbook.actions.errors import Verdict, Watched
from drillbook.core.effect import Effect
from drillbook.core.errors import Refused, Unavailable
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.stack.stack import Stack, load_stack

WINDOW = timedelta(milliseconds=400)


def stack_for(folder: Path, url: str) -> Stack:
    (folder / "stack.toml").write_text(
        f'[environments.test.app]\nurl = "{url}"\nhealth = "/health"\n'
        '[environments.test.logs]\npath = "app.jsonl"\n'
    )
    return load_stack(folder / "stack.toml")


def entry(seconds_ago: float, status: int, path: str = "/api/book", **more: object) -> str:
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    told = {"timestamp": at.isoformat(), "status": status, "path": path, "message": "m"}
    return json.dumps(told | more)


def watch(folder: Path, url: str, lines: list[str], **values: object) -> Watched:
    (folder / "app.jsonl").write_text("".join(f"{line}\n" for line in lines))
    stack = stack_for(folder, url)
    ports = stack.port("test", Logs), stack.port("test", Probe), Effect(key="k")
    return errors.watch.do(*ports, lasting=WINDOW, **values)


def writing(folder: Path, *statuses: int) -> object:
    """An app whose users come while the health probe is answered."""

    def answer(request: Received) -> tuple[int, object]:
        with (folder / "app.jsonl").open("a") as log:
            log.write(entry(0, 200, "/health") + "\n")
            for status in statuses:
                log.write(entry(0, status) + "\n")
        return 200, {"status": "ok"}

    return answer


def test_as_few_errors_as_before_is_normal(tmp_path: Path) -> None:
    before = [entry(300 - n, 500 if n % 50 == 0 else 200) for n in range(200)]

    with serving({"/health": writing(tmp_path, 200, 200, 200)}) as app:
        watched = watch(tmp_path, app.url, before)

    assert watched.verdict is Verdict.NORMAL
    assert (watched.before_requests, watched.before_errors) == (200, 4)
    assert watched.requests == 3 * watched.probes
    assert (watched.errors, watched.rate, watched.probes_failed) == (0, 0.0, 0)


def test_errors_that_chance_does_not_explain_are_raised_with_examples(tmp_path: Path) -> None:
    before = [entry(300 - n, 200) for n in range(100)]

    with serving({"/health": writing(tmp_path, 200, 500, 502, 500)}) as app:
        watched = watch(tmp_path, app.url, before)

    assert watched.verdict is Verdict.RAISED
    assert watched.errors == 3 * watched.probes
    assert watched.examples == ("500 /api/book m", "502 /api/book m")
    assert "more errors than before" in watched.says


@pytest.mark.parametrize(
    ("milliseconds", "asked", "many", "verdict", "says"),
    [
        (20, True, 1, Verdict.NORMAL, ""),
        (600, True, 1, Verdict.RAISED, "answers are slower than before: "),
        (600, False, 1, Verdict.NORMAL, ""),
        (600, True, 40, Verdict.NORMAL, "times as many come"),
    ],
)
def test_after_an_incident_answers_must_be_as_quick_as_before_it(
    tmp_path: Path, milliseconds: int, asked: bool, many: int, verdict: Verdict, says: str
) -> None:
    since, before = (datetime.now(UTC) - timedelta(seconds=each) for each in (30, 60))
    lines = [entry(600 - n, 200, milliseconds=20) for n in range(540)]
    lines += [entry(25 - n / many, 200, milliseconds=milliseconds) for n in range(20 * many)]

    with serving({"/health": (200, "ok")}) as app:
        watched = watch(tmp_path, app.url, lines, since=since, before=before if asked else None)

    assert (watched.verdict, watched.tail_milliseconds) == (verdict, milliseconds)
    assert says in watched.says
    assert bool(watched.slower) == bool(says)


def test_silence_is_shown_as_silence_and_never_as_a_rate_of_zero(tmp_path: Path) -> None:
    before = [entry(600 - n / 50, 200) for n in range(29_000)]

    with serving({"/health": writing(tmp_path)}) as app:
        watched = watch(tmp_path, app.url, before)

    assert watched.verdict is Verdict.SILENT
    assert watched.requests == 0
    assert watched.rate is None
    assert "requests were to be expected" in watched.says


def test_probes_that_fail_raise_even_when_the_log_says_nothing(tmp_path: Path) -> None:
    with serving({"/health": (500, "broken")}) as app:
        watched = watch(tmp_path, app.url, [])

    assert watched.verdict is Verdict.RAISED
    assert watched.probes_failed == watched.probes > 0
    assert "most probes failed" in watched.says


def test_error_lines_without_a_request_count(tmp_path: Path) -> None:
    since = datetime.now(UTC) - timedelta(seconds=20)
    lines = [
        json.dumps(
            {
                "time": (datetime.now(UTC) - timedelta(seconds=10)).timestamp(),
                "level": "ERROR",
                "msg": f"worker died {number}",
            }
        )
        for number in range(9)
    ]

    with serving({"/health": (200, "ok")}) as app:
        watched = watch(tmp_path, app.url, lines, since=since)

    assert watched.verdict is Verdict.RAISED
    assert watched.error_lines == 9
    assert len(watched.examples) == 5


def test_watching_from_the_future_is_refused(tmp_path: Path) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)

    with serving({}) as app, pytest.raises(Refused, match="lies in the future"):
        watch(tmp_path, app.url, [], since=later)


def test_a_log_that_is_not_there_is_known_before_the_waiting(tmp_path: Path) -> None:
    with serving({"/health": (200, "ok")}) as app:
        stack = stack_for(tmp_path, app.url)
        ports = stack.port("test", Logs), stack.port("test", Probe), Effect(key="k")
        with pytest.raises(Unavailable, match=r"app\.jsonl cannot be read: No such file"):
            errors.watch.do(*ports, lasting=timedelta(hours=1))

    assert app.received == []
