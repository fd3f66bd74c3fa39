"""A project's signing keys: one signs, those that were not revoked are believed."""

import secrets
from datetime import UTC, datetime
from uuid import uuid4

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.project import Project

SIGNING_KEYS = "signing keys"
IN_USE, STANDBY, PREVIOUS, REVOKED = "in_use", "standby", "previously_used", "revoked"
ALGORITHMS = ("EdDSA", "ES256", "RS256", "HS256")
FIRST_ALGORITHM = "ES256"
RSA_BITS = 2048
# A new status, and those it may follow; only the platform itself makes a key the previous one.
MAY_FOLLOW: dict[str, tuple[str, ...]] = {
    IN_USE: (STANDBY,),
    STANDBY: (PREVIOUS, REVOKED),
    REVOKED: (STANDBY, PREVIOUS),
    PREVIOUS: (REVOKED, STANDBY),
}


class KeyRefused(Exception):
    """The platform does not do that with a key."""


def keys_of(project: Project) -> list[Document]:
    """Return the keys, the first made on the first look: one signs, one stands by."""
    documents, kind = project.documents, project.kind(SIGNING_KEYS)
    found = documents.all(kind)
    if found:
        return found
    with documents.locked():
        if not documents.all(kind):
            for status in (IN_USE, STANDBY):
                made = new_key(FIRST_ALGORITHM, status)
                documents.put(kind, made["id"], made)
        return documents.all(kind)


def new_key(algorithm: str, status: str, private_jwk: Document | None = None) -> Document:
    """Return a key not yet kept."""
    name, now = str(uuid4()), _now()
    if private_jwk is not None:
        name = private_jwk.get("kid") or name
        key = _imported({**private_jwk, "kid": name})
    else:
        key = _generated(algorithm, name)
    return {
        "id": name,
        "algorithm": algorithm,
        "status": status,
        "private_jwk": {**key.as_dict(private=not isinstance(key, OctKey)), "alg": algorithm},
        "created_at": now,
        "updated_at": now,
    }


def add_key(project: Project, algorithm: str, status: str, private: Document | None) -> Document:
    """Keep a new key; one that signs at once makes the one of before the previous."""
    documents, kind = project.documents, project.kind(SIGNING_KEYS)
    keys_of(project)
    made = new_key(algorithm, status, private)
    with documents.locked():
        if status == STANDBY and any(key["status"] == STANDBY for key in documents.all(kind)):
            raise KeyRefused("There is a standby signing key already")
        if status == IN_USE:
            _retire(project)
        documents.put(kind, made["id"], made)
    return made


def change_key(project: Project, name: str, status: str) -> Document | None:
    """Give a key a status; None when there is no such key."""
    documents, kind = project.documents, project.kind(SIGNING_KEYS)
    with documents.locked():
        key = documents.get(kind, name)
        if key is None:
            return None
        if key["status"] not in MAY_FOLLOW[status]:
            raise KeyRefused(f"A signing key that is {key['status']} cannot become {status}")
        if status == IN_USE:
            _retire(project)
        changed = key | {"status": status, "updated_at": _now()}
        documents.put(kind, name, changed)
    return changed


def remove_key(project: Project, name: str) -> Document | None:
    """Remove a key that nobody is to believe; None when there is no such key."""
    documents, kind = project.documents, project.kind(SIGNING_KEYS)
    with documents.locked():
        key = documents.get(kind, name)
        if key is None:
            return None
        if key["status"] in {IN_USE, PREVIOUS}:
            raise KeyRefused(f"A signing key that is {key['status']} cannot be removed")
        documents.remove(kind, name)
    return key


def public_jwk(key: Document) -> Document | None:
    """Return what others may know of a key: nothing of a shared secret."""
    if key["algorithm"] == "HS256":
        return None
    public = _imported(key["private_jwk"]).as_dict(private=False)
    return {**public, "alg": key["algorithm"], "use": "sig", "key_ops": ["verify"], "ext": True}


def key_set(project: Project) -> list[Document]:
    """Return the public keys whose tokens are believed."""
    believed = [key for key in keys_of(project) if key["status"] != REVOKED]
    return [jwk for jwk in map(public_jwk, believed) if jwk is not None]


def sign(project: Project, claims: Document) -> str:
    """Return a token signed by the key in use."""
    key = next(key for key in keys_of(project) if key["status"] == IN_USE)
    header = {"alg": key["algorithm"], "kid": key["id"], "typ": "JWT"}
    return jwt.encode(header, claims, _imported(key["private_jwk"]), algorithms=[key["algorithm"]])


def claims_of(project: Project, token: str) -> Document | None:
    """Return what a token claims; None when no key that is believed has signed it."""
    for key in keys_of(project):
        if key["status"] == REVOKED:
            continue
        try:
            read = jwt.decode(token, _imported(key["private_jwk"]), algorithms=[key["algorithm"]])
        except (JoseError, ValueError):
            continue
        return dict(read.claims)
    return None


def _retire(project: Project) -> None:
    documents, kind = project.documents, project.kind(SIGNING_KEYS)
    for key in documents.all(kind):
        if key["status"] == IN_USE:
            documents.put(kind, key["id"], key | {"status": PREVIOUS, "updated_at": _now()})


def _generated(algorithm: str, name: str) -> Key:
    match algorithm:
        case "ES256":
            return ECKey.generate_key("P-256", {"kid": name})
        case "RS256":
            return RSAKey.generate_key(RSA_BITS, {"kid": name})
        case "EdDSA":
            return OKPKey.generate_key("Ed25519", {"kid": name})
        case _:
            return OctKey.import_key(secrets.token_bytes(32), {"kid": name})


def _imported(jwk: Document) -> Key:
    match jwk["kty"]:
        case "EC":
            return ECKey.import_key(jwk)
        case "RSA":
            return RSAKey.import_key(jwk)
        case "OKP":
            return OKPKey.import_key(jwk)
        case _:
            return OctKey.import_key(jwk)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
