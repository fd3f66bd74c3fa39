"""SQL by name: each file of `sql/` holds queries headed by `-- name: …`."""

import re
from functools import cache
from importlib.resources import files

from psycopg.sql import SQL

_HEAD = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def query(file: str, name: str) -> SQL:
    """Return one query of `sql/FILE.sql`."""
    return _all(file)[name]


@cache
def _all(file: str) -> dict[str, SQL]:
    text = (files(__package__) / "sql" / f"{file}.sql").read_text(encoding="utf-8")
    pieces = _HEAD.split(text)
    # SQL() wants literal text; these come from files of this package, never from outside.
    return {name: SQL(body.strip()) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)}
