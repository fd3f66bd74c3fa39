"""What the platform advises: lints by SQL on the real catalog, and by the project's settings."""

from dataclasses import dataclass
from pathlib import Path

from drillbook.range.twins.documents import Document
from drillbook.range.twins.supabase.asking import Answer, Asked, Table
from drillbook.range.twins.supabase.database import connected
from drillbook.range.twins.supabase.network import EVERYBODY, RESTRICTIONS

PERFORMANCE, SECURITY = "PERFORMANCE", "SECURITY"
GUIDE = "https://supabase.com/docs/guides/database/database-linter"


@dataclass(frozen=True, slots=True)
class Lint:
    """One rule: what it is about, how bad, and why."""

    name: str
    title: str
    level: str
    category: str
    description: str


BY_SQL = (
    Lint(
        "unindexed_foreign_keys",
        "Unindexed foreign keys",
        "INFO",
        PERFORMANCE,
        "A foreign key without a covering index can make deletes and joins slow.",
    ),
    Lint(
        "no_primary_key",
        "No Primary Key",
        "INFO",
        PERFORMANCE,
        "A table without a primary key can be inefficient at scale.",
    ),
    Lint(
        "duplicate_index",
        "Duplicate Index",
        "WARN",
        PERFORMANCE,
        "Two or more identical indexes cost writes and space.",
    ),
    Lint(
        "rls_disabled_in_public",
        "RLS Disabled in Public",
        "ERROR",
        SECURITY,
        "A table that clients may read has no row level security.",
    ),
    Lint(
        "rls_enabled_no_policy",
        "RLS Enabled No Policy",
        "INFO",
        SECURITY,
        "A table with row level security and no policy shows nothing to anybody.",
    ),
    Lint(
        "policy_exists_rls_disabled",
        "Policy Exists RLS Disabled",
        "ERROR",
        SECURITY,
        "Policies have no effect while row level security is off.",
    ),
    Lint(
        "function_search_path_mutable",
        "Function Search Path Mutable",
        "WARN",
        SECURITY,
        "A function with its owner's rights runs with a search_path that its caller chooses.",
    ),
    Lint(
        "extension_in_public",
        "Extension in Public",
        "WARN",
        SECURITY,
        "An extension is installed in the public schema.",
    ),
)
BY_SETTING = (
    Lint(
        "auth_leaked_password_protection",
        "Leaked Password Protection Disabled",
        "WARN",
        SECURITY,
        "Passwords are not compared with those known to be leaked.",
    ),
    Lint(
        "network_restrictions_not_set",
        "No network restrictions",
        "INFO",
        SECURITY,
        "The database can be reached from any address.",
    ),
    Lint(
        "pitr_not_enabled",
        "PITR not enabled",
        "INFO",
        SECURITY,
        "The database cannot be put back to any moment.",
    ),
)
_STATEMENTS = {
    name.strip(): statement.strip().encode()
    for name, _, statement in (
        part.partition("\n")
        for part in Path(__file__)
        .with_name("lints.sql")
        .read_text(encoding="utf-8")
        .split("-- name:")[1:]
    )
}


def performance(asked: Asked) -> Answer:
    """Advise on speed."""
    return 200, {"lints": _by_sql(asked, PERFORMANCE)}


def security(asked: Asked) -> Answer:
    """Advise on who can do what."""
    found = _by_sql(asked, SECURITY)
    if asked.query.get("lint_type") != "sql":
        found += _by_setting(asked)
    return 200, {"lints": found}


def _by_sql(asked: Asked, category: str) -> list[Document]:
    found = []
    with connected(asked.project) as connection:
        for lint in BY_SQL:
            if lint.category == category:
                for row in connection.execute(_STATEMENTS[lint.name]):
                    about = {name: row[name] for name in ("schema", "name", "type")}
                    about |= {"fkey_name": row["key"]} if lint is BY_SQL[0] else {}
                    key = f"{lint.name}_{row['schema']}_{row['name']}_{row['key']}".rstrip("_")
                    found.append(_shown(lint, row["detail"], about, key))
    return found


def _by_setting(asked: Asked) -> list[Document]:
    project = asked.project
    kept = project.documents.get(RESTRICTIONS, project.ref)
    holds = {
        "auth_leaked_password_protection": not project.auth_config()["password_hibp_enabled"],
        "network_restrictions_not_set": kept is None or kept["config"] == EVERYBODY,
        "pitr_not_enabled": True,
    }
    kinds = {"auth_leaked_password_protection": {"type": "auth", "entity": "Auth"}}
    return [
        _shown(lint, lint.description, kinds.get(lint.name, {"type": "compliance"}), lint.name)
        for lint in BY_SETTING
        if holds[lint.name]
    ]


def _shown(lint: Lint, detail: str, about: Document, key: str) -> Document:
    return {
        "name": lint.name,
        "title": lint.title,
        "level": lint.level,
        "facing": "EXTERNAL",
        "categories": [lint.category],
        "description": lint.description,
        "detail": detail,
        "remediation": f"{GUIDE}?lint={lint.name}",
        "metadata": about,
        "cache_key": key,
    }


TABLE: Table = (
    ("GET", "/advisors/performance", performance),
    ("GET", "/advisors/security", security),
)
