"""Issues: what people are asked for."""

from drillbook.range.twins.github.asking import Asked, Json, Reply, Said, page, wrong
from drillbook.range.twins.github.shapes import node
from drillbook.range.twins.github.twin import GitHub, now


def create(hub: GitHub, asked: Asked) -> Reply:
    """Open an issue."""
    title = asked.text("title")
    labels = asked.body.get("labels") or []
    if not isinstance(labels, list):
        raise wrong('"labels" is not an array.')
    with hub.documents.locked():
        number = hub.next_number("issue")
        issue: Json = {
            "number": number, "title": title, "body": asked.optional("body"), "state": "open",
            "by": asked.login, "labels": [str(label) for label in labels], "created_at": now(),
            "updated_at": now(), "closed_at": None, "assignees": asked.body.get("assignees") or [],
        }  # fmt: skip
        hub.documents.put("issue", str(number), issue)
    return Reply(201, _shown(hub, issue))


def list_(hub: GitHub, asked: Asked) -> Reply:
    """List issues, the newest first; `labels` names those all of which an issue must have."""
    state = asked.query.get("state", "open")
    labels = {label for label in asked.query.get("labels", "").split(",") if label}
    creator = asked.query.get("creator")
    found = [
        issue
        for issue in reversed(hub.documents.all("issue"))
        if state in {"all", issue["state"]}
        and labels <= set(issue["labels"])
        and creator in {None, issue["by"]}
    ]
    return page(asked, [_shown(hub, issue) for issue in found])


def get(hub: GitHub, asked: Asked) -> Reply:
    """Show an issue."""
    return Reply(200, _shown(hub, hub.find("issue", asked.number("number"))))


def change(hub: GitHub, asked: Asked) -> Reply:
    """Change an issue, or close it."""
    with hub.documents.locked():
        issue = hub.find("issue", asked.number("number"))
        for field in ("title", "body", "state"):
            if field in asked.body:
                issue[field] = asked.optional(field)
        if issue["state"] not in {"open", "closed"}:
            raise Said(422, "Validation Failed", [{"resource": "Issue", "field": "state"}])
        if isinstance(asked.body.get("labels"), list):
            issue["labels"] = [str(label) for label in asked.body["labels"]]
        issue |= {"updated_at": now(), "closed_at": None if issue["state"] == "open" else now()}
        hub.documents.put("issue", str(issue["number"]), issue)
    return Reply(200, _shown(hub, issue))


def comment(hub: GitHub, asked: Asked) -> Reply:
    """Write below an issue or a pull request."""
    text, number = asked.text("body"), asked.number("number")
    with hub.documents.locked():
        if hub.documents.get("issue", str(number)) is None:
            hub.find("pull", number)
        made = {"id": hub.next_number("comment", 600_001), "issue": number, "by": asked.login}
        made |= {"body": text, "at": now()}
        hub.documents.put("comment", str(made["id"]), made)
    return Reply(201, _comment(hub, made))


def comments(hub: GitHub, asked: Asked) -> Reply:
    """List what is written below an issue."""
    number = asked.number("number")
    found = [one for one in hub.documents.all("comment") if one["issue"] == number]
    return page(asked, [_comment(hub, one) for one in found])


def _comment(hub: GitHub, made: Json) -> Json:
    url = f"{hub.shapes.api}/issues/comments/{made['id']}"
    web = f"{hub.shapes.web}/issues/{made['issue']}"
    return {
        "id": made["id"], "node_id": node("IC", made["id"]), "url": url, "body": made["body"],
        "html_url": f"{web}#issuecomment-{made['id']}", "user": hub.shapes.user(made["by"]),
        "issue_url": f"{hub.shapes.api}/issues/{made['issue']}", "created_at": made["at"],
        "updated_at": made["at"], "author_association": "MEMBER",
    }  # fmt: skip


def _shown(hub: GitHub, issue: Json) -> Json:
    shapes, number = hub.shapes, issue["number"]
    url = f"{shapes.api}/issues/{number}"
    people = [shapes.user(login) for login in issue["assignees"]]
    labels = [
        {"id": 900_000 + at, "node_id": node("LA", name), "url": f"{shapes.api}/labels/{name}",
         "name": name, "description": None, "color": "ededed", "default": False}
        for at, name in enumerate(issue["labels"])
    ]  # fmt: skip
    count = sum(one["issue"] == number for one in hub.documents.all("comment"))
    return {
        "id": 30_000 + number, "node_id": node("I", number), "number": number, "url": url,
        "repository_url": shapes.api, "labels_url": f"{url}/labels{{/name}}",
        "comments_url": f"{url}/comments", "events_url": f"{url}/events",
        "html_url": f"{shapes.web}/issues/{number}", "title": issue["title"],
        "body": issue["body"], "state": issue["state"], "locked": False, "comments": count,
        "user": shapes.user(issue["by"]), "labels": labels, "milestone": None,
        "assignee": people[0] if people else None, "assignees": people,
        "created_at": issue["created_at"], "updated_at": issue["updated_at"],
        "closed_at": issue["closed_at"], "author_association": "MEMBER",
    }  # fmt: skip
