import tomllib
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.toml_lines import key_lines, line_of

TEXT = '''# a comment with [brackets] = and "quotes"
[one] # tail
a = 1
"b c" = """
[not.a.table]
x = 2
"""
d.e = [
  1, # [no]
  { f = "}", g = 2 },
]
[one.two]
h = { i = { j = 'x # y' }, k = "a\\"]" }
[[three]]
l = 1
[[three]]
l = 2
m = 1979-05-27T07:32:00Z
'''


def test_each_key_has_its_line() -> None:
    lines = key_lines(TEXT)

    assert lines["one",] == 2
    assert lines["one", "a"] == 3
    assert lines["one", "b c"] == 4
    assert lines["one", "d"] == lines["one", "d", "e"] == 8
    assert lines["one", "d", "e", "1", "g"] == 10
    assert lines["one", "two", "h", "k"] == 13
    assert lines["three", "0", "l"] == 15
    assert lines["three", "1", "l"] == 17
    assert lines["three", "1", "m"] == 18
    assert not any("not" in path or "x" in path for path in lines)


def test_the_line_of_an_unknown_key_is_that_of_its_table() -> None:
    assert line_of(key_lines(TEXT), ("one", "two", "missing", "deeper")) == 12
    assert line_of({}, ("anything",)) == 1


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="[]{}=.,\"'#\\\n ab1", max_size=60))
def test_every_key_that_tomllib_finds_has_a_line(text: str) -> None:
    lines = key_lines(text)
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    assert set(paths(tree)) <= set(lines)


def paths(tree: dict[str, object], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in tree.items():
        if "\\" not in key:
            yield (*above, key)
            if isinstance(value, dict):
                yield from paths(value, (*above, key))
