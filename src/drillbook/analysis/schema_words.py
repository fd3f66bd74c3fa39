"""The names that statements make or drop, by their words alone; schemas and quotes are left out."""

import re

_KINDS = (
    "TABLE|INDEX|VIEW|FUNCTION|PROCEDURE|TRIGGER|TYPE|DOMAIN|SCHEMA|SEQUENCE|POLICY|EXTENSION|"
    "COLUMN|CONSTRAINT"
)
_BETWEEN = r"(?:CONCURRENTLY\s+)?(?:IF\s+(?:NOT\s+)?EXISTS\s+)?"
_MADE = re.compile(
    r"\b(?:CREATE|ADD)\s+(?:OR\s+REPLACE\s+)?(?:UNIQUE\s+|MATERIALIZED\s+|UNLOGGED\s+|"
    rf"CONSTRAINT\s+(?=TRIGGER))?(?:{_KINDS})\s+{_BETWEEN}(?P<name>[\w.\"]+)",
    re.IGNORECASE,
)
_DROPPED = re.compile(
    rf"\bDROP\s+(?:MATERIALIZED\s+)?(?:{_KINDS})\s+{_BETWEEN}(?P<name>[\w.\"]+)", re.IGNORECASE
)


def made_names(text: str) -> frozenset[str]:
    """Return what statements make and do not drop themselves."""
    return _named(_MADE, text) - dropped_names(text)


def dropped_names(text: str) -> frozenset[str]:
    """Return what statements drop."""
    return _named(_DROPPED, text)


def _named(pattern: re.Pattern[str], text: str) -> frozenset[str]:
    return frozenset(
        found["name"].replace('"', "").rpartition(".")[2].lower()
        for found in pattern.finditer(text)
    )
