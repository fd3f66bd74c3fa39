"""The store of lines: what was kept is there for every process, once, and in order."""

from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.ports.logs import LogLine
from drillbook.providers.kept import KeptLogs
from drillbook.providers.kept.covering import Covered, join
from drillbook.providers.kept.writing import read, written

AT = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
texts = st.text(max_size=30)
lines = st.builds(
    LogLine,
    at=st.integers(0, 7_200_000).map(lambda number: AT + timedelta(milliseconds=number)),
    status=st.sampled_from([0, 200, 500]),
    message=texts,
    stack=texts,
    user=texts,
    milliseconds=st.none() | st.floats(0, 1e6),
    request=st.sampled_from(["", "a", "b"]),
)


@settings(max_examples=200, deadline=None)
@given(line=lines)
def test_a_line_is_read_as_it_was_written(line: LogLine) -> None:
    assert read(written(line)) == line
    assert written(line).count("\n") == 1


def test_lines_come_back_in_order_once_and_the_last_word_of_a_request_counts(
    tmp_path: Path,
) -> None:
    kept = KeptLogs(tmp_path)
    late = LogLine(AT + timedelta(seconds=5), 0, message="late")
    waits = LogLine(AT + timedelta(minutes=70), 504, request="r1")
    done = LogLine(AT + timedelta(minutes=70), 200, request="r1", message="answered")

    assert kept.keep([waits, LogLine(AT + timedelta(seconds=9), 0, message="first")]) == 2
    kept.keep([late, late, done])
    kept.keep([late])

    found = kept.between(AT, AT + 2 * HOUR).lines
    assert [line.message for line in found] == ["late", "first", "answered"]
    assert kept.newest() == done.at
    assert sum(path.read_text().count("late") for path in tmp_path.glob("*.jsonl")) == 2


def keep_many(folder: Path, number: int) -> None:
    kept = KeptLogs(folder)
    for at in range(50):
        kept.keep(
            [LogLine(AT + timedelta(seconds=at), 200, request=f"{number}-{at}", stack="x" * 5000)]
        )


def test_processes_that_keep_at_once_lose_no_line(tmp_path: Path) -> None:
    with ProcessPoolExecutor(2) as pool:
        list(pool.map(keep_many, [tmp_path] * 2, range(2)))

    assert len(KeptLogs(tmp_path).between(AT, AT + HOUR).lines) == 100


def test_old_hours_are_let_go(tmp_path: Path) -> None:
    kept = KeptLogs(tmp_path)
    kept.keep(LogLine(AT + number * HOUR, 200, request=str(number)) for number in range(4))

    assert kept.forget(AT + 2 * HOUR) == 2
    assert [line.request for line in kept.between(AT, AT + 9 * HOUR).lines] == ["2", "3"]


def test_a_new_hour_lets_go_of_those_two_weeks_before(tmp_path: Path) -> None:
    kept = KeptLogs(tmp_path)

    kept.keep([LogLine(AT - timedelta(days=15), 200, request="old")])
    kept.keep([LogLine(AT - timedelta(days=13), 200, request="young")])
    kept.keep([LogLine(AT, 200, request="new"), LogLine(AT + timedelta(days=9999), 200)])

    found = kept.between(AT - timedelta(days=20), AT + HOUR).lines
    assert [line.request for line in found] == ["young", "new"]


def second(number: int) -> datetime:
    return AT + timedelta(seconds=number)


@settings(max_examples=150, deadline=None)
@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 10)), max_size=8),
    asked=st.tuples(st.integers(0, 40), st.integers(0, 20)),
)
def test_what_is_covered_is_what_was_read_and_the_gaps_are_the_rest(
    spans: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    covered, read_of = Covered(), set[int]()
    for start, length in spans:
        covered = join(covered, second(start), second(start + length), second(start))
        read_of |= set(range(start, start + length))
    start, end = asked[0], sum(asked)

    gaps = covered.gaps(second(start), second(end))

    missing = {
        number for number in range(start, end)
        if any(gap[0] <= second(number) < gap[1] for gap in gaps)
    }  # fmt: skip
    assert missing == set(range(start, end)) - read_of
    assert gaps == sorted(gaps, reverse=True)
    assert all(covered.holds(second(number)) for number in read_of)


def test_what_is_covered_is_known_to_the_next_process(tmp_path: Path) -> None:
    KeptLogs(tmp_path).cover(second(0), second(60), second(30))

    assert KeptLogs(tmp_path).covered() == Covered(((second(0), second(60)),), second(30))
    (tmp_path / "covered.json").write_text("{}")
    assert KeptLogs(tmp_path).covered() == Covered()
