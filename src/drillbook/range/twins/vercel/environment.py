"""The API of environment values; what it changes counts for builds made afterwards."""

from typing import Any

from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem, Said
from drillbook.range.twins.vercel.values import KINDS, TARGETS, Sealing, Values


def list_values(asked: Asked) -> object:
    """Answer GET /v10/projects/{idOrName}/env."""
    asked.project()
    values = _values(asked)
    target, branch = asked.query.get("target"), asked.query.get("gitBranch")
    shown = [
        _shape(values, each, decrypted=asked.query.get("decrypt") == "true")
        for each in values.all()
        if target in {None, *each["target"]} and (not branch or each["gitBranch"] == branch)
    ]
    return {"envs": shown}


def get_value(asked: Asked) -> object:
    """Answer GET /v1/projects/{idOrName}/env/{id}: with its value, unless that is sensitive."""
    return _shape(_values(asked), _found(asked), decrypted=True)


def create_values(asked: Asked) -> object:
    """Answer POST /v10/projects/{idOrName}/env, one or many, with upsert=true over what is."""
    asked.project()
    values, upsert = _values(asked), asked.query.get("upsert") == "true"
    many = asked.body if isinstance(asked.body, list) else [asked.body]
    created: list[Document] = []
    failed: list[Document] = []
    with asked.hosting.documents.locked():
        for each in many:
            wish = _checked(each)
            same = values.same(wish["key"], wish["target"], wish["gitBranch"] or "")
            if same is not None and not upsert:
                failed.append(_taken(wish))
                continue
            created.append(_shape(values, values.put(wish, same), decrypted=False))
    if failed and not isinstance(asked.body, list):
        error = failed[0]["error"]
        raise Problem(400, error["code"], error["message"])
    return Said(201, {"created": created if len(many) > 1 else created[0], "failed": failed})


def change_value(asked: Asked) -> object:
    """Answer PATCH /v9/projects/{idOrName}/env/{id}."""
    with asked.hosting.documents.locked():
        values, found = _values(asked), _found(asked)
        wish = _checked({**_fields(found), **_object(asked.body)}, whole="value" in asked.body)
        return _shape(values, values.put(wish, found), decrypted=False)


def remove_value(asked: Asked) -> object:
    """Answer DELETE /v9/projects/{idOrName}/env/{id}."""
    with asked.hosting.documents.locked():
        values, found = _values(asked), _found(asked)
        values.remove(found["id"])
        return _shape(values, found, decrypted=False)


def list_custom_environments(asked: Asked) -> object:
    """Answer GET …/custom-environments: the project has none beside production and preview."""
    asked.project()
    return {"environments": []}


def _values(asked: Asked) -> Values:
    return Values(asked.hosting.documents, Sealing(asked.hosting.cloud))


def _found(asked: Asked) -> Document:
    asked.project()
    found = _values(asked).find(asked.path["value"])
    if found is None:
        raise Problem(404, "not_found", "The Environment Variable was not found.")
    return found


def _fields(found: Document) -> Document:
    return {name: found[name] for name in ("key", "type", "target", "gitBranch", "comment")}


def _object(body: Any) -> Document:
    if not isinstance(body, dict):
        raise Problem(400, "bad_request", "Invalid request: should be object.")
    return body


def _checked(body: Any, *, whole: bool = True) -> Document:
    wish = dict(_object(body))
    needed = ("key", "type", "target", *(("value",) if whole else ()))
    for name in needed:
        if not wish.get(name) and wish.get(name) != "":
            raise Problem(
                400, "bad_request", f"Invalid request: missing required property `{name}`."
            )
    targets = [wish["target"]] if isinstance(wish["target"], str) else list(wish["target"])
    if not targets or not set(targets) <= set(TARGETS):
        raise Problem(400, "bad_request", "Invalid request: `target` is not known.")
    if wish["type"] not in KINDS:
        raise Problem(400, "bad_request", "Invalid request: `type` is not known.")
    if wish.get("gitBranch") and targets != ["preview"]:
        raise Problem(400, "bad_request", "Only preview values are bound to a branch.")
    return wish | {"target": targets, "gitBranch": wish.get("gitBranch") or None}


def _taken(wish: Document) -> Document:
    message = f"A variable with the name `{wish['key']}` already exists for its targets and branch"
    return {
        "error": {
            "code": "ENV_CONFLICT",
            "message": message,
            "key": wish["key"],
            "target": wish["target"],
            "gitBranch": wish["gitBranch"],
        }
    }


def _shape(values: Values, record: Document, *, decrypted: bool) -> Document:
    kind = record["type"]
    readable = kind == "plain" or (decrypted and kind != "sensitive")
    # Without `decrypt` the platform shows what it has stored, and of a sensitive one nothing.
    value = values.revealed(record) if readable else "" if kind == "sensitive" else record["sealed"]
    shape = {
        "type": kind,
        "value": value,
        "decrypted": readable,
        "target": record["target"],
        "configurationId": None,
        "id": record["id"],
        "key": record["key"],
        "createdAt": record["createdAt"],
        "updatedAt": record["updatedAt"],
        "createdBy": record["createdBy"],
        "updatedBy": record["updatedBy"],
        "comment": record["comment"],
    }
    # Absent where there is none: the platform never says null here.
    return shape | ({"gitBranch": record["gitBranch"]} if record["gitBranch"] else {})


_ENV = "/v9/projects/{project}/env"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/v10/projects/{project}/env", list_values),
    ("GET", _ENV, list_values),
    ("GET", "/v9/projects/{project}/custom-environments", list_custom_environments),
    ("GET", "/projects/{project}/custom-environments", list_custom_environments),
    ("POST", "/v10/projects/{project}/env", create_values),
    ("GET", "/v1/projects/{project}/env/{value}", get_value),
    ("PATCH", f"{_ENV}/{{value}}", change_value),
    ("DELETE", f"{_ENV}/{{value}}", remove_value),
)
