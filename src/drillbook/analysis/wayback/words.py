"""How SQL names the objects of each kind."""

from drillbook.analysis.wayback.snapshot import Snapshot, Thing

WORDS = {
    "schema": "SCHEMA",
    "extension": "EXTENSION",
    "enum": "TYPE",
    "domain": "DOMAIN",
    "composite type": "TYPE",
    "range type": "TYPE",
    "sequence": "SEQUENCE",
    "table": "TABLE",
    "foreign table": "FOREIGN TABLE",
    "view": "VIEW",
    "materialized view": "MATERIALIZED VIEW",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "AGGREGATE",
    "index": "INDEX",
    "statistics": "STATISTICS",
    "publication": "PUBLICATION",
    "event trigger": "EVENT TRIGGER",
}
PARTS = {"trigger": "TRIGGER", "rule": "RULE", "policy": "POLICY", "constraint": "CONSTRAINT"}


def literal(value: str) -> str:
    """Return a value as SQL writes it, whatever standard_conforming_strings says."""
    quoted = value.replace("'", "''")
    if "\\" in quoted:
        return " E'" + quoted.replace("\\", "\\\\") + "'"
    return f"'{quoted}'"


def named(thing: Thing, snapshot: Snapshot) -> str:
    """Return the object as COMMENT ON names it."""
    if thing.kind in ("column", "view column"):
        return f"COLUMN {snapshot.parent(thing).name}.{thing.name}"
    if thing.kind in PARTS:
        return f"{PARTS[thing.kind]} {thing.name} ON {snapshot.parent(thing).name}"
    if thing.kind == "domain constraint":
        return f"CONSTRAINT {thing.name} ON DOMAIN {snapshot.parent(thing).name}"
    if thing.kind == "other":
        return f"{str(thing.ids['type']).upper()} {thing.bare}"
    return f"{WORDS[thing.kind]} {thing.name}"


def options(pairs: list[str], prefix: str = "") -> str:
    """Return storage options as WITH writes them, from `name=value` texts."""
    split = (pair.partition("=") for pair in pairs)
    return ", ".join(f"{prefix}{name} = {literal(value)}" for name, _, value in split)


class Underivable(Exception):
    """There is no statement that makes an object as it was; the message says which."""
