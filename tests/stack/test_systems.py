"""What a plan may rely on is what the stack can build."""

from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.stack.bindings import _BUILDERS, SYSTEMS
from drillbook.stack.stack import load_stack

SECTIONS = {
    "database": 'provider = "postgres"\nurl = "env:NOWHERE"',
    "app": 'url = "http://127.0.0.1:1"',
    "logs": 'path = "app.log"',
    "backups": 'folder = "backups"',
    "metrics": 'url = "http://127.0.0.1:1"\nrequests = "r"\nerrors = "e"',
    "limits": 'provider = "redis"\nurl = "env:NOWHERE"\nprefix = "count:"',
    "repository": 'provider = "github"\nrepository = "o/r"\nbranch = "main"\ntoken = "env:NOWHERE"',
    "database from supabase": 'provider = "supabase"\nurl = "env:NOWHERE"\n'
    'project = "abcdefghijklmnopqrst"\ntoken = "env:NOWHERE"',
    "app from vercel": 'provider = "vercel"\nurl = "http://127.0.0.1:1"\nproject = "p"\n'
    'token = "env:NOWHERE"',
}


@pytest.mark.parametrize("port", _BUILDERS, ids=lambda port: port.__name__)
def test_a_port_can_be_built_exactly_where_its_systems_are(tmp_path: Path, port: type) -> None:
    needed = SYSTEMS.get(port, ())

    assert _builds(tmp_path, port, needed)
    for missing in needed:
        others = (
            each for each in SECTIONS if " " not in each and each != missing.partition(" ")[0]
        )
        assert not _builds(tmp_path, port, tuple(others))


def _builds(folder: Path, port: type, systems: tuple[str, ...]) -> bool:
    path = folder / "stack.toml"
    sections = [
        f"[environments.production.{each.partition(' ')[0]}]\n{SECTIONS[each]}\n"
        for each in systems
    ]
    path.write_text("[environments.production]\n" + "".join(sections))
    stack = load_stack(path)
    assert stack.facts().lacking("production", (port,)) == tuple(
        system for system in SYSTEMS.get(port, ()) if system not in systems
    )
    try:
        stack.port("production", port)
    except SettingsInvalid:
        return False
    return True
