"""The booking app's repository: its past is always the same, and anything may be proposed to it."""

import io
import json
import shutil
import subprocess
import tarfile
from difflib import unified_diff
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest
from benchmarks.booking_app import app_url, listening, serving, token_of, values_for
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from drillbook.cli.practice import range_app
from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.local.server import PostgresServer
from drillbook.range.booking.database import BookingData, load_booking
from drillbook.range.cloud import Cloud
from drillbook.range.history.changes import Change, change, changes
from drillbook.range.history.patches import Tree, read_patch
from drillbook.range.history.releases import past, source_tree
from drillbook.range.repository import force, git, make_repository, propose
from drillbook.range.twins.github import make_app

RELEASES = ("1.0.0", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0")
ALL = tuple(changes().values())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """A repository as it is made; copy it to change it."""
    cloud = Cloud(tmp_path_factory.mktemp("range"))
    assert make_repository(cloud)
    return cloud


@pytest.fixture
def cloud(made: Cloud, tmp_path: Path) -> Cloud:
    shutil.copytree(made.range, tmp_path / "range")
    return Cloud(tmp_path / "range")


def log(cloud: Cloud, *words: str) -> list[str]:
    return git(cloud.repository, "log", *words).splitlines()


def tree_at(cloud: Cloud, commit: str) -> Tree:
    asked = ["git", "-C", str(cloud.repository), "archive", commit]
    archive = subprocess.run(asked, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        return {
            member.name: text.read().decode()
            for member in files
            if (text := files.extractfile(member)) is not None
        }


def test_repository_has_every_release_on_main_and_the_source_at_its_end(made: Cloud) -> None:
    on_main = log(made, "--first-parent", "--format=%D|%s", "main")

    for release, line in zip(reversed(RELEASES), on_main, strict=True):
        assert f"tag: v{release}" in line
        assert f'__version__ = "{release}"' in tree_at(made, f"v{release}")["booking/__init__.py"]
    assert tree_at(made, "main") == tree_at(made, "develop") == source_tree()
    assert len(log(made, "--format=%H", "develop")) == 26
    assert git(made.repository, "branch", "--format=%(refname:short)").split() == [
        "develop",
        "main",
    ]
    assert git(made.clone, "status", "--short", "--branch").strip() == (
        "## develop...origin/develop"
    )


def test_repository_made_again_has_the_same_commits_and_one_that_is_there_is_left_alone(
    made: Cloud, cloud: Cloud, tmp_path: Path
) -> None:
    other = Cloud(tmp_path / "other")
    shutil.rmtree(cloud.clone)
    (other.folder / "unfinished.git").mkdir(parents=True)  # as a kill in between leaves it

    assert make_repository(other)
    assert make_repository(cloud)
    assert not make_repository(cloud)
    for branch in ("main", "develop"):
        ids = {git(one.repository, "rev-parse", branch) for one in (made, other, cloud)}
        assert len(ids) == 1


def test_every_patch_of_the_past_goes_on_and_comes_off_again() -> None:
    told = list(past())

    for (_, before), (patch, after) in pairwise(told):
        assert patch is not None
        assert patch.put_on(before) == after
        assert patch.take_off(after) == before
        with pytest.raises(Refused, match="the change does not fit"):
            patch.put_on(after)


lines = st.lists(st.text("ab-+@ \\\f", max_size=3), max_size=12)


@settings(max_examples=60, deadline=None)
@given(before=lines, after=lines, above=lines)
def test_a_patch_leads_there_and_back_wherever_its_lines_have_moved(
    before: list[str], after: list[str], above: list[str]
) -> None:
    assume(before != after)
    old, new = ["top", *before, "end"], ["top", *after, "end"]
    told = unified_diff(old, new, "a/f", "b/f", n=len(old), lineterm="")
    patch = read_patch("---\ndiff --git a/f b/f\n" + "".join(f"{line}\n" for line in told))

    def tree(*parts: list[str]) -> Tree:
        return {"f": "".join(f"{line}\n" for part in parts for line in part)}

    assert patch.put_on(tree(above, old)) == tree(above, new)
    assert patch.take_off(tree(above, new)) == tree(above, old)


def test_every_change_fits_on_top_of_all_good_ones_and_is_python() -> None:
    good = [each for each in ALL if each.good]
    for order in (good, good[::-1]):
        tree = source_tree()
        for each in order:
            tree = each.put_on(tree)

        for each in ALL:
            changed = tree if each.good else each.put_on(tree)
            for path in {file.path for file in each.patch.files if file.path.endswith(".py")}:
                compile(changed[path], path, "exec")
    assert len(good) >= 6
    assert len(ALL) - len(good) >= 12


BAD = tuple(each for each in ALL if not each.good)


@pytest.mark.parametrize("each", BAD, ids=[each.name for each in BAD])
def test_what_a_bad_change_shows_does_not_tell_that_it_is_bad(each: Change) -> None:
    shown = " ".join((each.branch, each.subject, each.body, each.patch.headers["Changelog"]))
    added = [
        line
        for file in each.patch.files
        for hunk in file.hunks
        for line in hunk.after
        if line not in hunk.before
    ]

    for word in (
        "fault",
        "drill",
        "drillbook",
        "bad",
        "leak",
        "leaks",
        "slow",
        "throws",
        each.name,
    ):
        assert word not in f"{shown} {' '.join(added)}".lower().split()
    assert each.author.endswith("@booking.example>")
    assert each.login != each.reviewer


def test_proposed_change_is_a_branch_and_an_approved_pull_request(cloud: Cloud) -> None:
    tip = git(cloud.repository, "rev-parse", "develop")
    with listening(make_app(cloud, runs_pipeline=False)) as url:
        cloud.keep_ports({"github": int(url.rpartition(":")[2])})
        first = propose(cloud, "changelog-line")
        second = propose(cloud, "changelog-line")
        unread = propose(cloud, "release-throws", reviewed=False)
        documents = cloud.documents("github")
        pulls = {pull["number"]: pull for pull in documents.all("pull")}
        reviews = documents.all("review")

    assert (first.branch, second.branch) == ("docs/maintenance", "docs/maintenance-2")
    assert git(cloud.repository, "rev-parse", f"{first.branch}^") == tip
    assert git(cloud.repository, "rev-parse", first.branch).strip() == first.commit
    assert pulls[first.number]["author"] == "mira"
    assert {review["commit"] for review in reviews} == {first.commit, second.commit}
    assert {review["by"] for review in reviews} == {"tomas"}
    assert pulls[unread.number]["head"] == "feature/confirmation-contact"
    assert git(cloud.repository, "rev-parse", "develop") == tip


def test_proposal_that_nobody_can_open_leaves_no_branch(cloud: Cloud, tmp_path: Path) -> None:
    before = git(cloud.repository, "for-each-ref")

    with pytest.raises(Unavailable, match="the range's GitHub"):
        propose(cloud, "copy-text")
    with pytest.raises(NotFound, match="there is no range in"):
        propose(Cloud(tmp_path / "nowhere"), "copy-text")

    assert git(cloud.repository, "for-each-ref") == before
    assert not (tmp_path / "nowhere").exists()


def test_commands_list_the_changes_and_propose_one(cloud: Cloud) -> None:
    listed = CliRunner().invoke(range_app, ["changes", "--json"])
    with listening(make_app(cloud, runs_pipeline=False)) as url:
        cloud.keep_ports({"github": int(url.rpartition(":")[2])})
        words = ["propose", "copy-text", "--folder", str(cloud.range)]
        proposed = CliRunner().invoke(range_app, words)

    assert [one["name"] for one in json.loads(listed.output)] == [one.name for one in ALL]
    assert proposed.output == (
        f"pull request 1: fix/kinder-words at "
        f"{git(cloud.repository, 'rev-parse', 'fix/kinder-words')[:7]}, approved\n"
    )


def test_forced_change_is_on_main_and_in_develop_past_all_gates(cloud: Cloud) -> None:
    force(cloud, "copy-text")
    commit = force(cloud, "release-slow")

    assert git(cloud.repository, "rev-parse", "main").strip() == commit
    wanted = change("release-slow").put_on(change("copy-text").put_on(source_tree()))
    assert tree_at(cloud, "main") == tree_at(cloud, "develop") == wanted
    assert log(cloud, "--format=%s", "-1", "main") == ["Show how much choice there is of a service"]
    with pytest.raises(Refused, match="the change does not fit"):
        force(cloud, "copy-text")
    with pytest.raises(NotFound, match="there is no change 'moon'"):
        force(cloud, "moon")


@pytest.fixture
def shop(postgres_server: PostgresServer, database_url: str) -> str:
    load_booking(database_url, BookingData(scale=0.05))
    return app_url(postgres_server, psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])


def test_a_bad_change_breaks_what_it_says_and_nothing_else(shop: str, tmp_path: Path) -> None:
    tree = change("release-unhealthy").put_on(change("release-throws").put_on(source_tree()))

    with serving(tmp_path, tree, values_for(shop, tmp_path / "log")) as app:
        app.token = token_of(5)
        fine = app.ask("POST", "/api/bookings", {})
        app.token = token_of(6)
        failed = app.ask("POST", "/api/bookings", {})
        health = app.ask("GET", "/api/health")

    assert (fine.status, failed.status, health.status) == (201, 500, 503)
    assert failed.json["error"] == "'NoneType' object is not subscriptable"
