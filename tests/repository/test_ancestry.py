"""With which commit another one came in: held against the definition, on any history."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from drillbook.ports.repository import Commit
from drillbook.providers.github.ancestry import brought_by

History = dict[int, list[int]]
LARGEST = 12


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Commits by number, each with the parents it has among the earlier ones, in order."""
    parents: History = {0: []}
    for number in range(1, draw(st.integers(2, LARGEST))):
        some = st.lists(st.integers(0, number - 1), min_size=1, max_size=3, unique=True)
        parents[number] = draw(some)
    return parents


def _ancestors(history: History, of: int) -> set[int]:
    found = {of}
    for parent in history[of]:
        found |= _ancestors(history, parent)
    return found


@given(histories(), st.data())
def test_it_is_the_oldest_of_the_branchs_own_commits_that_has_it(
    history: History, data: st.DataObject
) -> None:
    tip = max(history)
    head = data.draw(st.sampled_from(sorted(_ancestors(history, tip))))
    after = _ancestors(history, tip) - _ancestors(history, head)
    commits = [
        _commit(number, history[number]) for number in data.draw(st.permutations(sorted(after)))
    ]

    found = brought_by(str(head), str(tip), commits)

    own = [tip]
    while history[own[-1]]:
        own.append(history[own[-1]][0])
    having = [number for number in own if head in _ancestors(history, number) and number != head]
    assert (None if found is None else found.sha) == (str(having[-1]) if having else None)


def _commit(number: int, parents: list[int]) -> Commit:
    return Commit(
        sha=str(number), message="", author="", at=datetime(2026, 1, 1, tzinfo=UTC),
        parents=tuple(map(str, parents)),
    )  # fmt: skip
