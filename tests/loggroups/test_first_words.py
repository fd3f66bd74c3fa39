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


def test_addresses_of_network_cards_are_parameters_even_without_digits() -> None:
    cards = ["ec:12:34:56:78:90", "ff:ff:ff:ff:ff:ff", "0a:1b:2c:3d:4e:5f"]

    found = group([f"lease for {card} expired" for card in cards])

    assert [each.template for each in found.groups] == ["lease for <*> expired"]


def test_a_name_that_looks_like_a_verb_is_a_name_among_three_that_do_not() -> None:
    killed = [f"Killed process 7 ({name}) at once" for name in ("java", "named", "httpd", "cron")]
    states = [f"worker 7 {state} at once" for state in ("started", "stopped", "stuck", "idle")]

    assert len(group(killed).groups) == 1
    assert len(group(states).groups) == 4


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
