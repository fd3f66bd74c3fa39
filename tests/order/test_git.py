"""Git tells with which commit of the branch each file came; where it cannot, that is said."""

import os
import subprocess
from pathlib import Path

import pytest

from drillbook.core.errors import NotFound
from drillbook.providers.git import GitFolders


class Repository:
    """A real repository with an author of its own."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> None:
        who = {"NAME": "Ana", "EMAIL": "ana@example.com"}
        roles = ("AUTHOR", "COMMITTER")
        env = os.environ | {f"GIT_{role}_{k}": v for role in roles for k, v in who.items()}
        env |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        subprocess.run(["git", *words], cwd=self.root, env=env, check=True, capture_output=True)

    def commit(self, *names: str) -> None:
        for name in names:
            path = self.root / "sql" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"SELECT '{name}';\n" * 3)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "more")

    def arrived(self) -> dict[str, int]:
        return {f.path: f.arrived for f in GitFolders(self.root).read("sql").files}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    root = tmp_path / "work"
    root.mkdir()
    return Repository(root)


def test_files_have_the_number_of_the_commit_that_brought_them(repository: Repository) -> None:
    repository.commit("zebra.sql")
    repository.commit("apple.sql", "größe.sql")
    (repository.root / "sql" / "new.sql").write_text("SELECT 1")

    assert repository.arrived() == {"zebra.sql": 1, "apple.sql": 2, "größe.sql": 2, "new.sql": 0}


def test_a_renamed_file_keeps_its_place(repository: Repository) -> None:
    repository.commit("first.sql")
    repository.commit("second.sql")
    repository.git("mv", "sql/first.sql", "sql/begin.sql")
    repository.git("commit", "-q", "-m", "rename")

    assert repository.arrived() == {"begin.sql": 1, "second.sql": 2}


def test_what_a_merge_brought_came_with_the_merge(repository: Repository) -> None:
    repository.commit("one.sql")
    repository.git("checkout", "-q", "-b", "branch")
    repository.commit("late.sql")
    repository.git("checkout", "-q", "main")
    repository.commit("two.sql")
    repository.git("merge", "-q", "--no-ff", "-m", "merge", "branch")

    found = repository.arrived()

    assert found["one.sql"] < found["two.sql"] < found["late.sql"]


def test_a_shallow_repository_says_so(repository: Repository, tmp_path: Path) -> None:
    repository.commit("one.sql")
    repository.commit("two.sql")
    there = tmp_path / "shallow"
    repository.git("clone", "-q", "--depth=1", repository.root.as_uri(), str(there))

    found = GitFolders(there).read("sql")

    assert "shallow" in found.no_history
    assert [f.arrived for f in found.files] == [0, 0]


def test_outside_of_git_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "a.sql").write_text("SELECT 1")

    assert "not a git repository" in GitFolders(tmp_path).read(".").no_history
    with pytest.raises(NotFound, match="there is no folder"):
        GitFolders(tmp_path).read("nowhere")


def test_without_git_the_reason_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    assert "git is not installed" in GitFolders(tmp_path).read(".").no_history


def test_a_program_named_in_the_repositorys_settings_is_not_run(
    repository: Repository, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    repository.commit("one.sql")
    repository.git("config", "core.fsmonitor", f"touch {mark}")

    assert repository.arrived() == {"one.sql": 1}
    assert not mark.exists()
