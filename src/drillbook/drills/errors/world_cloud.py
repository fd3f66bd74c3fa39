"""What is so at the platforms and in the limiter, by the twins' own documents and by the parts."""

import hashlib
import json
import time
from collections.abc import Iterator
from typing import Any

from redis import Redis
from redis.exceptions import RedisError

from drillbook.range.cloud import Cloud
from drillbook.range.environment import Environment
from drillbook.range.hosting.alias import read_alias
from drillbook.range.repository import git
from drillbook.range.twins.documents import Document
from drillbook.range.twins.vercel.values import Sealing, Values

State = dict[str, str]
ANSWER_SECONDS = 1.0
# What the hosting's project is told, without what it notes down by itself.
OF_PROJECT = (
    "autoAssignCustomDomains", "lastRollbackTarget", "rollingRelease", "paused", "settings",
    "security", "link",
)  # fmt: skip
OF_DEPLOYMENT = ("target", "commit", "source", "environment")
OF_SWITCH = ("environment", "type", "toDeploymentId")
OF_FIREWALL = ("firewallEnabled", "rules", "ips", "crs", "managedRules")
# The platform makes them by itself, and nobody can ask for one.
DAILY = " backups"
OF_PULL = ("state", "merged", "head", "base", "title")


def seen_at_hosting(cloud: Cloud) -> State:
    """Return what the hosting was told: values, builds, switches, settings, its firewall."""
    documents = cloud.documents("vercel")
    values = Values(documents, Sealing(cloud))
    found: State = {}
    for record in values.all():
        where = f"{'+'.join(record['target'])} {record['gitBranch'] or ''}".strip()
        said = f"{_digest(values.revealed(record))} {record['type']}"
        found[f"value {record['key']} ({where})"] = said
    for each in documents.all("deployment"):
        found[f"build {each['id']}"] = _fields(each, OF_DEPLOYMENT)
    for each in documents.all("switch"):
        found[f"switch {each['id']}"] = _fields(each, OF_SWITCH)
    for project in documents.all("project"):
        found |= {f"project {name}": json.dumps(project.get(name)) for name in OF_PROJECT}
    for each in documents.all("firewall"):
        found |= {f"firewall {name}": json.dumps(each.get(name)) for name in OF_FIREWALL}
    for name in ("production", "staging"):
        alias = read_alias(cloud.environment(name))
        found[f"users of {name}"] = alias.deployment if alias else ""
    return found


def seen_at_repository(cloud: Cloud) -> State:
    """Return what the repository's platform was told: branches, proposals, issues, words."""
    documents = cloud.documents("github")
    found = {f"issue {each['number']}": _digest(each) for each in documents.all("issue")}
    found |= {
        f"proposal {each['number']}": _fields(each, OF_PULL) for each in documents.all("pull")
    }
    for kind in ("comment", "review", "protection"):
        found |= {f"{kind} {number}": _digest(each) for number, each in _all(cloud, "github", kind)}
    refs = git(cloud.repository, "for-each-ref", "--format=%(refname) %(objectname)")
    return found | dict(line.split(" ", 1) for line in refs.splitlines())


def seen_at_database_platform(cloud: Cloud) -> State:
    """Return what the database's platform was told, of any kind."""
    found = cloud.documents("supabase").everything()
    return {f"{kind} {name}": _digest(said) for kind, name, said in found if DAILY not in kind}


def seen_in_limiter(environment: Environment) -> State | None:
    """Return each key of the limiter with the moment it ends at; None: it does not answer."""
    try:
        with Redis.from_url(environment.valkey.url, socket_timeout=ANSWER_SECONDS) as client:
            names = list(client.scan_iter("*", 1000))
            with client.pipeline(transaction=False) as asking:
                for name in names:
                    asking.pexpiretime(name)
                ends = asking.execute()
    except (RedisError, OSError):
        return None
    return {name.decode(): str(end) for name, end in zip(names, ends, strict=True)}


def is_over(end: str) -> bool:
    """Whether a key of the limiter has had its time, so that nobody has removed it."""
    return int(end) >= 0 and int(end) <= time.time() * 1000


def _all(cloud: Cloud, twin: str, kind: str) -> Iterator[tuple[int, Document]]:
    return enumerate(cloud.documents(twin).all(kind))


def _fields(document: Document, names: tuple[str, ...]) -> str:
    return json.dumps({name: document.get(name) for name in names}, sort_keys=True)


def _digest(said: Any) -> str:  # Any: JSON of a twin
    text = said if isinstance(said, str) else json.dumps(said, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
