"""The GitHub provider on the twin: what it reads, and that a write happens once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from drillbook.core.effect import Deadline, Effect, deadline
from drillbook.core.errors import Failed, NotFound, Refused, Unavailable
from drillbook.ports.repository import FileChange, Outcome, Stage, Verdict
from drillbook.providers.github import GitHub
from drillbook.range.twins.weather import Mode, Weather
from repository.hub import Hub, a_hub
from twins import contract


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """Every request of the provider and every answer is held to the documents."""
    held = contract.load("github", "api.github.com.json")
    with a_hub(tmp_path_factory.mktemp("hub") / "range", around=held.checked) as made:
        yield made
    # OpenAPI has no parameter with slashes: files in folders are beyond its words.
    assert [one for one in held.violations if "/contents/deep/" not in one] == []
    assert len(held.seen) > 0


def test_a_commit_is_found_by_branch_and_id_and_nothing_else_is(hub: Hub, branch: str) -> None:
    sha = hub.commit(branch, {"a.txt": "a"}, "Say hello\n\nto everybody", onto="develop")
    provider = hub.provider()

    found = provider.commit(branch)

    assert (found.sha, found.title, found.author) == (sha, "Say hello", "dana")
    assert found.parents == (hub.sha("develop"),)
    assert provider.commit(sha) == found
    with pytest.raises(NotFound, match="has no commit, branch or tag no-such-branch"):
        provider.commit("no-such-branch")


def test_a_comparison_has_all_commits_and_files_over_more_than_one_page(
    hub: Hub, branch: str
) -> None:
    begin = hub.sha("develop")
    shas = [
        hub.commit(branch, {"n.txt": f"{n}\n"}, f"Number {n}", onto="develop") for n in range(3)
    ]
    shas += _many(hub, branch, 120)
    hub.commit(branch, {"check.sh": ""}, "Remove")

    found = hub.provider().compared(begin, branch)

    assert (found.base, found.head) == (begin, hub.sha(branch))
    assert (found.ahead, found.behind) == (124, 0)
    assert [one.sha for one in found.commits] == [*shas, hub.sha(branch)]
    assert {(file.path, file.change) for file in found.files} == {
        ("n.txt", FileChange.ADDED),
        ("check.sh", FileChange.REMOVED),
    }
    assert found.files[-1].added_lines == 1
    assert hub.provider().compared(branch, begin).behind == 124


def test_files_beyond_those_github_shows_of_a_comparison_are_told_as_well(
    hub: Hub, branch: str
) -> None:
    base = hub.sha("develop")
    files = {f"a/{number:03}.txt": "x" for number in range(300)} | {"check.sh": "", "z/é.sql": "z"}
    head = hub.commit(branch, files, onto="develop")

    found = {file.path: file.change for file in hub.provider().compared(base, head).files}

    assert len(found) == 302
    assert (found["z/é.sql"], found["check.sh"]) == (FileChange.ADDED, FileChange.REMOVED)
    assert ".github/workflows/ci.yml" not in found


def _many(hub: Hub, branch: str, count: int) -> list[str]:
    before = hub.sha(branch)
    lines = []
    for n in range(count):
        lines += [f"commit refs/heads/{branch}", f"committer dana <d@example.com> {n} +0000"]
        lines += ["data 1", "m", *([f"from {before}"] if n == 0 else [])]
        lines += ["M 100644 inline n.txt", "data 4", f"{n + 100}", ""]
    hub.git("fast-import", "--quiet", "--date-format=raw-permissive", text="\n".join(lines))
    return hub.git("rev-list", "--reverse", "--topo-order", f"{before}..{branch}").split()


def test_a_file_is_read_as_it_was_in_a_commit(hub: Hub, branch: str) -> None:
    old = hub.commit(branch, {"deep/é.txt": "früher"}, onto="develop")
    hub.commit(branch, {"deep/é.txt": "now"})
    provider = hub.provider()

    assert provider.file("deep/é.txt", old).decode() == "früher"
    assert provider.file("deep/é.txt", branch) == b"now"
    with pytest.raises(NotFound):
        provider.file("deep/none.txt", branch)
    with pytest.raises(NotFound):
        provider.file("deep", branch)


def test_a_proposal_is_found_by_number_branch_and_commit_with_its_reviews(
    hub: Hub, branch: str
) -> None:
    sha = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    number = hub.propose(branch)
    hub.review(number, "riku", "COMMENT")
    hub.review(number, "riku", "APPROVE")
    provider = hub.provider()

    (found,) = provider.proposals(str(number))

    assert (found.number, found.head, found.base, found.author) == (number, sha, "develop", "dana")
    assert [(one.by, one.verdict, one.commit) for one in found.reviews] == [
        ("riku", Verdict.COMMENTED, sha),
        ("riku", Verdict.APPROVED, sha),
    ]
    assert found.open
    assert not found.merged
    assert provider.proposals(branch) == provider.proposals(sha) == (found,)
    assert provider.proposals(f"#{number}") == (found,)
    with pytest.raises(NotFound):
        provider.proposals("9999")


def test_checks_are_of_exactly_this_commit_and_statuses_count(hub: Hub, branch: str) -> None:
    first = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    second = hub.commit(branch, {"a.txt": "b"})
    hub.check(first, "success")
    hub.check(second, "failure")
    hub.check(second, "timed_out", "slow")
    bot = hub.person("build-bot")
    bot.post(f"/statuses/{second}", json={"state": "pending", "context": "preview"})
    bot.post("/check-runs", json={"name": "waits", "head_sha": second, "status": "in_progress"})

    found = {check.name: check for check in hub.provider().checks(second)}

    assert {name: check.outcome for name, check in found.items()} == {
        "test": Outcome.RED,
        "slow": Outcome.TIMED_OUT,
        "preview": Outcome.NONE,
        "waits": Outcome.NONE,
    }
    assert {check.commit for check in found.values()} == {second}
    assert found["waits"].stage is Stage.RUNNING
    assert [check.outcome for check in hub.provider().checks(first)] == [Outcome.GREEN]


def test_required_checks_are_those_of_the_branchs_protection(hub: Hub, branch: str) -> None:
    hub.commit(branch, {"a.txt": "a"}, onto="develop")
    provider = hub.provider()

    assert provider.required(branch) == ()

    _protect(hub, branch, ["test", "lint"])

    assert provider.required(branch) == ("lint", "test")


def test_a_commit_is_merged_once_and_known_again(hub: Hub, branch: str, effect: Effect) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    provider = hub.provider(into)

    assert provider.merged(into, head, effect) is None
    made = provider.merge(into, head, "Bring it", effect)

    assert hub.git("rev-list", "--parents", "-1", into).split() == [made.sha, before, head]
    assert (made.before, made.head, made.already) == (before, head, False)
    assert provider.merge(into, head, "Bring it", effect) == made
    assert hub.sha(into) == made.sha
    hub.commit(into, {"c.txt": "c"})
    assert provider.merged(into, head, effect) == made
    assert provider.merged(into, head, Effect(key="another")).already


def test_a_merge_through_a_proposal_closes_it_and_one_by_a_push_is_seen(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    number = hub.propose(branch, into)
    provider = hub.provider(into)

    made = provider.merge(into, head, "Bring it", effect)

    (found,) = provider.proposals(str(number))
    assert (found.merged, found.merge_commit) == (True, made.sha)
    assert f"(#{number})" in hub.git("log", "-1", "--format=%s", into)
    hub.commit(branch, {"a.txt": "aa"})
    second = hub.propose(branch, into)
    hub.git("update-ref", f"refs/heads/{into}", _merge_by_hand(hub, into, branch))
    (pushed,) = provider.proposals(str(second))
    assert (pushed.merged, pushed.merge_commit) == (True, hub.sha(into))
    assert provider.merged(into, hub.sha(branch), effect).already


def _merge_by_hand(hub: Hub, into: str, branch: str) -> str:
    tree = hub.git("merge-tree", "--write-tree", into, branch).split()[0]
    who = ("-c", "user.name=dana", "-c", "user.email=dana@example.com")
    return hub.git(*who, "commit-tree", tree, "-p", into, "-p", branch, "-m", "By hand")


def test_a_branch_that_was_moved_on_to_the_commit_has_it(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto=into)
    hub.git("update-ref", f"refs/heads/{into}", head)

    at_it = hub.provider().merged(into, head, effect)
    hub.commit(into, {"c.txt": "c"})
    behind_it = hub.provider().merged(into, head, effect)

    assert at_it == behind_it
    assert (at_it.sha, at_it.already, at_it.before) == (head, True, "")


def test_a_squashed_change_is_in_the_branch_by_the_commit_that_squashed_it(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    number = hub.propose(branch, into)
    said = {"merge_method": "squash"}
    sha = hub.person("riku").put(f"/pulls/{number}/merge", json=said).json()["sha"]

    found = hub.provider().merged(into, head, effect)

    assert (found.sha, found.already) == (sha, True)

    hub.git("update-ref", f"refs/heads/{into}", f"{sha}^")  # and forced out of the branch again
    assert hub.provider().merged(into, head, effect) is None


@pytest.mark.parametrize("through_proposal", [False, True])
def test_a_merge_whose_answer_was_lost_is_found_and_not_done_again(
    hub: Hub, branch: str, effect: Effect, *, through_proposal: bool
) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    if through_proposal:
        hub.propose(branch, into)

    with hub.weather(Weather(mode=Mode.LOSING, methods=("POST", "PUT"), first=1)):
        made = hub.provider().merge(into, head, "Bring it", effect)

    assert not made.already
    assert hub.git("rev-list", "--first-parent", f"{before}..{into}").split() == [made.sha]


@pytest.mark.parametrize("through_proposal", [False, True])
def test_a_merge_sent_twice_by_a_gateway_is_one_merge(
    hub: Hub, branch: str, effect: Effect, *, through_proposal: bool
) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    if through_proposal:
        hub.propose(branch, into)

    with hub.weather(Weather(mode=Mode.TWICE, methods=("POST", "PUT"), first=1)):
        made = hub.provider().merge(into, head, "Bring it", effect)

    assert not made.already
    assert hub.git("rev-list", "--first-parent", f"{before}..{into}").split() == [made.sha]


def test_a_merge_that_was_not_carried_out_may_be_tried_again(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    before = hub.commit(into, {"b.txt": "b"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "a"}, onto="develop")
    provider = hub.provider()

    for mode, status in ((Mode.FAILING, 502), (Mode.LIMITED, 429)):
        weather = Weather(mode=mode, status=status, methods=("POST",))
        with hub.weather(weather), pytest.raises(Unavailable):
            provider.merge(into, head, "Bring it", effect)

    assert hub.sha(into) == before
    assert provider.merge(into, head, "Bring it", effect).before == before


def test_reads_are_tried_again_when_the_platform_stumbles(hub: Hub, branch: str) -> None:
    sha = hub.commit(branch, {"a.txt": "a"}, onto="develop")

    with hub.weather(Weather(mode=Mode.FAILING, status=503, methods=("GET",), first=2)):
        assert hub.provider().commit(branch).sha == sha


def test_what_github_does_not_allow_is_refused_in_its_words(
    hub: Hub, branch: str, effect: Effect
) -> None:
    into = f"into-{branch}"
    hub.commit(into, {"a.txt": "theirs"}, onto="develop")
    head = hub.commit(branch, {"a.txt": "ours"}, onto="develop")
    provider = hub.provider()

    with pytest.raises(Refused, match="Merge conflict") as conflict:
        provider.merge(into, head, "Bring it", effect)
    assert "solve the conflict" in conflict.value.hint

    _protect(hub, into, ["test"])
    with pytest.raises(Refused, match='"test" is expected'):
        provider.merge(into, head, "Bring it", effect)
    with pytest.raises(NotFound):
        provider.merged("no-such-branch", head, effect)


def test_a_wrong_token_and_a_strange_answer_are_told_and_the_token_is_not(
    hub: Hub, branch: str
) -> None:
    wrong = "ghp_somebody_0123456789abcdef0123456789abcdef"

    with pytest.raises(Refused, match="does not accept the token") as refused:
        hub.provider(token=wrong).commit("main")
    assert wrong not in str(refused.value) + refused.value.hint

    strange = GitHub(
        api=hub.address, token=lambda: hub.cloud.token("github"), repository="a/b", branch="main"
    )
    with pytest.raises(NotFound):
        strange.commit("main")


def test_a_platform_that_is_away_is_unavailable(hub: Hub) -> None:
    nobody = GitHub(api="http://127.0.0.1:1", token=lambda: "t", repository="a/b", branch="main")

    within = deadline.set(Deadline(datetime.now(UTC) + timedelta(seconds=0.3)))
    try:
        with pytest.raises(Unavailable):
            nobody.merge("main", "0" * 40, "Bring it", Effect(key="k"))
    finally:
        deadline.reset(within)


def test_an_issue_is_opened_once_and_one_of_the_same_title_is_not_doubled(
    hub: Hub, branch: str, effect: Effect
) -> None:
    provider, title = hub.provider(), f"Turn it on again ({branch})"

    with hub.weather(Weather(mode=Mode.LOSING, methods=("POST",), first=1)):
        made = provider.open(title, "Please.", effect)

    assert not made.already
    assert provider.open(title, "Please.", effect) == made
    assert provider.open(title, "Please.", Effect(key="another")).number == made.number
    assert provider.find(title, Effect(key="another")).already
    hub.person("dana").patch(f"/issues/{made.number}", json={"state": "closed"})
    assert provider.find(title, effect).open is False
    assert provider.find(title, Effect(key="another")) is None


def test_an_issue_that_a_gateway_opened_twice_stays_once(
    hub: Hub, branch: str, effect: Effect
) -> None:
    provider, title = hub.provider(), f"Look at it ({branch})"

    with hub.weather(Weather(mode=Mode.TWICE, methods=("POST",), first=1)):
        made = provider.open(title, "Please.", effect)

    found = hub.person("dana").get("/issues", params={"labels": "drillbook"}).json()
    assert [one["number"] for one in found if one["title"] == title] == [made.number]
    assert provider.find(title, effect) == made


def test_an_answer_that_is_not_githubs_is_not_understood() -> None:
    app = Starlette(routes=[Route("/{path:path}", lambda _: JSONResponse({"hello": 1}))])

    with contract.serve(app) as address:
        elsewhere = GitHub(api=address, token=lambda: "t", repository="x/y", branch="main")
        for ask in (elsewhere.commit, elsewhere.proposals, elsewhere.required):
            with pytest.raises(Failed, match=r"is not understood: .*: "):
                ask("main")


def _protect(hub: Hub, branch: str, checks: list[str], approvals: int = 0) -> None:
    reviews = {"required_approving_review_count": approvals} if approvals else None
    rules = {
        "required_status_checks": {"strict": False, "contexts": checks},
        "enforce_admins": True,
        "required_pull_request_reviews": reviews,
        "restrictions": None,
    }
    reply = hub.person("owner").put(f"/branches/{branch}/protection", json=rules)
    assert reply.status_code == 200, reply.text
