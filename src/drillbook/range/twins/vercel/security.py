"""The API of the firewall and of attack mode: kept, told as it is asked for, done by the edge."""

import ipaddress

from drillbook.range.cloud import TEAM
from drillbook.range.hosting.firewall import write_firewall
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.aliases import iso
from drillbook.range.twins.vercel.asking import Asked, Handler, Problem
from drillbook.range.twins.vercel.records import new_id, now_ms

RULE_SETS = ("sd", "ma", "lfi", "rfi", "rce", "php", "gen", "xss", "sqli", "sf", "java")
IP_ACTIONS = ("deny", "challenge", "log", "bypass")


def attack_mode(asked: Asked) -> object:
    """Answer POST /v1/security/attack-mode."""
    asked.project()
    enabled, until = asked.said("attackModeEnabled"), asked.said("attackModeActiveUntil")
    if not isinstance(enabled, bool):
        raise Problem(400, "bad_request", "Invalid request: `attackModeEnabled` is needed.")
    security = {"attackModeEnabled": enabled, "attackModeUpdatedAt": now_ms()}
    if until:
        security["attackModeActiveUntil"] = until
    asked.hosting.change_project(security=security)
    write_firewall(asked.hosting.cloud.folder, _config(asked), security)
    return {name: security[name] for name in ("attackModeEnabled", "attackModeUpdatedAt")}


def attack_status(asked: Asked) -> object:
    """Answer GET /v1/security/firewall/attack-status."""
    asked.project()
    return {"anomalies": []}


def get_config(asked: Asked) -> object:
    """Answer GET /v1/security/firewall/config and …/config/{configVersion}."""
    config = _config(asked)
    wanted = asked.path.get("version", "active")
    if wanted not in {"active", str(config["version"])}:
        raise Problem(404, "not_found", "There is no such configuration.")
    # Without a version the answer tells the active one, a draft and the versions.
    return config if "version" in asked.path else {"active": config, "draft": None, "versions": []}


def put_config(asked: Asked) -> object:
    """Answer PUT /v1/security/firewall/config: all of it, new."""
    config = _config(asked)
    for name in ("firewallEnabled", "rules", "ips", "crs", "managedRules"):
        if (said := asked.said(name)) is not None:
            config[name] = config["crs"] | said if name == "crs" else said
    config["rules"] = [{"id": new_id("rule_", 10), **rule} for rule in config["rules"]]
    config["ips"] = [{"id": new_id("ip_", 10), **ip} for ip in config["ips"]]
    return {"active": _keep(asked, config)}


def patch_config(asked: Asked) -> object:
    """Answer PATCH /v1/security/firewall/config {action, id, value}."""
    config, action = _config(asked), str(asked.said("action"))
    name, value = asked.said("id"), asked.said("value")
    if action == "firewallEnabled":
        config["firewallEnabled"] = bool(value)
    elif action in {"ip.insert", "rules.insert"}:
        kind = action.partition(".")[0]
        if kind == "ip":
            _see_ip(value or {})
        kind = "ips" if kind == "ip" else kind
        config[kind].append({"id": new_id(f"{kind}_", 10), **value})
    elif action in {"ip.update", "rules.update", "ip.remove", "rules.remove"}:
        _change_entry(config, action, name, value)
    elif action in {"crs.update", "crs.disable"}:
        config["crs"] |= {name: value} if action == "crs.update" else {}
    else:
        raise Problem(400, "bad_request", f"Invalid request: action {action!r} is not known.")
    _keep(asked, config)
    return {}


def _see_ip(value: Document) -> None:
    if value.get("action") not in IP_ACTIONS:
        raise Problem(400, "bad_request", "Invalid request: `value.action` is not known.")
    try:
        ipaddress.ip_network(str(value.get("ip")), strict=False)
    except ValueError:
        raise Problem(400, "bad_request", "Invalid request: `value.ip` is no address.") from None


def _change_entry(config: Document, action: str, name: object, value: object) -> None:
    kind = "ips" if action.startswith("ip.") else "rules"
    before = [each for each in config[kind] if each["id"] == name]
    if not before:
        raise Problem(404, "not_found", f"There is no entry {name!r}.")
    place = config[kind].index(before[0])
    changed = [{"id": name, **value}] if isinstance(value, dict) else []
    config[kind][place : place + 1] = changed if action.endswith("update") else []


def _config(asked: Asked) -> Document:
    project = asked.project()
    found = asked.hosting.documents.get("firewall", "active")
    return found or {
        "ownerId": TEAM,
        "projectKey": project["id"],
        "id": new_id("waf_", 16),
        "version": 0,
        "updatedAt": iso(project["createdAt"]),
        "firewallEnabled": True,
        "crs": {name: {"active": False, "action": "log"} for name in RULE_SETS},
        "rules": [],
        "ips": [],
        "changes": [],
        "managedRules": {},
    }


def _keep(asked: Asked, config: Document) -> Document:
    kept = config | {"version": config["version"] + 1, "updatedAt": iso(now_ms())}
    asked.hosting.documents.put("firewall", "active", kept)
    write_firewall(asked.hosting.cloud.folder, kept, asked.hosting.project()["security"])
    return kept


def list_checks(asked: Asked) -> object:
    """Answer GET /v1/deployments/{deploymentId}/checks."""
    found = asked.deployment()
    kept = asked.hosting.documents.all("check")
    return {"checks": [each for each in kept if each["deploymentId"] == found["id"]]}


def create_check(asked: Asked) -> object:
    """Answer POST /v1/deployments/{deploymentId}/checks {name, blocking}."""
    found, made = asked.deployment(), now_ms()
    check = {
        "id": new_id("check_", 16),
        "name": str(asked.said("name")),
        "blocking": bool(asked.said("blocking")),
        "rerequestable": bool(asked.said("rerequestable")),
        "status": "registered",
        "deploymentId": found["id"],
        "integrationId": "oac_DrillbookRange",
        "createdAt": made,
        "updatedAt": made,
    }
    asked.hosting.documents.put("check", check["id"], check)
    return check


def change_check(asked: Asked) -> object:
    """Answer PATCH /v1/deployments/{deploymentId}/checks/{checkId} {status, conclusion}."""
    asked.deployment()
    with asked.hosting.documents.locked():
        check = asked.hosting.documents.get("check", asked.path["check"])
        if check is None:
            raise Problem(404, "not_found", "Check was not found.")
        for name in ("status", "conclusion", "detailsUrl", "output"):
            if asked.said(name) is not None:
                check[name] = asked.said(name)
        check["updatedAt"] = now_ms()
        asked.hosting.documents.put("check", check["id"], check)
    return check


_CONFIG = "/v1/security/firewall/config"
_CHECKS = "/v1/deployments/{deployment}/checks"
ROUTES: tuple[tuple[str, str, Handler], ...] = (
    ("POST", "/v1/security/attack-mode", attack_mode),
    ("GET", "/v1/security/firewall/attack-status", attack_status),
    ("GET", _CONFIG, get_config),
    ("GET", f"{_CONFIG}/{{version}}", get_config),
    ("PUT", _CONFIG, put_config),
    ("PATCH", _CONFIG, patch_config),
    ("GET", _CHECKS, list_checks),
    ("POST", _CHECKS, create_check),
    ("PATCH", f"{_CHECKS}/{{check}}", change_check),
)
