import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from drillbook.core import secret
from drillbook.core.errors import Damaged, Refused
from drillbook.engine.journal import Entry, Journal, TreeHead
from drillbook.engine.journal.entry import canonical, cleaned
from journal.conftest import Opener
from journal.samples import NOON, Attacker, entry, fill, tree_root


def test_a_new_journal_is_empty(journal: Journal) -> None:
    assert journal.head() is None
    assert list(journal.entries()) == []
    assert journal.runs() == []
    assert journal.verify().size == 0


def test_what_was_appended_is_read_in_order_with_every_field(journal: Journal) -> None:
    data = {"deep": [{"number": 1.5, "none": None}], "yes": True, "text": "Größe ✓ \x00"}

    head = journal.append(
        entry(task="1.1", by="ana@example.com", data=data, key="k"), entry("r-2"), entry()
    )

    key, *rest = journal.entries()
    assert key.kind == "journal.key"
    assert [(one.run, one.index, one.previous) for one in rest] == [
        ("r-1", 1, -1),
        ("r-2", 2, -1),
        ("r-1", 3, 1),
    ]
    assert rest[0].data == data
    assert (rest[0].task, rest[0].by, rest[0].at, rest[0].key) == (
        "1.1",
        "ana@example.com",
        NOON,
        "k",
    )
    assert head == journal.head()
    assert head.size == 4


def test_the_root_is_the_rfc_6962_root_of_the_canonical_json(
    journal: Journal, attacker: Attacker
) -> None:
    fill(journal, 13)

    bodies = [row[1] for row in attacker.rows()]

    head = journal.head()
    assert head is not None
    assert head.root == tree_root(bodies).hex()
    assert all(body == rfc8785.dumps(json.loads(body)) for body in bodies)


def test_a_repeated_key_is_one_entry(journal: Journal, opened: Opener) -> None:
    first = journal.append(entry(key="a", data={"try": 1}), entry(key="a", data={"try": 2}))

    again = journal.append(entry(key="a", data={"try": 3}))
    elsewhere = opened().append(entry(key="a", data={"try": 4}), entry(key="b"))

    assert again == first
    assert elsewhere.size == first.size + 1
    assert [one.data for one in journal.entries("r-1") if one.key == "a"] == [{"try": 1}]


def test_entries_without_a_key_are_all_kept(journal: Journal) -> None:
    journal.append(entry(), entry())
    journal.append(entry())

    assert len(list(journal.entries("r-1"))) == 3


def test_entries_are_found_by_run_task_and_index(journal: Journal) -> None:
    journal.append(*(entry(f"r-{n % 2}", task=f"{n}.1") for n in range(1203)))

    assert len(list(journal.entries())) == 1204
    assert [one.index for one in journal.entries("r-0")][:3] == [1, 3, 5]
    assert len(list(journal.entries("r-0"))) == 602
    assert [one.index for one in journal.entries("r-0", after=1199)] == [1201, 1203]
    assert [one.index for one in journal.entries("r-0", task="4.1")] == [5]
    assert list(journal.entries("r-9")) == []


def test_runs_tells_each_run_with_its_first_and_last_entry(journal: Journal) -> None:
    journal.append(entry("r-b", "run.started"), entry("r-a", "run.started"))
    journal.append(
        entry("r-b", "task.done"), entry("", "worker.started"), entry("r-b", "run.ended")
    )

    spans = journal.runs()

    assert [span.run for span in spans] == ["r-b", "r-a"]
    assert (spans[0].first.kind, spans[0].last.kind) == ("run.started", "run.ended")
    assert spans[1].first == spans[1].last


def test_times_are_utc_whatever_zone_they_came_in(journal: Journal) -> None:
    plus_two = datetime(2026, 11, 24, 14, tzinfo=timezone(timedelta(hours=2)))

    journal.append(entry(at=plus_two))

    (one,) = journal.entries("r-1")
    assert one.at == NOON
    assert one.at.tzinfo == UTC


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValidationError, match="timezone"):
        entry(at=datetime(2026, 11, 24))  # noqa: DTZ001 - the very case


def test_secrets_are_scrubbed_before_the_hash(journal: Journal, attacker: Attacker) -> None:
    secret.register("canary-5f2a", name="env:CANARY")

    journal.append(entry(by="canary-5f2a", data={"a": ["x canary-5f2a y"], "canary-5f2a": 1}))
    kept = journal.put_evidence(
        b"\xff canary-5f2a", name="canary-5f2a.txt", media_type="text/plain"
    )

    assert not any(b"canary-5f2a" in row[1] for row in attacker.rows())
    assert b"canary-5f2a" not in journal.get_evidence(kept.sha256)
    assert "canary-5f2a" not in kept.name
    assert journal.verify().size == 2


def test_numbers_json_cannot_hold_are_kept_as_text(journal: Journal) -> None:
    data = {"big": 2**63, "small": 2**53 - 1, "endless": float("inf"), "odd": float("nan")}

    journal.append(entry(data=data))

    (one,) = journal.entries("r-1")
    assert one.data == {
        "big": "9223372036854775808",
        "small": 2**53 - 1,
        "endless": "inf",
        "odd": "nan",
    }


def test_broken_unicode_is_kept_as_its_escape(journal: Journal) -> None:
    journal.append(entry(data={"output": "caf\udce9"}))

    (one,) = journal.entries("r-1")
    assert one.data == {"output": "caf\\udce9"}


def test_data_nested_too_deep_is_refused_and_nothing_is_recorded(journal: Journal) -> None:
    deep: list[object] = []
    for _ in range(150):
        deep = [deep]

    with pytest.raises(Refused, match="nested more than 100 deep"):
        journal.append(entry(), entry(data={"deep": deep}))

    assert journal.head() is None


def test_an_entry_that_is_too_large_is_refused_and_nothing_is_recorded(journal: Journal) -> None:
    with pytest.raises(Refused, match=r"has 16,777,3.. bytes, more than 16,777,216"):
        journal.append(entry(), entry(data={"text": "x" * 2**24}))

    assert journal.head() is None


@pytest.mark.parametrize("fields", [{"kind": "journal.key"}, {"key": "journal:key:00"}])
def test_nobody_else_writes_the_journals_own_entries(
    journal: Journal, fields: dict[str, object]
) -> None:
    with pytest.raises(Refused, match="the journal's own to write"):
        journal.append(entry(**fields))


def test_many_threads_append_to_one_log(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(fill, journal, 20) for _ in range(8)]:
            future.result()

    assert journal.verify().size == 161
    assert [one.index for one in journal.entries()] == list(range(161))


def test_two_journals_take_turns_on_one_store(opened: Opener) -> None:
    one, other = opened(), opened()

    for _ in range(5):
        fill(one, 2)
        fill(other, 2)

    assert one.verify().root == other.verify().root
    assert other.verify().size == 21


def test_wait_returns_when_another_journal_appends(opened: Opener) -> None:
    one, other = opened(), opened()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(one.wait, "r-1", after=-1, timeout_seconds=20)

        other.append(entry("r-2"))
        other.append(entry("r-1"))

        assert waiting.result() is True
    assert one.wait("r-1", after=-1, timeout_seconds=0) is True
    assert one.wait("r-1", after=2, timeout_seconds=0.01) is False


def test_a_store_put_back_while_in_use_is_found_by_the_next_append(
    journal: Journal, attacker: Attacker
) -> None:
    fill(journal, 5)
    older = attacker.head()
    fill(journal, 5)

    attacker.do("DELETE FROM {entry} WHERE idx > 5")
    attacker.put_head(*older)

    with pytest.raises(Damaged, match="has 6 entries, and had 11 before"):
        journal.append(entry())


def test_an_emptied_store_is_found_by_the_next_append(journal: Journal, attacker: Attacker) -> None:
    fill(journal, 2)

    attacker.do("DELETE FROM {entry}")
    attacker.do("DELETE FROM {head}")

    with pytest.raises(Damaged, match="is empty, and had 3 entries"):
        journal.append(entry())


def test_an_append_never_signs_a_history_that_nobody_signed(
    journal: Journal, attacker: Attacker, opened: Opener
) -> None:
    fill(journal, 6)
    attacker.rewrite(3, b'"number":2', b'"number":7')
    bodies = [row[1] for row in attacker.rows()]
    head = TreeHead.model_validate_json(attacker.head()[0])
    forged = head.model_copy(update={"root": tree_root(bodies).hex()})
    attacker.put_head(forged.canonical(), _edge(bodies))

    with pytest.raises(Damaged, match="no valid signature"):
        opened().append(entry())


def test_an_append_stops_at_an_edge_that_does_not_fit_the_head(
    journal: Journal, attacker: Attacker, opened: Opener
) -> None:
    fill(journal, 6)
    head, edge = attacker.head()
    attacker.put_head(head, edge[:-1] + bytes([edge[-1] ^ 1]))

    with pytest.raises(Damaged, match="does not lead to the signed root"):
        opened().append(entry())


def test_an_append_stops_when_the_head_was_removed(
    journal: Journal, attacker: Attacker, opened: Opener
) -> None:
    fill(journal, 6)
    attacker.do("DELETE FROM {head}")

    with pytest.raises(Damaged, match="signed head was removed"):
        opened().append(entry())


def test_an_append_stops_at_entries_after_the_signed_end(
    journal: Journal, attacker: Attacker
) -> None:
    fill(journal, 2)
    row = attacker.rows()[-1]
    attacker.put_row((3, *row[1:]))

    with pytest.raises(Damaged, match="head does not count"):
        journal.append(entry())


def _edge(bodies: list[bytes]) -> bytes:
    edge, start = b"", 0
    for bit in reversed(range(len(bodies).bit_length())):
        if len(bodies) >> bit & 1:
            edge += tree_root(bodies[start : start + (1 << bit)])
            start += 1 << bit
    return edge


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=4))
def test_any_json_has_one_canonical_form(data: dict[str, object]) -> None:
    clean = cleaned(Entry.model_validate({"run": "r", "kind": "k", "at": NOON, "data": data}), str)

    body = canonical(clean, index=3, previous=1)

    assert body == rfc8785.dumps(json.loads(body, parse_int=float))
    assert json.loads(body)["index"] == 3


@given(st.binary(max_size=64), st.integers(0, 2**40), st.datetimes(timezones=st.just(UTC)))
def test_a_heads_two_forms_are_canonical_json(some: bytes, size: int, at: datetime) -> None:
    key = sha256(some).hexdigest()
    head = TreeHead(size=size, root=key, at=at, key=key, log="ab", signature=some.hex())

    assert head.canonical() == rfc8785.dumps(json.loads(head.canonical()))
    assert head.signed() == rfc8785.dumps(json.loads(head.signed()))
    assert TreeHead.model_validate_json(head.canonical()) == head
    assert "signature" not in json.loads(head.signed())
