"""The generated page of what can be broken on the range."""

from collections.abc import Iterator
from pathlib import Path

from drillbook.range.faults import PARTS

INTRO = Path(__file__).with_name("reference_range.md")
TITLES = {
    "releases": "Releases of the app",
    "values": "Environment values and passwords",
    "migrations": "Migrations",
    "databases": "Postgres",
    "caches": "Valkey",
    "platforms": "Auth, payments and the platforms' APIs",
    "hosting": "Hosting and pipeline",
    "crowds": "Users",
}


def practice_range() -> Iterator[str]:
    """Yield the page."""
    count = sum(len(part.FAULTS) for part in PARTS)
    yield INTRO.read_text(encoding="utf-8").rstrip().format(count=count)
    for part in PARTS:
        yield from ("", f"### {TITLES[part.__name__.rpartition('.')[2]]}", "")
        yield from ("| fault | who suffers | what is broken |", "|---|---|---|")
        for fault in part.FAULTS:
            yield f"| `{fault.name}` | {fault.suffers} | {fault.says} |"
