"""Lines of one message are one group, and two times are compared by exact tests."""

from drillbook.analysis.loggroups import Verdict, compare, group


def test_lines_that_differ_in_numbers_addresses_and_ids_are_one_group() -> None:
    lines = [
        "PacketResponder 1 for block blk_38865049064139660 terminating",
        "PacketResponder 2 for block blk_-6952295868487656571 terminating",
        "Receiving block blk_-1608999687919862906 src: /10.250.19.102:54106",
    ]

    found = group(lines)

    assert [each.count for each in found.groups] == [2, 1]
    assert list(found.of_line) == [0, 0, 1]
    assert found.groups[0].template == "PacketResponder <*> for block blk_<*> terminating"
    assert found.groups[0].example == lines[0]
    assert (found.groups[0].first, found.groups[0].last) == (0, 1)


def test_two_messages_that_differ_by_a_verb_are_two_groups() -> None:
    lines = ["session opened for user root", "session closed for user root"] * 3

    assert len(group(lines).groups) == 2


def test_a_message_not_seen_before_is_new_and_one_that_comes_as_often_is_as_before() -> None:
    healthy = [f"booking {number} confirmed" for number in range(100)]
    failing = [f"payment {number} refused by the bank" for number in range(20)]

    found = compare(healthy, healthy + failing, before_exposure=600, after_exposure=600)

    assert [(each.verdict, each.before, each.after) for each in found.changes] == [
        (Verdict.NEW, 0, 20),
        (Verdict.AS_BEFORE, 100, 100),
    ]
    assert found.changes[0].is_sure
    assert found.changes[0].first_after == 100
    assert set(found.of_line_after[100:]) == {0}


def test_a_message_three_times_as_often_grew_and_one_that_stopped_is_gone() -> None:
    before = ["cache miss"] * 40 + ["heartbeat"] * 40
    after = ["cache miss"] * 120

    found = compare(before, after, before_exposure=600, after_exposure=600)

    assert {each.group.template: each.verdict for each in found.changes} == {
        "cache miss": Verdict.GREW,
        "heartbeat": Verdict.GONE,
    }
