"""Merge a commit or a branch into a branch, without a pull request."""

from drillbook.range.twins.github import protection, pulls
from drillbook.range.twins.github.asking import Asked, Reply, Said
from drillbook.range.twins.github.git import Conflict, Moved
from drillbook.range.twins.github.twin import GitHub, person


def merge(hub: GitHub, asked: Asked) -> Reply:
    """Merge: 201 with the merge commit, 204 where nothing is to be done, 409 where it conflicts."""
    base, wanted = asked.text("base"), asked.text("head")
    with hub.documents.locked():
        heads = hub.git.heads()
        if base not in heads:
            raise Said(404, "Base does not exist")
        head = hub.sha(wanted, 404, "Head does not exist")
        if hub.contains(heads[base], head):
            return Reply(204)
        pull = _pull_of(hub, base, head)
        if unmet := protection.unmet(hub, base, head, pull):
            raise Said(409, unmet)
        message = asked.optional("commit_message", f"Merge {wanted} into {base}")
        try:
            sha = hub.git.merge(base, head, message, person(asked.login))
        except Conflict as error:
            raise Said(409, "Merge conflict") from error
        except Moved as error:
            raise Said(409, "Base branch was modified. Review and try again.") from error
    pulls.settled(hub)
    return Reply(201, hub.shapes.commit(hub.git.commit(sha)))


def _pull_of(hub: GitHub, base: str, head: str) -> dict[str, object] | None:
    found = [
        pull
        for pull in pulls.settled(hub)
        if pull["state"] == "open" and (pull["base"], pull["head_sha"]) == (base, head)
    ]
    return found[-1] if found else None
