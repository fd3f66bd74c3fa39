"""`repository.changes`: a changelog from commits and file, and the files that matter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drillbook.actions.repository import changes, commit
from drillbook.actions.repository.changing import names_in
from drillbook.core.errors import NotFound, Refused
from repository.hub import Hub


def test_the_changelog_is_drawn_from_the_commits_and_the_file(hub: Hub, branch: str) -> None:
    begin = hub.commit(
        branch,
        {
            "CHANGELOG.md": "# Changelog\n\n## 1.0\n- First.\n",
            ".env.example": "DATABASE_URL=\nOLD_NAME=x\n",
            "supabase/migrations/1.sql": "select 1;\n",
        },
        onto="develop",
    )
    hub.commit(branch, {"a.txt": "a"}, "Show prices\n\nLong story.", by="dana")
    hub.commit(
        branch,
        {
            "CHANGELOG.md": "# Changelog\n\n## 1.1\n- Prices.\n\n## 1.0\n- First.\n",
            ".env.example": "DATABASE_URL=\nexport NEW_NAME=secret-value\n# NOT_THIS=1\n",
            "supabase/migrations/1.sql": "select 11;\n",
            "supabase/migrations/2.sql": "select 2;\n",
            "supabase/migrations/2.down.sql": "select -2;\n",
            "vercel.json": "{}",
            "pyproject.toml": "",
            ".github/workflows/more.yml": "name: x\n",
        },
        "Release 1.1",
        by="riku",
    )

    found = changes.do(hub.provider(), since=begin, commit=branch)

    assert [(line.title, line.author) for line in found.commits] == [
        ("Show prices", "dana"),
        ("Release 1.1", "riku"),
    ]
    assert found.changelog == ("## 1.1", "- Prices.")
    assert found.migrations == ("supabase/migrations/2.sql",)
    assert found.rewritten == ("supabase/migrations/1.sql",)
    assert (found.values_added, found.values_removed) == (("NEW_NAME",), ("OLD_NAME",))
    assert found.hosting == ("vercel.json",)
    assert found.pipeline == (".github/workflows/more.yml",)
    assert (found.count, found.lost, found.commit) == (2, (), hub.sha(branch))
    assert "secret-value" not in found.model_dump_json()
    assert "old migrations changed or removed: supabase/migrations/1.sql" in found.says


def test_commits_that_would_go_are_counted_and_nothing_new_is_said(hub: Hub, branch: str) -> None:
    begin = hub.sha("develop")
    change = hub.commit(branch, {"a.txt": "a"}, "Write a", onto="develop")
    into = f"into-{branch}"
    hub.commit(into, {"b.txt": "b"}, "Write b", onto="develop")
    said = {"base": into, "head": change}
    ahead = hub.person("dana").post("/merges", json=said).json()["sha"]

    back = changes.do(hub.provider(), since=ahead, commit=begin)
    aside = changes.do(hub.provider(), since=ahead, commit=change)

    assert (back.count, back.commits, aside.count) == (0, (), 0)
    assert {line.title for line in back.lost} == {"Write a", "Write b"}
    assert [line.title for line in aside.lost] == ["Write b"]
    assert back.says.startswith(
        f"{begin[:7]} brings nothing that {ahead[:7]} has not; 2 commits of {ahead[:7]} would go: "
    )


def test_without_a_commit_it_is_the_environments_branch(hub: Hub, branch: str) -> None:
    begin = hub.sha("develop")
    hub.commit(branch, {"a.txt": "a"}, "Write a", onto="develop")

    found = changes.do(hub.provider(branch), since=begin)

    assert found.commit == hub.sha(branch)
    assert commit.do(hub.provider(branch)).sha == hub.sha(branch)
    assert commit.do(hub.provider(), ref=branch).title == "Write a"


@pytest.mark.parametrize("since", ["", "a b", "--x", "a...b"])
def test_a_since_that_names_nothing_is_refused(hub: Hub, since: str) -> None:
    with pytest.raises(Refused):
        changes.do(hub.provider(), since=since)


def test_commits_nobody_knows_are_not_found(hub: Hub) -> None:
    with pytest.raises(NotFound):
        changes.do(hub.provider(), since="0" * 40)
    with pytest.raises(NotFound):
        commit.do(hub.provider(), ref="no-such-branch")


@given(st.text())
def test_any_text_gives_only_names(text: str) -> None:
    assert all(name.isidentifier() and name.isascii() for name in names_in(text))
