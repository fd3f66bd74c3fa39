"""The auth service's settings, signing keys, and the API keys of a project."""

import hashlib
import json
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid4, uuid5

from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase import signing
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.project import Project

API_KEYS, LEGACY = "api keys", "legacy api keys"
# The names and types of all settings: null for each that nothing here reads.
_FIELDS: dict[str, str] = json.loads(
    Path(__file__).with_name("auth_fields.json").read_text(encoding="utf-8")
)
_KINDS: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "string": (str,),
}
_NEVER_NULL = {"boolean": False, "integer": 0, "number": 0, "string": ""}
_REQUIRED = "!"


def auth_config(asked: Asked) -> Answer:
    """Show every setting of the auth service."""
    return 200, _all_settings(asked.project)


def change_auth_config(asked: Asked) -> Answer:
    """Change settings; the auth service goes by them from its next request on."""
    changes = asked.body if isinstance(asked.body, dict) else {}
    for name, value in changes.items():
        _see_setting(name, value)
    asked.project.change_auth_config(changes)
    return 200, _all_settings(asked.project)


def signing_keys(asked: Asked) -> Answer:
    """List the signing keys."""
    return 200, {"keys": [_shown_key(key) for key in signing.keys_of(asked.project)]}


def add_signing_key(asked: Asked) -> Answer:
    """Make a key that stands by, or signs at once."""
    algorithm = asked.value("algorithm", str)
    status = asked.value("status", str, default=signing.STANDBY)
    private = asked.value("private_jwk", dict, default={}) or None
    if algorithm not in signing.ALGORITHMS or status not in {signing.STANDBY, signing.IN_USE}:
        raise ApiError(400, f"{algorithm} and {status} are no algorithm and status of a new key")
    try:
        return 201, _shown_key(signing.add_key(asked.project, algorithm, status, private))
    except signing.KeyRefused as error:
        raise ApiError(400, str(error)) from error


def signing_key(asked: Asked) -> Answer:
    """Show one signing key."""
    return 200, _shown_key(_found(asked))


def change_signing_key(asked: Asked) -> Answer:
    """Give a key another status: in use, standing by, revoked."""
    status = asked.value("status", str)
    if status not in signing.MAY_FOLLOW:
        raise ApiError(400, f"status: {status} is none")
    try:
        changed = signing.change_key(asked.project, _found(asked)["id"], status)
    except signing.KeyRefused as error:
        raise ApiError(400, str(error)) from error
    return 200, _shown_key(changed or {})


def remove_signing_key(asked: Asked) -> Answer:
    """Remove a key that signs nothing and is not believed."""
    try:
        removed = signing.remove_key(asked.project, _found(asked)["id"])
    except signing.KeyRefused as error:
        raise ApiError(400, str(error)) from error
    return 200, _shown_key(removed or {})


def api_keys(asked: Asked) -> Answer:
    """List the API keys, their values only when asked to reveal them."""
    return 200, [_shown_api_key(key, asked) for key in _api_keys(asked.project)]


def add_api_key(asked: Asked) -> Answer:
    """Make an API key."""
    kind, name = asked.value("type", str), asked.value("name", str)
    if kind not in {"publishable", "secret"}:
        raise ApiError(400, f"type: {kind} is none")
    if any(key["name"] == name and key["type"] == kind for key in _api_keys(asked.project)):
        raise ApiError(400, f"There is a {kind} key {name} already")
    made = _new_api_key(kind, name)
    asked.project.documents.put(asked.project.kind(API_KEYS), made["id"], made)
    return 201, _shown_api_key(made, asked)


def change_api_key(asked: Asked) -> Answer:
    """Give an API key another name."""
    key = _found_api_key(asked)
    name = asked.value("name", str, default=key["name"])
    changed = key | {"name": name, "updated_at": _now()}
    asked.project.documents.put(asked.project.kind(API_KEYS), key["id"], changed)
    return 200, _shown_api_key(changed, asked)


def remove_api_key(asked: Asked) -> Answer:
    """Remove an API key, for ever."""
    key = _found_api_key(asked)
    asked.project.documents.remove(asked.project.kind(API_KEYS), key["id"])
    return 200, _shown_api_key(key, asked)


def legacy_api_keys(asked: Asked) -> Answer:
    """Tell whether the keys of before are believed."""
    kept = asked.project.documents.get(LEGACY, asked.project.ref)
    return 200, kept or {"enabled": False}


def set_legacy_api_keys(asked: Asked) -> Answer:
    """Believe the keys of before, or no longer."""
    said = {"enabled": asked.query.get("enabled") == "true"}
    asked.project.documents.put(LEGACY, asked.project.ref, said)
    return 200, said


def _all_settings(project: Project) -> Document:
    empty = {
        name: _NEVER_NULL[kind.removesuffix(_REQUIRED)] if kind.endswith(_REQUIRED) else None
        for name, kind in _FIELDS.items()
    }
    return empty | {name: value for name, value in project.auth_config().items() if name in _FIELDS}


def _see_setting(name: str, value: Any) -> None:  # Any: JSON from outside
    kind = _FIELDS.get(name)
    if kind is None:
        raise ApiError(400, f"{name}: there is no such setting")
    kinds = _KINDS[kind.removesuffix(_REQUIRED)]
    right = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if not right and not (value is None and not kind.endswith(_REQUIRED)):
        raise ApiError(400, f"{name}: expected {kind.removesuffix(_REQUIRED)}")
    if name.startswith("rate_limit_") and isinstance(value, int) and not 1 <= value < 2**31:
        raise ApiError(400, f"{name}: expected 1 to {2**31 - 1}")
    if name == "jwt_exp" and isinstance(value, int) and not 0 <= value <= 604_800:  # noqa: PLR2004 - a week
        raise ApiError(400, "jwt_exp: expected 0 to 604800")


def _found(asked: Asked) -> Document:
    try:
        name = str(UUID(asked.path["id"]))
    except ValueError:
        raise ApiError(400, "id: expected a UUID") from None
    for key in signing.keys_of(asked.project):
        if key["id"] == name:
            return key
    raise ApiError(404, "Signing key not found")


def _shown_key(key: Document) -> Document:
    kept = ("id", "algorithm", "status", "created_at", "updated_at")
    return {name: key[name] for name in kept} | {"public_jwk": signing.public_jwk(key)}


def _api_keys(project: Project) -> list[Document]:
    kind = project.kind(API_KEYS)
    with project.documents.locked():
        if not project.documents.all(kind):
            for of in ("publishable", "secret"):
                made = _new_api_key(of, "default") | {
                    "id": str(uuid5(NAMESPACE_URL, f"{kind} {of}"))
                }
                project.documents.put(kind, made["id"], made)
        return project.documents.all(kind)


def _found_api_key(asked: Asked) -> Document:
    for key in _api_keys(asked.project):
        if key["id"] == asked.path["id"]:
            return key
    raise ApiError(404, "API key not found")


def _new_api_key(kind: str, name: str) -> Document:
    value = f"sb_{kind}_{secrets.token_urlsafe(24)}"
    return {
        "id": str(uuid4()),
        "type": kind,
        "name": name,
        "api_key": value,
        "prefix": value.partition("_")[2].partition("_")[2][:5],
        "hash": hashlib.sha256(value.encode()).hexdigest(),
        "secret_jwt_template": {"role": "service_role"} if kind == "secret" else None,
        "inserted_at": _now(),
        "updated_at": _now(),
    }


def _shown_api_key(key: Document, asked: Asked) -> Document:
    if key["type"] == "publishable" or asked.query.get("reveal") == "true":
        return key
    return key | {"api_key": f"sb_secret_{key['prefix']}···············"}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


_KEYS = "/config/auth/signing-keys"
TABLE: Table = (
    ("GET", "/config/auth", auth_config),
    ("PATCH", "/config/auth", change_auth_config),
    ("GET", _KEYS, signing_keys),
    ("POST", _KEYS, add_signing_key),
    ("GET", f"{_KEYS}/{{id}}", signing_key),
    ("PATCH", f"{_KEYS}/{{id}}", change_signing_key),
    ("DELETE", f"{_KEYS}/{{id}}", remove_signing_key),
    ("GET", "/api-keys", api_keys),
    ("POST", "/api-keys", add_api_key),
    ("GET", "/api-keys/legacy", legacy_api_keys),
    ("PUT", "/api-keys/legacy", set_legacy_api_keys),
    ("PATCH", "/api-keys/{id}", change_api_key),
    ("DELETE", "/api-keys/{id}", remove_api_key),
)
