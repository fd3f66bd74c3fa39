"""Places in the WAL, and which of them holds what a snapshot sees."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.core.errors import Refused
from drillbook.providers.postgres.physical.lsn import Lsn, Segment
from drillbook.providers.postgres.physical.visibility import Prefix, Snapshot, visible_prefix
from drillbook.providers.postgres.physical.wal import Commit

places = st.integers(0, 2**64 - 1).map(Lsn)
sizes = st.sampled_from([1 << 20, 16 << 20, 1 << 30])


@given(places)
def test_a_place_is_read_as_it_is_written(place: Lsn) -> None:
    assert Lsn.parse(str(place)) == place


@pytest.mark.parametrize("text", ["", "0", "0/", "/0", "0/123456789", "x/1", "0/1 OR 1=1"])
def test_what_is_not_a_place_is_refused(text: str) -> None:
    with pytest.raises(Refused):
        Lsn.parse(text)


@given(places.filter(lambda place: place.at < 2**63), st.integers(1, 99), sizes)
def test_a_segment_is_read_by_its_name_and_holds_its_place(
    place: Lsn, timeline: int, size: int
) -> None:
    segment = Segment.holding(place, timeline, size)

    assert Segment.parse(segment.name, size) == segment
    assert segment.start <= place < segment.end


def commits(xids: list[int]) -> list[Commit]:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return [Commit(Lsn(100 + n), xid % 2**32, at) for n, xid in enumerate(xids)]


@given(st.integers(2**31, 2**40), st.lists(st.integers(-50, 50), unique=True), st.data())
def test_the_last_visible_commit_is_taken_only_where_all_before_it_are_visible(
    ends: int, offsets: list[int], data: st.DataObject
) -> None:
    xids = [ends + offset for offset in offsets]
    running = frozenset(data.draw(st.sets(st.sampled_from(xids)))) if xids else frozenset()
    snapshot = Snapshot.parse(f"1:{ends}:{','.join(map(str, sorted(running)))}")

    found = visible_prefix(commits(xids), snapshot)

    seen = [xid < ends and xid not in running for xid in xids]
    count = sum(seen)
    whole = seen == [True] * count + [False] * (len(seen) - count)
    last = Lsn(99 + count) if whole and count else None
    assert found == Prefix(whole=whole, last=last)
