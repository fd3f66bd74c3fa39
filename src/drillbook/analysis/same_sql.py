"""Whether two texts are the same SQL, whatever their comments, spaces and semicolons."""

import postgast
from postgast import PgQueryError


def same_sql(one: str, other: str) -> bool:
    """Compare by the server's grammar; what it cannot read is compared word by word."""
    try:
        return postgast.deparse(postgast.parse(one)) == postgast.deparse(postgast.parse(other))
    except (PgQueryError, ValueError):
        return _words(one) == _words(other)


def _words(text: str) -> list[str]:
    return text.replace(";", " ").split()
