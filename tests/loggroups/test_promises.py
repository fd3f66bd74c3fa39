"""What holds for any lines: each in one group, in any order, at once or bit by bit, bounded."""

import random
import tracemalloc
from collections import defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.loggroups import Grouper, compare, group, grouping

WORDS = ["session", "opened", "closed", "for", "user", "root", "anna", "10.0.0.1", "took", "3ms"]
WORDS += [
    "error",
    "payment",
    "refused",
    "by",
    "id=77",
    "/var/log/x.log",
    '"a b"',
    "[1, 2]",
    "=",
    "x",
]
LINES = st.lists(st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join), max_size=40)
ANY_LINES = st.lists(st.text(max_size=60), max_size=30)


def together(lines: list[str], of_line: list[int]) -> set[frozenset[str]]:
    """Which different lines are together."""
    found = defaultdict(set)
    for line, number in zip(lines, of_line, strict=True):
        found[number].add(line)
    return {frozenset(each) for each in found.values()}


@given(st.one_of(LINES, ANY_LINES))
def test_each_line_is_in_exactly_one_group_and_counts_firsts_and_lasts_are_of_its_lines(
    lines: list[str],
) -> None:
    found = group(lines)

    assert len(found.of_line) == len(lines)
    assert sum(each.count for each in found.groups) == len(lines)
    for number, each in enumerate(found.groups):
        places = [at for at, of in enumerate(found.of_line) if of == number]
        assert (each.count, each.first, each.last) == (len(places), places[0], places[-1])
        assert each.example == lines[places[0]]


@given(LINES, st.randoms(use_true_random=False))
def test_which_lines_are_together_does_not_depend_on_their_order(
    lines: list[str], draw: random.Random
) -> None:
    mixed = list(lines)
    draw.shuffle(mixed)

    assert together(lines, group(lines).of_line) == together(mixed, group(mixed).of_line)


@given(st.one_of(LINES, ANY_LINES), st.integers(0, 40))
def test_lines_that_come_bit_by_bit_are_grouped_as_if_they_had_come_at_once(
    lines: list[str], cut: int
) -> None:
    grouper = Grouper()
    grouper.add(lines[:cut])
    grouper.groups()
    grouper.add(lines[cut:])

    assert grouper.groups() == group(lines)


@given(LINES, LINES)
def test_a_comparison_counts_each_line_once_on_its_side(
    before: list[str], after: list[str]
) -> None:
    found = compare(before, after, before_exposure=60, after_exposure=30)

    assert sum(each.before for each in found.changes) == len(before)
    assert sum(each.after for each in found.changes) == len(after)
    for number, each in enumerate(found.changes):
        assert each.before == found.of_line_before.count(number)
        assert each.after == found.of_line_after.count(number)
        if each.first_after is not None:
            assert found.of_line_after.index(number) == each.first_after


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_a_healthy_app_at_the_same_rates_has_nothing_that_surely_changed(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    messages = [f"message {'abcdefgh'[n]} came" for n in range(8)]
    weights = [2.0**-n for n in range(8)]
    before, after = (draw.choices(messages, weights, k=300) for _ in range(2))

    found = compare(before, after, before_exposure=300, after_exposure=300)

    assert sum(each.is_sure for each in found.changes) <= 1


def test_more_different_lines_than_it_remembers_are_together_by_their_first_words_and_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(grouping, "MOST_SHAPES", 50)
    monkeypatch.setattr(grouping, "MOST_COARSE", 2)
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = [a + b + c for a in letters for b in letters[:4] for c in letters[:3]]
    lines = [f"{word} {word} {word} {word} {word}" for word in words] + ["a known one"]

    found = group(["a known one", *lines])

    coarse = [each for each in found.groups if each.coarse]
    assert sum(each.count for each in found.groups) == len(lines) + 1
    assert [each.count for each in found.groups if not each.coarse and each.first == 0] == [2]
    assert len(coarse) == 3
    assert all(each.template.endswith("…") for each in coarse)
    assert max(each.count for each in coarse) == len(words) - 49 - 2


@pytest.mark.parametrize(
    "line",
    [
        "x" * 2_000_000,
        "a.b-" * 500_000,
        "+" * 10_000,
        "1:" * 10_000,
        "/a" * 10_000 + "(" * 10_000,
        '"' * 9_999,
        "{" * 50_000,
        '{"msg":"' + "y " * 50_000 + '"}',
        "key=" * 3_000,
        bytes(range(256)).decode("latin-1") * 100,
        bytes(range(256)).decode("utf-8", "replace") * 100,
        "\ud800 lone surrogate",
        "\n" * 5_000,
        "\r\n\t\0 \x1e \x00",
        "",
    ],
    ids=lambda line: repr(line[:8]),
)
def test_a_line_of_any_kind_is_one_group_and_takes_little_memory(line: str) -> None:
    tracemalloc.start()

    found = group([line, "an ordinary line", line])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sorted(found.of_line) in ([0, 0, 1], [0, 1, 1])
    assert len(found.groups[0].example) <= grouping.LONGEST_LINE
    assert peak < 40_000_000


def test_lines_of_several_encodings_keep_their_words() -> None:
    lines = ["Ошибка оплаты 17", "Ошибка оплаты 18", "支払い 失敗 5", "caf\udce9 closed"]

    assert [each.count for each in group(lines).groups] == [2, 1, 1]
