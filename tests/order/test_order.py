"""The order of migration files is told by their names, else by git, else it is refused."""

import hashlib
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drillbook.analysis.order import named, ordered, version_of
from drillbook.core.migration_files import (
    Direction,
    OrderedBy,
    RefusalKind,
    SourceFile,
    SourceFolder,
)


def folder(paths: Iterable[str], *, no_history: str = "no git", **arrived: int) -> SourceFolder:
    files = tuple(
        SourceFile(
            path=path,
            sha256=hashlib.sha256(path.encode()).hexdigest(),
            text=f"SELECT '{path}'",
            arrived=arrived.get(path.partition(".")[0], 0),
            commit=f"commit{arrived.get(path.partition('.')[0], 0)}",
        )
        for path in paths
    )
    return SourceFolder(folder="m", files=files, no_history=no_history)


@pytest.mark.parametrize(
    ("path", "name", "direction"),
    [
        ("001_a.sql", "001_a", Direction.UP),
        ("001_a.up.sql", "001_a", Direction.UP),
        ("001_a.down.sql", "001_a", Direction.DOWN),
        ("001_a_down.sql", "001_a", Direction.DOWN),
        ("001_a-rollback.sql", "001_a", Direction.DOWN),
        ("down/001_a.sql", "001_a", Direction.DOWN),
        ("revert/a.sql", "a", Direction.DOWN),
        ("deploy/a.sql", "a", Direction.UP),
        ("verify/a.sql", "a", Direction.NEITHER),
        ("20240101120000_a/migration.sql", "20240101120000_a", Direction.UP),
        ("20240101120000_a/up.sql", "20240101120000_a", Direction.UP),
        ("20240101120000_a/down.sql", "20240101120000_a", Direction.DOWN),
        ("V1_2__a.sql", "V1_2__a", Direction.UP),
        ("U1_2__a.sql", "V1_2__a", Direction.DOWN),
        ("R__view.sql", "R__view", Direction.NEITHER),
        ("up_the_limits.sql", "up_the_limits", Direction.UP),
        ("rollback.sql", "rollback", Direction.UP),
    ],
)
def test_a_path_tells_its_migration_and_direction(
    path: str, name: str, direction: Direction
) -> None:
    found = named(path)

    assert (found.name, found.direction) == (name, direction)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2_b.sql", "10_a.sql"),
        ("V1.9__b.sql", "V1.10__a.sql"),
        ("20240101_z.sql", "20240101000001_a.sql"),
        ("20240101_02_z.sql", "20240101_10_a.sql"),
        ("2024-03-01-101500_z.sql", "2024_03_01_101600_a.sql"),
        ("0009_z.sql", "20240101120000_a.sql"),
    ],
)
def test_numbers_and_times_are_compared_as_such(earlier: str, later: str) -> None:
    order = ordered(folder([later, earlier]))

    assert [m.path for m in order.migrations] == [earlier, later]
    assert order.by is OrderedBy.NAMES
    assert not order.refusals


def test_a_way_back_is_paired_and_never_a_migration_of_its_own() -> None:
    order = ordered(
        folder(["1_a.sql", "1_a.down.sql", "2_b.sql", "down/2_b.sql", "verify/2_b.sql"])
    )

    assert [(m.name, m.down.path if m.down else "") for m in order.migrations] == [
        ("1_a.sql", "1_a.down.sql"),
        ("2_b.sql", "down/2_b.sql"),
    ]
    assert order.left_out == ("verify/2_b.sql",)


def test_a_folder_for_each_migration_gives_it_its_name() -> None:
    order = ordered(folder(["2_b/up.sql", "2_b/down.sql", "1_a/migration.sql"]))

    assert [m.name for m in order.migrations] == ["1_a", "2_b"]
    assert [m.version for m in order.migrations] == ["1", "2"]


def test_two_files_of_one_number_are_refused() -> None:
    (refusal,) = ordered(folder(["3_a.sql", "003_b.sql", "4_c.sql"])).refusals

    assert refusal.kind is RefusalKind.DUPLICATE
    assert "003_b.sql and 3_a.sql carry the same number" in refusal.says


def test_a_way_back_without_its_migration_is_refused() -> None:
    (refusal,) = ordered(folder(["1_a.sql", "2_b.down.sql"])).refusals

    assert refusal.kind is RefusalKind.NO_UP


@pytest.mark.parametrize("mark", ["-- migrate:down", "-- +goose Down", "--rambler down"])
def test_a_file_that_holds_both_ways_is_refused(mark: str) -> None:
    text = f"CREATE TABLE a ();\n{mark}\nDROP TABLE a;"
    files = (SourceFile(path="1_a.sql", sha256="0" * 64, text=text),)

    (refusal,) = ordered(SourceFolder(folder="m", files=files)).refusals

    assert refusal.kind is RefusalKind.BOTH_WAYS


def test_names_without_order_are_ordered_by_git() -> None:
    order = ordered(folder(["zebra.sql", "apple.sql", "new.sql"], no_history="", zebra=1, apple=2))

    assert order.by is OrderedBy.HISTORY
    assert [m.name for m in order.migrations] == ["zebra.sql", "apple.sql", "new.sql"]
    assert not order.refusals


def test_files_of_one_commit_without_numbers_are_refused() -> None:
    order = ordered(folder(["a.sql", "b.sql", "c.sql"], no_history="", a=1, b=1, c=2))

    assert [r.kind for r in order.refusals] == [RefusalKind.NO_ORDER]
    assert "a.sql and b.sql came with one commit" in order.refusals[0].says


def test_without_order_in_names_and_without_git_the_folder_is_refused() -> None:
    order = ordered(folder(["a.sql", "b.sql"], no_history="the repository is shallow"))

    assert order.by is OrderedBy.NOTHING
    assert "the repository is shallow" in order.refusals[0].says


VERSIONS = st.lists(
    st.integers(min_value=1, max_value=10**14 - 1), min_size=1, max_size=12, unique=True
)
WORDS = st.sampled_from(["users", "add_index", "a", "seed-2", "up_the_limits"])
WIDTHS = st.integers(min_value=1, max_value=16)


@settings(max_examples=50)
@given(VERSIONS, st.data())
def test_any_listing_of_numbered_files_gives_the_order_of_the_numbers(
    versions: list[int], data: st.DataObject
) -> None:
    paths = []
    for version in versions:
        width = data.draw(WIDTHS)
        if width in {8, 12} or len(str(version)) in {8, 12}:
            width = 14  # eight and twelve digits may be a day or a minute
        paths.append(f"{version:0{width}d}_{data.draw(WORDS)}.sql")
        paths += [f"{paths[-1][:-4]}.down.sql"] if data.draw(st.booleans()) else []
    shuffled = data.draw(st.permutations(paths))

    order = ordered(folder(shuffled))

    assert [int(m.version) for m in order.migrations] == sorted(versions)
    assert not order.refusals
    assert {m.down.path for m in order.migrations if m.down} == {p for p in paths if "down" in p}
    assert order == ordered(folder(paths))


@given(st.text(max_size=40))
def test_any_name_is_read_without_an_error(text: str) -> None:
    version, written = version_of(text)

    assert bool(version) == bool(written)
    named(f"{text}.sql")
