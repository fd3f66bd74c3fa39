import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from drillbook.core.errors import Damaged, Refused, SettingsInvalid
from drillbook.engine.journal import Journal, TreeHead, open_journal
from drillbook.engine.journal.keys import own_key
from drillbook.engine.journal.merkle import Frontier, leaf_hash
from journal.conftest import Opener
from journal.samples import Attacker, entry, fill, tree_root

ONE_STORE = settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def filled(journal: Journal) -> Journal:
    fill(journal, 10)
    return journal


def test_a_whole_journal_verifies_and_says_what_was_checked(filled: Journal, home: Path) -> None:
    kept = filled.put_evidence(b"proof", name="proof.txt", media_type="text/plain")
    filled.append(entry(data={"files": [kept.model_dump()]}))
    seen: list[tuple[int, int]] = []

    verified = filled.verify(progress=lambda done, total: seen.append((done, total)))

    head = filled.head()
    assert head is not None
    assert (verified.size, verified.root, verified.head) == (12, head.root, head)
    assert verified.keys == (verified.signed_by,) == (own_key(home).id,)
    assert verified.evidence_files == 1
    assert seen[-1] == (12, 12)


def test_an_edited_entry_is_named(filled: Journal, attacker: Attacker) -> None:
    body = attacker.rows()[5][1].replace(b'"number":4', b'"number":9')
    attacker.do("UPDATE {entry} SET body = ? WHERE idx = 5", body)

    with pytest.raises(Damaged, match="entry 5 is not what was written: it was edited"):
        filled.verify()


def test_an_entry_edited_with_its_hash_is_found(filled: Journal, attacker: Attacker) -> None:
    attacker.rewrite(5, b'"number":4', b'"number":9')

    with pytest.raises(Damaged, match="do not add up to the signed root"):
        filled.verify()


def test_everything_recomputed_without_the_key_is_found(
    filled: Journal, attacker: Attacker
) -> None:
    attacker.rewrite(5, b'"number":4', b'"number":9')
    forge_head(attacker)

    with pytest.raises(Damaged, match=r"signature of the head .* is not valid"):
        filled.verify()


def test_a_deleted_entry_is_named(filled: Journal, attacker: Attacker) -> None:
    attacker.do("DELETE FROM {entry} WHERE idx = 4")

    with pytest.raises(Damaged, match="1 entry is missing from index 4 on: deleted"):
        filled.verify()


def test_a_cut_end_is_counted(filled: Journal, attacker: Attacker) -> None:
    attacker.do("DELETE FROM {entry} WHERE idx >= 8")

    with pytest.raises(Damaged, match="has 8 entries, its signed head counts 11: the last 3"):
        filled.verify()


def test_an_entry_inserted_at_the_end_is_found(filled: Journal, attacker: Attacker) -> None:
    body = attacker.rows()[-1][1].replace(b'"index":10', b'"index":11')
    attacker.put_row((11, body, sha256(b"\x00" + body).digest(), "r-1", "9.1", ""))

    with pytest.raises(Damaged, match="entries 11 to 11 were inserted"):
        filled.verify()


def test_an_entry_inserted_in_front_is_found(filled: Journal, attacker: Attacker) -> None:
    row = attacker.rows()[3]
    attacker.put_row((-1, *row[1:]))

    with pytest.raises(Damaged, match="entry -1 stands where entry 0 should: inserted"):
        filled.verify()


def test_swapped_entries_are_named(filled: Journal, attacker: Attacker) -> None:
    for here, there in ((3, -1), (6, 3), (-1, 6)):
        attacker.do("UPDATE {entry} SET idx = ? WHERE idx = ?", there, here)

    with pytest.raises(Damaged, match="entry 3 was written as 6: entries were reordered"):
        filled.verify()


def test_two_swapped_runs_are_found(filled: Journal, attacker: Attacker) -> None:
    for here, there in (("r-0", "x"), ("r-1", "r-0"), ("x", "r-1")):
        attacker.do("UPDATE {entry} SET run = ? WHERE run = ?", there, here)

    with pytest.raises(Damaged, match="entry 1 says run 'r-0', and is filed under 'r-1'"):
        filled.verify()
    with pytest.raises(Damaged, match="entry 1 is stored under another"):
        next(filled.entries("r-1"))


@pytest.mark.parametrize("column", ["run", "task", "key"])
def test_a_forged_look_up_column_is_found(filled: Journal, attacker: Attacker, column: str) -> None:
    attacker.do("UPDATE {entry} SET " + column + " = 'forged' WHERE idx = 7")

    with pytest.raises(Damaged, match=f"entry 7 says {column} .*column was forged"):
        filled.verify()


def test_an_entry_that_is_no_json_is_found(filled: Journal, attacker: Attacker) -> None:
    attacker.do("UPDATE {entry} SET body = ?, leaf = ? WHERE idx = 2", b"[", leaf_hash(b"["))

    with pytest.raises(Damaged, match="entry 2 is no JSON"):
        filled.verify()


def test_an_older_head_with_the_newer_entries_is_found(
    journal: Journal, attacker: Attacker
) -> None:
    fill(journal, 4)
    older = attacker.head()
    fill(journal, 4)

    attacker.put_head(*older)

    with pytest.raises(Damaged, match="entries 5 to 8 were inserted, or the head was put back"):
        journal.verify()


def test_a_removed_head_is_found(filled: Journal, attacker: Attacker) -> None:
    attacker.do("DELETE FROM {head}")

    with pytest.raises(Damaged, match="11 entries have no signed head"):
        filled.verify()


def test_a_rollback_of_the_whole_store_is_found_against_a_saved_head(
    journal: Journal, attacker: Attacker
) -> None:
    fill(journal, 4)
    older = attacker.head()
    fill(journal, 4)
    saved = journal.head()

    attacker.do("DELETE FROM {entry} WHERE idx > 4")
    attacker.put_head(*older)

    assert journal.verify().size == 5  # nothing in the store can tell
    with pytest.raises(Damaged, match="has 5 entries, and had 9 when the head was saved"):
        journal.verify(against=saved)


def test_a_store_put_back_that_went_on_is_found_against_a_saved_head(
    journal: Journal, attacker: Attacker, opened: Opener
) -> None:
    fill(journal, 4)
    older = attacker.head()
    fill(journal, 4)
    saved = journal.head()
    attacker.do("DELETE FROM {entry} WHERE idx > 4")
    attacker.put_head(*older)

    opened().append(*(entry(data={"again": number}) for number in range(9)))

    assert journal.verify().size == 14
    with pytest.raises(Damaged, match="first 9 entries are not those of the saved head"):
        journal.verify(against=saved)


def test_an_appended_journal_is_consistent_with_every_head_it_had(journal: Journal) -> None:
    heads = [journal.append(entry(data={"number": number})) for number in range(9)]

    for head in heads:
        assert journal.verify(against=head).consistent_since == head.size


def test_another_journal_is_not_the_saved_one(journal: Journal, tmp_path: Path) -> None:
    fill(journal, 3)
    other = open_journal("sqlite:///other", tmp_path / "other")
    fill(other, 3)
    saved = other.head()
    other.close()

    with pytest.raises(Damaged, match="this is not the journal of the saved head"):
        journal.verify(against=saved)


def test_a_saved_head_that_was_altered_is_refused(filled: Journal) -> None:
    head = filled.head()
    assert head is not None

    with pytest.raises(Refused, match="its signature is not valid"):
        filled.verify(against=head.model_copy(update={"size": 5}))


def test_an_empty_store_is_not_the_journal_of_a_saved_head(
    filled: Journal, attacker: Attacker
) -> None:
    saved = filled.head()
    attacker.do("DELETE FROM {entry}")
    attacker.do("DELETE FROM {head}")

    with pytest.raises(Damaged, match="not the journal of the saved head"):
        filled.verify(against=saved)


def test_a_replaced_key_is_found_by_the_pinned_key(
    journal: Journal, home: Path, tmp_path: Path
) -> None:
    fill(journal, 3)
    pinned = (home / "keys/journal.pub").read_text()
    other = open_journal("sqlite:///other", tmp_path / "other")
    fill(other, 3)
    foreign = (tmp_path / "other/keys/journal.pub").read_text()

    assert journal.verify(keys=pinned).is_pinned
    assert other.verify(keys=foreign + pinned).is_pinned
    with pytest.raises(Damaged, match="which is none of the expected"):
        other.verify(keys=pinned)
    other.close()


def test_text_without_a_public_key_pins_nothing(filled: Journal) -> None:
    with pytest.raises(SettingsInvalid, match="no public key"):
        filled.verify(keys="ssh-ed25519 AAAA")


def test_a_store_replaced_by_another_homes_journal_is_found(home: Path, tmp_path: Path) -> None:
    ours = open_journal("sqlite:///x", home)
    fill(ours, 2)
    ours.close()
    other = open_journal("sqlite:///x", tmp_path / "other")
    fill(other, 2)
    other.close()
    shutil.copy(tmp_path / "other/journal.db", home / "journal.db")

    forged = open_journal("sqlite:///x", home)

    with pytest.raises(Damaged, match="which is none of the expected"):
        forged.verify()
    with pytest.raises(Damaged, match="this home's key is"):
        forged.append(entry())
    forged.close()


def test_corrupt_or_missing_evidence_is_found(
    journal: Journal, attacker: Attacker, home: Path
) -> None:
    kept = journal.put_evidence(b"what was seen", name="seen.txt", media_type="text/plain")
    journal.append(entry(data={"evidence": kept.model_dump()}))
    file = home / "evidence" / kept.sha256[:2] / kept.sha256[2:]
    is_file = file.exists()

    if is_file:
        file.write_bytes(b"what was seem")
    else:
        attacker.do("UPDATE drillbook.journal_evidence SET content = ?", b"what was seem")
    with pytest.raises(Damaged, match="is not what was recorded"):
        journal.verify()
    with pytest.raises(Damaged, match="is not what was recorded"):
        journal.get_evidence(kept.sha256)

    if is_file:
        file.unlink()
    else:
        attacker.do("DELETE FROM drillbook.journal_evidence")
    with pytest.raises(Damaged, match=r"evidence .* \(seen.txt\), named by entry 1, is missing"):
        journal.verify()

    journal.put_evidence(b"what was seen", name="seen.txt", media_type="text/plain")
    assert journal.verify().evidence_files == 1


def test_a_trigger_on_the_entries_is_found(
    filled: Journal, attacker: Attacker, store_url: str
) -> None:
    if store_url.startswith("sqlite"):
        attacker.do("CREATE TRIGGER t AFTER INSERT ON entry BEGIN DELETE FROM head; END")
    else:
        attacker.do("CREATE RULE r AS ON DELETE TO drillbook.journal_entry DO INSTEAD NOTHING")

    with pytest.raises(Damaged, match="altered"):
        filled.verify()


def forge_head(attacker: Attacker) -> None:
    """Make head and edge fit the entries, as far as that goes without a key."""
    edge = Frontier()
    bodies = [row[1] for row in attacker.rows()]
    for body in bodies:
        edge.add(leaf_hash(body))
    fields = json.loads(attacker.head()[0])
    fields |= {"size": len(bodies), "root": tree_root(bodies).hex()}
    attacker.put_head(TreeHead.model_validate(fields).canonical(), edge.pack())
