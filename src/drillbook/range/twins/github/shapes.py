"""How GitHub shows things: people, repositories, commits, files."""

import zlib
from typing import Any

from drillbook.range.cloud import OWNER, REPOSITORY
from drillbook.range.twins.github.asking import Json
from drillbook.range.twins.github.git import GitCommit, GitFile
from drillbook.range.twins.github.people import number_of

MADE = "2026-01-05T09:00:00Z"
REPOSITORY_ID = 710_000_001
_STATUS = {"A": "added", "M": "modified", "D": "removed", "R": "renamed", "C": "copied"}
_USER_LINKS = (
    "events", "followers", "following", "gists", "organizations", "received_events", "repos",
    "starred", "subscriptions",
)  # fmt: skip
_LINKS = (
    "archive", "assignees", "blobs", "branches", "collaborators", "comments", "commits", "compare",
    "contents", "contributors", "deployments", "downloads", "events", "forks", "git_commits",
    "git_refs", "git_tags", "hooks", "issue_comment", "issue_events", "issues", "keys", "labels",
    "languages", "merges", "milestones", "notifications", "pulls", "releases", "stargazers",
    "statuses", "subscribers", "subscription", "tags", "teams", "trees",
)  # fmt: skip
_NOUGHTS = (
    "forks", "forks_count", "open_issues", "open_issues_count", "size", "stargazers_count",
    "watchers", "watchers_count",
)  # fmt: skip


class Shapes:
    """Builds what answers hold; `hub` is the twin's own address."""

    def __init__(self, hub: str) -> None:
        self.hub = hub
        self.api = f"{hub}/repos/{OWNER}/{REPOSITORY}"
        self.web = f"{hub}/{OWNER}/{REPOSITORY}"

    def user(self, login: str) -> Json:
        """Show a person."""
        url = f"{self.hub}/users/{login}"
        links = {f"{name}_url": f"{url}/{name}" for name in _USER_LINKS}
        return {
            "login": login, "id": number_of(login), "node_id": node("U", login), "url": url,
            "avatar_url": f"{url}/avatar", "gravatar_id": "", "html_url": f"{self.hub}/{login}",
            "type": "User", "site_admin": False, **links,
        }  # fmt: skip

    def minimal_repository(self) -> Json:
        """Show the repository where it is only named."""
        links = {f"{name}_url": f"{self.api}/{name}" for name in _LINKS}
        owner = self.user(OWNER) | {"type": "Organization"}
        return {
            "id": REPOSITORY_ID, "node_id": node("R", REPOSITORY), "name": REPOSITORY,
            "full_name": f"{OWNER}/{REPOSITORY}", "owner": owner, "private": True, "fork": False,
            "description": "A booking app", "url": self.api, "html_url": self.web, **links,
        }  # fmt: skip

    def repository(self) -> Json:
        """Show the repository."""
        git = f"{self.web}.git"
        return {
            **self.minimal_repository(), **dict.fromkeys(_NOUGHTS, 0),
            "clone_url": git, "git_url": git, "ssh_url": git, "svn_url": self.web,
            "mirror_url": None, "homepage": None, "language": "Python", "license": None,
            "default_branch": "main", "has_downloads": True, "has_issues": True,
            "has_projects": False, "has_wiki": False, "has_pages": False, "archived": False,
            "disabled": False, "visibility": "private", "created_at": MADE, "updated_at": MADE,
            "pushed_at": MADE,
        }  # fmt: skip

    def commit(self, commit: GitCommit) -> Json:
        """Show a commit."""
        url = f"{self.api}/commits/{commit.sha}"
        inner = {
            "author": vars_of(commit, "author"), "committer": vars_of(commit, "committer"),
            "message": commit.message, "comment_count": 0, "url": url,
            "tree": {"sha": commit.tree, "url": f"{self.api}/git/trees/{commit.tree}"},
        }  # fmt: skip
        return {
            "sha": commit.sha, "node_id": node("C", commit.sha), "commit": inner, "url": url,
            "html_url": f"{self.web}/commit/{commit.sha}", "comments_url": f"{url}/comments",
            "author": self.user(login_in(commit.author.email)),
            "committer": self.user(login_in(commit.committer.email)),
            "parents": [self._parent(sha) for sha in commit.parents],
        }  # fmt: skip

    def simple_commit(self, commit: GitCommit) -> Json:
        """Show a commit as a run of a workflow does."""
        author, committer = commit.author, commit.committer
        return {
            "id": commit.sha, "tree_id": commit.tree, "message": commit.message,
            "timestamp": committer.at, "author": {"name": author.name, "email": author.email},
            "committer": {"name": committer.name, "email": committer.email},
        }  # fmt: skip

    def file(self, file: GitFile, ref: str) -> Json:
        """Show a file that differs."""
        shown: Json = {
            "sha": file.blob, "filename": file.path, "status": _STATUS.get(file.letter, "changed"),
            "additions": file.added, "deletions": file.removed,
            "changes": file.added + file.removed,
            "blob_url": f"{self.web}/blob/{ref}/{file.path}",
            "raw_url": f"{self.web}/raw/{ref}/{file.path}",
            "contents_url": f"{self.api}/contents/{file.path}?ref={ref}",
        }  # fmt: skip
        shown |= {"patch": file.patch} if file.patch else {}
        return shown | ({"previous_filename": file.before} if file.before else {})

    def _parent(self, sha: str) -> Json:
        url = f"{self.api}/commits/{sha}"
        return {"sha": sha, "url": url, "html_url": f"{self.web}/commit/{sha}"}


def vars_of(commit: GitCommit, role: str) -> dict[str, Any]:  # Any: JSON
    """Show who wrote a commit."""
    person = commit.author if role == "author" else commit.committer
    return {"name": person.name, "email": person.email, "date": person.at}


def login_in(email: str) -> str:
    """Return the person an address belongs to."""
    return email.partition("@")[0] or "somebody"


def node(kind: str, name: object) -> str:
    """Return an opaque id, the same for the same thing."""
    return f"{kind}_{zlib.crc32(f'{kind}/{name}'.encode()):08x}"
