"""Whatever is done to the stored bytes of a journal: it is found, or it changes nothing."""

import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.core.errors import Damaged, Unavailable
from drillbook.engine.journal import open_journal
from journal.samples import Attacker, entry

ONE_STORE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@given(st.lists(st.integers(0, 6), max_size=9).filter(lambda order: order != list(range(7))))
@ONE_STORE
def test_any_other_order_or_choice_of_the_entries_is_found(
    home: Path, tmp_path_factory: pytest.TempPathFactory, order: list[int]
) -> None:
    if not home.exists():
        whole = open_journal("sqlite:///x", home)
        whole.append(*(entry(data={"n": n}) for n in range(6)))
        whole.close()
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(home, copy, dirs_exist_ok=True)
    with Attacker("sqlite:///x", copy) as attacker:
        rows = attacker.rows()
        attacker.do("DROP INDEX entry_key")
        attacker.do("DELETE FROM entry")
        for place, index in enumerate(order):
            attacker.put_row((place, *rows[index][1:]))

    opened = open_journal("sqlite:///x", copy)
    try:
        with pytest.raises(Damaged, match=r"reordered|deleted|cut off|inserted"):
            opened.verify()
    finally:
        opened.close()


@given(st.data())
@ONE_STORE
def test_any_flipped_bit_in_any_row_is_found(
    home: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    copy = tmp_path_factory.mktemp("copy")
    if not home.exists():
        whole = open_journal("sqlite:///x", home)
        whole.append(*(entry(key=f"k{n}{n}", task="1.1", data={"n": n}) for n in range(6)))
        whole.close()
    shutil.copytree(home, copy, dirs_exist_ok=True)
    with Attacker("sqlite:///x", copy) as attacker:
        table, columns = data.draw(
            st.sampled_from(
                [("entry", ("body", "leaf", "run", "task", "key")), ("head", ("head", "edge"))]
            )
        )
        column = data.draw(st.sampled_from(columns))
        rowid = data.draw(st.integers(1, 6)) if table == "entry" else 1
        ((value,),) = attacker.do(
            f"SELECT CAST({column} AS BLOB) FROM {table} WHERE rowid = {rowid}"
        )
        position = data.draw(st.integers(0, len(value) * 8 - 1))
        flipped = bytearray(value)
        flipped[position // 8] ^= 1 << position % 8
        kind = "BLOB" if column in ("body", "leaf", "head", "edge") else "TEXT"
        attacker.do(
            f"UPDATE {table} SET {column} = CAST(? AS {kind}) WHERE rowid = {rowid}", bytes(flipped)
        )

    opened = open_journal("sqlite:///x", copy)
    try:
        with pytest.raises(Damaged):
            opened.verify()
    finally:
        opened.close()


@given(st.data())
@ONE_STORE
def test_a_flipped_bit_in_the_file_is_found_or_changes_nothing(
    home: Path, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    if not home.exists():
        whole = open_journal("sqlite:///x", home)
        whole.append(*(entry(key=f"k{n}", task="1.1", data={"n": n}) for n in range(60)))
        whole.close()
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(home, copy, dirs_exist_ok=True)
    file = copy / "journal.db"
    content = bytearray(file.read_bytes())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    file.write_bytes(content)

    assert _read(copy) in (_read(home), "damaged")


def _read(home: Path) -> object:
    try:
        journal = open_journal("sqlite:///x", home)
        try:
            journal.verify()
            return list(journal.entries()), list(journal.entries("r-1")), journal.runs()
        finally:
            journal.close()
    except (Damaged, Unavailable):
        return "damaged"
