"""Values in words: flat, short, and nothing in them that is not seen."""

import pytest
from pydantic import JsonValue

from drillbook.web.report.report import Value
from drillbook.web.report.wording import cut, plural, shown, span_of_time, visible


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"), (0.0001, "<1 ms"), (0.0005, "<1 ms"), (0.34, "340 ms"), (0.9996, "1.00 s"),
        (2.414, "2.41 s"), (9.996, "10.0 s"), (12.34, "12.3 s"), (59.96, "1 min 00 s"),
        (192, "3 min 12 s"), (3599.7, "1 h 00 min"), (7500, "2 h 05 min"), (86400, "1 d 0 h"),
    ],
)  # fmt: skip
def test_seconds_read_as_people_say_them(seconds: float, words: str) -> None:
    assert span_of_time(seconds) == words


def test_nothing_hidden_passes() -> None:
    hostile = "a\x00\x1b[2J\x7f\u202e\u2066\u200b\ufeff\u2028\ud800z\r\n\tü 数 👩‍🚒"

    seen = visible(hostile)

    assert seen == ("a␀␛[2J␡[U+202E][U+2066][U+200B][U+FEFF][U+2028][U+D800]z\n\tü 数 👩\u200d🚒")
    seen.encode("utf-8")


def test_what_is_cut_says_so() -> None:
    assert cut("x" * 12, 10) == "x" * 10 + " … (cut: 12 characters in all)"
    assert cut("x" * 10, 10) == "x" * 10


@pytest.mark.parametrize(
    ("data", "flat"),
    [
        ({"a": {"b": 1, "c": True}}, [("a.b", "1"), ("a.c", "true")]),
        ({"a": [1, "x", None]}, [("a", "1, x, null")]),
        ({"a": []}, [("a", "[]")]),
        ({}, []),
        (
            {"f": {"name": "up.sql", "sha256": "ab" * 32, "text": "SELECT 1"}},
            [("f", "up.sql (sha256 abababababab)")],
        ),
        ({"a": [[1], [2]]}, [("a[0]", "1"), ("a[1]", "2")]),
        ({"o": {f"t{n}": f"{n:016x}" for n in range(9)}}, [("o", "9 digests, by name")]),
    ],
)
def test_values_are_told_flat(data: JsonValue, flat: list[tuple[str, str]]) -> None:
    told = shown(data).values

    assert [(value.name, value.text) for value in told] == flat


def test_alike_objects_become_a_table_that_says_what_it_leaves_out() -> None:
    rows: list[JsonValue] = [{"table": f"t{n}", "rows": n} for n in range(50)]

    grid = shown({"sizes": rows}).grids[0]

    assert (grid.name, grid.columns) == ("sizes", ("table", "rows"))
    assert (len(grid.rows), grid.rows[3], grid.left_out) == (40, ("t3", "3"), 10)


def test_a_large_mapping_becomes_a_table() -> None:
    grid = shown({"rows": {f"t{n}": n for n in range(8)}}).grids[0]

    assert grid.columns == ("name", "value")
    assert grid.rows[7] == ("t7", "7")


def test_many_values_are_counted_not_lost() -> None:
    told = shown({f"v{n}": n for n in range(100)})

    assert (len(told.values), told.left_out) == (60, 40)
    assert told.values[0] == Value(name="v0", text="0")


def test_words_count() -> None:
    assert [plural(1, "entry"), plural(2, "entry"), plural(1200, "task")] == [
        "1 entry", "2 entries", "1,200 tasks",
    ]  # fmt: skip
