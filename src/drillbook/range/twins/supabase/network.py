"""Who may reach a project: allowed addresses, bans, and the secrets of its functions."""

import hashlib
import ipaddress
from datetime import UTC, datetime

from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.asking import Answer, ApiError, Asked, Table
from drillbook.range.twins.supabase.project import Project

RESTRICTIONS, BANS, SECRETS = "network restrictions", "network bans", "secrets"
V4, V6 = "dbAllowedCidrs", "dbAllowedCidrsV6"
EVERYBODY = {V4: ["0.0.0.0/0"], V6: ["::/0"]}
OURS = "SUPABASE_"


def restrictions(asked: Asked) -> Answer:
    """Show which addresses may connect to the database."""
    return 200, _restrictions(asked.project)


def apply_restrictions(asked: Asked) -> Answer:
    """Let these addresses connect and no others."""
    wanted = {V4: _networks(asked.body, V4, 4), V6: _networks(asked.body, V6, 6)}
    return 201, _keep(asked.project, wanted)


def change_restrictions(asked: Asked) -> Answer:
    """Add addresses, and take others away."""
    config = _restrictions(asked.project)["config"]
    add, remove = asked.value("add", dict, default={}), asked.value("remove", dict, default={})
    wanted = {}
    for name, version in ((V4, 4), (V6, 6)):
        gone = set(_networks(remove, name, version))
        kept = [network for network in config[name] if network not in gone]
        wanted[name] = list(dict.fromkeys(kept + _networks(add, name, version)))
    said = _keep(asked.project, wanted)
    return 200, said | {
        name: {
            V4: [
                {"address": network, "type": kind}
                for key, kind in ((V4, "v4"), (V6, "v6"))
                for network in said[name][key]
            ]
        }
        for name in ("config", "old_config")
    }


def bans(asked: Asked) -> Answer:
    """List the addresses that were banned by themselves, after too many wrong passwords."""
    return 201, {"banned_ipv4_addresses": _bans(asked.project)}


def enriched_bans(asked: Asked) -> Answer:
    """List the banned addresses, each with what banned it."""
    ref = asked.project.ref
    return 201, {
        "banned_ipv4_addresses": [
            {"banned_address": address, "identifier": ref, "type": "postgresql"}
            for address in _bans(asked.project)
        ]
    }


def lift_bans(asked: Asked) -> Answer:
    """Let banned addresses come again."""
    for address in asked.value("ipv4_addresses", list):
        asked.project.documents.remove(asked.project.kind(BANS), str(address))
    return 200, None


def list_secrets(asked: Asked) -> Answer:
    """List the secrets: of each value, its digest."""
    kept = asked.project.documents.all(asked.project.kind(SECRETS))
    return 200, [
        secret | {"value": hashlib.sha256(secret["value"].encode()).hexdigest()} for secret in kept
    ]


def put_secrets(asked: Asked) -> Answer:
    """Keep secrets, over those of the same names."""
    wanted = asked.body if isinstance(asked.body, list) else []
    for secret in wanted:
        name, value = (secret.get(key) for key in ("name", "value"))
        if not isinstance(name, str) or not isinstance(value, str) or name.startswith(OURS):
            raise ApiError(400, f"name, value: expected texts, the name not beginning with {OURS}")
    for secret in wanted:
        said = {"name": secret["name"], "value": secret["value"], "updated_at": _now()}
        asked.project.documents.put(asked.project.kind(SECRETS), secret["name"], said)
    return 201, None


def remove_secrets(asked: Asked) -> Answer:
    """Forget secrets by their names."""
    for name in asked.body if isinstance(asked.body, list) else []:
        asked.project.documents.remove(asked.project.kind(SECRETS), str(name))
    return 200, None


def ssl_enforcement(asked: Asked) -> Answer:
    """Tell that connections need no encryption on this machine."""
    return 200, {"currentConfig": {"database": False}, "appliedSuccessfully": True}


def _restrictions(project: Project) -> Document:
    kept = project.documents.get(RESTRICTIONS, project.ref)
    return kept or {"entitlement": "allowed", "config": EVERYBODY, "status": "applied"}


def _keep(project: Project, wanted: dict[str, list[str]]) -> Document:
    with project.documents.locked():
        before = _restrictions(project)["config"]
        said = {
            "entitlement": "allowed",
            "config": wanted,
            "old_config": before,
            "status": "applied",
            "updated_at": _now(),
            "applied_at": _now(),
        }
        project.documents.put(RESTRICTIONS, project.ref, said)
    return said


def _networks(body: object, name: str, version: int) -> list[str]:
    found = body.get(name, []) if isinstance(body, dict) else []
    if not isinstance(found, list):
        raise ApiError(400, f"{name}: expected a list")
    for text in found:
        try:
            right = ipaddress.ip_network(text).version == version
        except ValueError:
            right = False
        if not right:
            raise ApiError(400, f"{name}: {text} is no network of IPv{version}")
    return [str(text) for text in found]


def _bans(project: Project) -> list[str]:
    return [str(ban["address"]) for ban in project.documents.all(project.kind(BANS))]


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


TABLE: Table = (
    ("GET", "/network-restrictions", restrictions),
    ("PATCH", "/network-restrictions", change_restrictions),
    ("POST", "/network-restrictions/apply", apply_restrictions),
    ("POST", "/network-bans/retrieve", bans),
    ("POST", "/network-bans/retrieve/enriched", enriched_bans),
    ("DELETE", "/network-bans", lift_bans),
    ("GET", "/secrets", list_secrets),
    ("POST", "/secrets", put_secrets),
    ("DELETE", "/secrets", remove_secrets),
    ("GET", "/ssl-enforcement", ssl_enforcement),
)
