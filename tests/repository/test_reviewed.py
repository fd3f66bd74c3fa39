"""`repository.reviewed`: somebody else, exactly this commit, and nothing less."""

import pytest

from drillbook.actions.repository import reviewed
from drillbook.core.errors import NotFound, Refused
from repository.hub import Hub


def test_an_approval_of_exactly_this_commit_counts_by_number_branch_and_commit(
    hub: Hub, branch: str
) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.review(number, "riku", "REQUEST_CHANGES")
    hub.review(number, "riku", "APPROVE")
    hub.review(number, "riku", "COMMENT")

    found = [reviewed.do(hub.provider(), change=name) for name in (str(number), branch, sha)]

    assert found[0] == found[1] == found[2]
    assert (found[0].commit, found[0].proposal, found[0].approved_by) == (sha, number, ("riku",))
    assert (found[0].into, found[0].base) == ("develop", hub.sha("develop"))
    assert f"approved by riku, at exactly {sha[:7]}" in found[0].says


def test_an_approval_of_an_older_commit_is_stale(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.review(number, "riku")
    newer = hub.commit(branch, {"a.txt": "after the review"})

    with pytest.raises(Refused, match="riku approved an older commit") as refused:
        reviewed.do(hub.provider(), change=branch)
    assert newer[:7] in str(refused.value)
    assert "riku" in refused.value.hint

    hub.review(number, "riku")
    assert reviewed.do(hub.provider(), change=branch).commit == newer


def test_an_older_commit_of_a_proposal_is_not_what_was_reviewed(hub: Hub, branch: str) -> None:
    older = hub.commit(branch, {"a.txt": branch}, onto="develop")
    hub.commit(branch, {"a.txt": "more"})
    hub.review(hub.propose(branch), "riku")

    with pytest.raises(Refused, match="is not the newest commit of #"):
        reviewed.do(hub.provider(), change=older)


def test_an_approval_of_a_stranger_is_none(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.cloud.documents("github").put("stranger", "puppet", {})
    hub.review(number, "puppet")

    with pytest.raises(Refused, match="puppet may not write here, and cannot approve it"):
        reviewed.do(hub.provider(), change=branch)

    hub.review(number, "riku")
    assert reviewed.do(hub.provider(), change=branch).approved_by == ("riku",)


def test_who_wrote_one_of_its_commits_cannot_approve_it(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop", by="dana")
    hub.commit(branch, {"b.txt": branch}, by="riku")
    number = hub.propose(branch, by="dana")
    hub.review(number, "riku")

    with pytest.raises(Refused, match="riku wrote it, and cannot approve it"):
        reviewed.do(hub.provider(), change=branch)

    hub.review(number, "sami")
    assert reviewed.do(hub.provider(), change=branch).approved_by == ("sami",)
    hub.person("sami").put(f"/pulls/{number}/merge", json={})
    merged = reviewed.do(hub.provider(), change=branch)
    assert (merged.merged, merged.approved_by) == (True, ("sami",))


def test_requested_changes_and_dismissed_approvals_hold_it(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.review(number, "riku")
    hub.review(number, "sami", "REQUEST_CHANGES")

    with pytest.raises(Refused, match="sami asked for changes and has not approved since"):
        reviewed.do(hub.provider(), change=branch)

    sami, riku = hub.person("sami"), hub.person("riku")
    reviews = riku.get(f"/pulls/{number}/reviews").json()
    for review in reviews:
        path = f"/pulls/{number}/reviews/{review['id']}/dismissals"
        assert sami.put(path, json={"message": "no"}).json()["state"] == "DISMISSED"
    with pytest.raises(Refused, match="0 of 1 approvals"):
        reviewed.do(hub.provider(), change=branch)


def test_more_approvals_may_be_asked_for(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.review(number, "riku")

    with pytest.raises(Refused, match="1 of 2 approvals"):
        reviewed.do(hub.provider(), change=branch, approvals=2)
    with pytest.raises(Refused, match="1 or more"):
        reviewed.do(hub.provider(), change=branch, approvals=0)


def test_drafts_closed_and_ambiguous_proposals_are_refused(hub: Hub, branch: str) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")
    number = hub.propose(branch)
    hub.git("update-ref", f"refs/heads/{branch}-too", sha)
    other = hub.propose(f"{branch}-too")
    provider = hub.provider()

    with pytest.raises(Refused, match="is proposed 2 times"):
        reviewed.do(provider, change=sha)
    dana = hub.person("dana")
    dana.patch(f"/pulls/{other}", json={"state": "closed"})
    with pytest.raises(Refused, match="was closed and not merged"):
        reviewed.do(provider, change=str(other))
    dana.patch(f"/pulls/{number}", json={"state": "closed"})
    said = {"title": "Later", "head": branch, "base": "develop", "draft": True}
    draft = dana.post("/pulls", json=said).json()["number"]
    with pytest.raises(Refused, match="is a draft"):
        reviewed.do(provider, change=str(draft))


def test_a_review_for_another_branch_is_none_for_this_one(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": branch}, onto="develop")
    other = f"into-{branch}"
    hub.git("update-ref", f"refs/heads/{other}", hub.sha("develop"))
    number = hub.propose(branch, other)
    hub.review(number, "riku")

    with pytest.raises(NotFound, match=f"for develop, .*; proposed is #{number} into {other}"):
        reviewed.do(hub.provider("develop"), change=branch)
    assert reviewed.do(hub.provider("develop"), change=branch, into=other).into == other
    assert reviewed.do(hub.provider(other), change=branch).proposal == number


@pytest.mark.parametrize("change", ["", " ", "--all", "a..b", "two words", "x" * 300, "a\nb", "a^"])
def test_a_change_that_names_nothing_is_refused_before_anybody_is_asked(
    hub: Hub, change: str
) -> None:
    with pytest.raises(Refused, match="names no commit, branch or proposal"):
        reviewed.do(hub.provider(), change=change)


@pytest.mark.parametrize("change", ["no-such-branch", "99999", "f" * 40])
def test_a_change_nobody_proposed_is_not_reviewed(hub: Hub, change: str) -> None:
    with pytest.raises(NotFound):
        reviewed.do(hub.provider(), change=change)


def test_a_commit_without_a_proposal_is_not_reviewed(hub: Hub, branch: str) -> None:
    sha = hub.commit(branch, {"a.txt": branch}, onto="develop")

    for change in (branch, sha):
        with pytest.raises(NotFound, match="nobody has proposed"):
            reviewed.do(hub.provider(), change=change)
