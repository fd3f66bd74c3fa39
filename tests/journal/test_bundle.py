import json
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drillbook.core.errors import Damaged, NotFound, SettingsInvalid, Unavailable
from drillbook.engine.journal import Journal, bundle, open_journal, verify_bundle
from drillbook.engine.journal.bundle import Listing
from journal.conftest import Opener
from journal.samples import Attacker, entry, fill

MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def record_run(journal: Journal) -> None:
    """Record run r-0 with evidence, among the entries of other runs."""
    fill(journal, 7)
    kept = journal.put_evidence(b"\x00 seen \xff", name="seen.bin", media_type="a/b")
    journal.append(entry("r-0", data={"deep": [{"evidence": kept.model_dump()}]}), entry("r-1"))


@pytest.fixture
def exported(sqlite_journal: Journal, tmp_path: Path) -> Path:
    record_run(sqlite_journal)
    return sqlite_journal.export("r-0", tmp_path / "r-0.zip", by="ana@example.com")


@pytest.fixture
def public_key(exported: Path, home: Path) -> str:
    return (home / "keys/journal.pub").read_text()


def test_a_bundle_proves_a_run_with_the_public_key_alone(
    journal: Journal, tmp_path: Path, home: Path
) -> None:
    record_run(journal)

    path = journal.export("r-0", tmp_path / "r-0.zip", by="ana@example.com")
    proven = verify_bundle(path, public_key=(home / "keys/journal.pub").read_text())

    assert proven.run == "r-0"
    assert list(proven.entries) == list(journal.entries("r-0"))
    assert (proven.entries[-1].kind, proven.entries[-1].by) == (
        "journal.exported",
        "ana@example.com",
    )
    assert [one.name for one in proven.evidence] == ["seen.bin"]
    assert proven.head == journal.head()
    assert path.stat().st_mode & 0o777 == 0o600


def test_anybody_can_open_a_bundle_and_find_the_evidence(exported: Path) -> None:
    with zipfile.ZipFile(exported) as archive:
        names = archive.namelist()
        evidence = archive.read(names[1])

    assert names[0] == "journal.json"
    assert evidence == b"\x00 seen \xff"


def test_a_second_export_holds_the_first(
    sqlite_journal: Journal, exported: Path, tmp_path: Path, public_key: str
) -> None:
    again = sqlite_journal.export("r-0", tmp_path / "again.zip")

    older = verify_bundle(exported, public_key=public_key)
    newer = verify_bundle(again, public_key=public_key)
    assert newer.entries[: len(older.entries)] == older.entries
    assert len(newer.entries) == len(older.entries) + 1


def test_a_bundle_of_a_shared_journal_verifies_with_any_hosts_keys(
    opened: Opener, tmp_path: Path, database_url: str
) -> None:
    one = open_journal(database_url, tmp_path / "one")
    other = open_journal(database_url, tmp_path / "other")
    fill(one, 2)
    fill(other, 2)
    path = other.export("r-1", tmp_path / "r-1.zip")
    keys = [(tmp_path / name / "keys/journal.pub").read_text() for name in ("one", "other")]

    assert len(verify_bundle(path, public_key="".join(keys)).entries) == 3
    assert len(verify_bundle(path, public_key=one.public_keys()).entries) == 3
    with pytest.raises(Damaged, match="which is none of the expected"):
        verify_bundle(path, public_key=keys[0])
    one.close()
    other.close()


def test_another_public_key_does_not_verify_it(exported: Path, tmp_path: Path) -> None:
    other = open_journal("sqlite:///x", tmp_path / "other")
    fill(other, 1)
    other.close()

    with pytest.raises(Damaged, match="which is none of the expected"):
        verify_bundle(exported, public_key=(tmp_path / "other/keys/journal.pub").read_text())


def altered(path: Path, change: Callable[[Listing], Listing]) -> Path:
    """Pack the bundle again, as its format asks, after a change."""
    listing, files = bundle._unpacked(path.read_bytes())
    path.write_bytes(bundle._packed(change(listing), files))
    return path


def without(place: int) -> Callable[[Listing], Listing]:
    def leave_out(listing: Listing) -> Listing:
        entries = list(listing.entries)
        del entries[place]
        return listing.model_copy(update={"entries": tuple(entries)})

    return leave_out


def edited(old: str, new: str) -> Callable[[Listing], Listing]:
    def edit(listing: Listing) -> Listing:
        first, *rest = listing.entries
        assert old in first.entry
        first = first.model_copy(update={"entry": first.entry.replace(old, new)})
        return listing.model_copy(update={"entries": (first, *rest)})

    return edit


def reversed_entries(listing: Listing) -> Listing:
    return listing.model_copy(update={"entries": tuple(reversed(listing.entries))})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edited('"number":0', '"number":5'), "entry 1 of the bundle was not in the signed journal"),
        (edited('"index":1', '"index":2'), "entry 2"),
        (edited('"index":1', '"index":99'), "entry 99 has a wrong proof"),
        (without(0), "follows entry 1 of its run, which the bundle leaves out"),
        (without(2), "which the bundle leaves out"),
        (without(-1), "the bundle's end is cut off"),
        (reversed_entries, "leaves out"),
        (lambda one: one.model_copy(update={"entries": ()}), "the bundle's end is cut off"),
        (lambda one: one.model_copy(update={"run": "r-9"}), "is of run 'r-0', not 'r-9'"),
        (lambda one: one.model_copy(update={"format": 2}), "has format 2, not 1"),
        (
            lambda one: one.model_copy(
                update={"head": one.head.model_copy(update={"size": one.head.size + 1})}
            ),
            "signature of the head",
        ),
    ],
)
def test_an_altered_bundle_is_found(
    exported: Path,
    public_key: str,
    change: Callable[[Listing], Listing],
    said: str,
) -> None:
    with pytest.raises(Damaged, match=said):
        verify_bundle(altered(exported, change), public_key=public_key)


def test_evidence_left_out_added_or_altered_is_found(exported: Path, public_key: str) -> None:
    listing, files = bundle._unpacked(exported.read_bytes())
    ((digest, content),) = files.items()

    for forged, said in (
        ({}, "are not those its entries name"),
        ({**files, "0" * 64: b""}, "are not those its entries name"),
        ({digest: content + b"x"}, "is not what was recorded"),
    ):
        exported.write_bytes(bundle._packed(listing, forged))
        with pytest.raises(Damaged, match=said):
            verify_bundle(exported, public_key=public_key)


def test_a_replaced_public_key_inside_is_found(
    exported: Path, public_key: str, tmp_path: Path
) -> None:
    other = open_journal("sqlite:///x", tmp_path / "other")
    fill(other, 1)
    other.close()
    foreign = (tmp_path / "other/keys/journal.pub").read_text()

    def replace(listing: Listing) -> Listing:
        return listing.model_copy(update={"public_key": foreign})

    with pytest.raises(Damaged, match="public key is not the one that signed"):
        verify_bundle(altered(exported, replace), public_key=public_key)


@given(st.data())
@MANY
def test_any_flipped_bit_in_a_bundle_is_found(
    exported: Path, public_key: str, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(exported.read_bytes())
    position = data.draw(st.integers(0, len(content) * 8 - 1))
    content[position // 8] ^= 1 << position % 8
    flipped = tmp_path / "flipped.zip"
    flipped.write_bytes(content)

    with pytest.raises(Damaged):
        verify_bundle(flipped, public_key=public_key)


@given(st.data())
@MANY
def test_a_bundle_cut_off_or_with_something_added_is_found(
    exported: Path, public_key: str, tmp_path: Path, data: st.DataObject
) -> None:
    content = exported.read_bytes()
    cut = content[: data.draw(st.integers(0, len(content) - 1))]
    added = content + data.draw(st.binary(min_size=1, max_size=40))
    other = tmp_path / "other.zip"

    for forged in (cut, added):
        other.write_bytes(forged)
        with pytest.raises(Damaged):
            verify_bundle(other, public_key=public_key)


def test_json_spelled_another_way_is_found(exported: Path, public_key: str) -> None:
    _, files = bundle._unpacked(exported.read_bytes())
    with zipfile.ZipFile(exported) as archive:
        fields = json.loads(archive.read("journal.json"))
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(bundle._member("journal.json"), json.dumps(fields, indent=1))
        for digest, file in files.items():
            archive.writestr(bundle._member(f"evidence/{digest}"), file)
    exported.write_bytes(buffer.getvalue())

    with pytest.raises(Damaged, match="other bytes than its content gives"):
        verify_bundle(exported, public_key=public_key)


def test_no_bundle_is_written_from_a_damaged_journal(
    journal: Journal, attacker: Attacker, tmp_path: Path
) -> None:
    record_run(journal)
    attacker.rewrite(2, b'"number":1', b'"number":7')

    with pytest.raises(Damaged, match="not those of its signed head"):
        journal.export("r-0", tmp_path / "r-0.zip")

    assert list(tmp_path.glob("*.zip")) == []


def test_a_run_that_is_not_there_is_not_found(sqlite_journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no run 'r-9'"):
        sqlite_journal.export("r-9", tmp_path / "r-9.zip")


def test_a_bundle_that_cannot_be_written_leaves_nothing(
    sqlite_journal: Journal, tmp_path: Path
) -> None:
    record_run(sqlite_journal)

    with pytest.raises(Unavailable, match="cannot be written: No such file"):
        sqlite_journal.export("r-0", tmp_path / "nowhere/r-0.zip")


def test_a_file_that_is_no_bundle_is_said_to_be_none(tmp_path: Path, exported: Path) -> None:
    pem = (tmp_path / "home/keys/journal.pub").read_text()
    text = tmp_path / "text.zip"
    text.write_text("no bundle")

    with pytest.raises(Damaged, match="not a whole bundle"):
        verify_bundle(text, public_key=pem)
    with pytest.raises(NotFound, match="cannot be read"):
        verify_bundle(tmp_path / "nowhere.zip", public_key=pem)
    with pytest.raises(SettingsInvalid, match="no public key"):
        verify_bundle(exported, public_key="")
