"""`repository.merge` and `repository.remind`: exactly once, exactly this, or refused."""

import pytest

from drillbook.actions.repository import merge, merged_already, remind, reminded
from drillbook.core.effect import Effect
from drillbook.core.errors import NotFound, Refused
from drillbook.core.model import Risk
from repository.hub import Hub


def _merge(hub: Hub, branch: str, effect: Effect, **values: str) -> object:
    provider = hub.provider(branch)
    return merge.do(provider, provider, effect, **values)


def test_exactly_the_commit_is_merged_and_the_second_time_it_says_already(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    provider = hub.provider(into)

    assert merged_already(provider, provider, effect, commit=head) is None
    made = _merge(hub, into, effect, commit=head, base=before)
    again = _merge(hub, into, effect, commit=head, base=before)
    other = _merge(hub, into, Effect(key="another run"), commit=head)

    assert (made.commit, made.before, made.already) == (hub.sha(into), before, False)
    assert again == made == merged_already(provider, provider, effect, commit=head)
    assert other.already
    assert other.says == f"{into} has {head[:7]} already, by {made.commit[:7]}"
    assert hub.git("log", "-1", "--format=%s", into) == f"Merge {head[:7]} into {into}"


def test_a_proposal_that_moved_since_it_was_reviewed_is_refused(
    hub: Hub, branch: str, effect: Effect
) -> None:
    head = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.propose(branch)
    newer = hub.commit(branch, {"a.txt": "more"})

    with pytest.raises(
        Refused, match=f"moved from {head[:7]} to {newer[:7]} since it was reviewed"
    ):
        _merge(hub, "develop", effect, commit=head)


def test_a_branch_that_moved_since_the_review_is_refused(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    now = hub.commit(into, {"c.txt": "c"})

    with pytest.raises(Refused, match=f"was at {before[:7]} when .* is at {now[:7]} now"):
        _merge(hub, into, effect, commit=head, base=before)
    assert hub.sha(into) == now


def test_a_branch_that_moves_in_the_very_moment_is_told(hub: Hub, branch: str) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")

    def meanwhile() -> None:
        if hub.sha(into) == before:
            hub.commit(into, {"c.txt": "somebody else's"})

    effect = Effect(key=f"run/{branch}", still_mine=meanwhile)
    made = _merge(hub, into, effect, commit=head, base=before)
    provider = hub.provider(into)

    assert (made.as_seen, made.before == before) == (False, False)
    assert f"{into} had moved from {before[:7]} to {made.before[:7]} meanwhile" in made.says
    assert merged_already(provider, provider, effect, commit=head, base=before) == made
    assert _merge(hub, into, effect, commit=head).as_seen
    assert _merge(hub, into, Effect(key="next run"), commit=head, base=hub.sha(into)).as_seen


@pytest.mark.parametrize(
    "values",
    [
        {"commit": "develop"},
        {"commit": ""},
        {"commit": "0" * 39},
        {"commit": "0" * 40, "into": "a b"},
    ],
)
def test_a_branch_is_no_commit_and_bad_names_are_refused(
    hub: Hub, effect: Effect, values: dict[str, str]
) -> None:
    with pytest.raises(Refused):
        _merge(hub, "develop", effect, **values)


def test_commits_and_branches_nobody_knows_are_not_found(hub: Hub, effect: Effect) -> None:
    with pytest.raises(NotFound):
        _merge(hub, "develop", effect, commit="0" * 40)
    with pytest.raises(NotFound):
        _merge(hub, "no-such-branch", effect, commit=hub.sha("main"))


def test_a_merge_is_final_and_says_why() -> None:
    assert merge.risk is Risk.WRITE
    assert "history" in merge.way_back({}).says
    assert not merge.way_back({}).possible
    assert remind.harmless


def test_a_reminder_is_opened_once_and_signed(hub: Hub, branch: str, effect: Effect) -> None:
    title = f"Turn on   automatic\nassignment ({branch})"
    provider = hub.provider()

    assert reminded(provider, effect, title=title) is None
    made = remind.do(provider, effect, title=title, body="It is off.")
    again = remind.do(provider, effect, title=title, body="It is off.")
    other = remind.do(provider, Effect(key="another run"), title=title)

    assert made == again == reminded(provider, effect, title=title)
    assert (other.number, other.already) == (made.number, True)
    issue = hub.person("dana").get(f"/issues/{made.number}").json()
    assert issue["title"] == f"Turn on automatic assignment ({branch})"
    assert "It is off." in issue["body"]
    assert "run run-1" in issue["body"]


@pytest.mark.parametrize(
    ("title", "body"), [("", ""), (" \n ", ""), ("x" * 201, ""), ("ok", "x" * 60_001)]
)
def test_a_reminder_without_a_title_or_too_long_is_refused(
    hub: Hub, effect: Effect, title: str, body: str
) -> None:
    with pytest.raises(Refused):
        remind.do(hub.provider(), effect, title=title, body=body)
