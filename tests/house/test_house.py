"""What holds for the whole repository: sizes, names, the wheel, and no package host anywhere."""

import ast
import builtins
import keyword
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from drillbook.actions import CATALOG
from drillbook.core.catalog import AnyAction

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "drillbook"
MOST_LINES = 400
# In pieces, so that this file names none of them.
PACKAGE_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("py" + "pi", "org"),
        ("python" + "hosted", "org"),
        ("npm" + "js", "org"),
        ("npm" + "js", "com"),
        ("crates", "io"),
        ("ruby" + "gems", "org"),
        ("conda", "anaconda", "org"),
        ("repo1", "maven", "org"),
        ("proxy", "golang", "org"),
        ("deb", "debian", "org"),
    )
)
VAGUE = {"utils", "util", "helpers", "helper", "common", "base", "misc"}


def tracked_files() -> list[Path]:
    """Return the files of the repository; without git, those that lie where they belong."""
    asked = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(asked, capture_output=True, check=False)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    if listed.returncode != 0 or not names:
        places = [ROOT / name for name in ("src", "tests", "docs", "benchmarks", ".ci")]
        found = [path for place in places for path in place.rglob("*") if path.is_file()]
        found += [path for path in ROOT.iterdir() if path.is_file()]
        return [path for path in found if path.parent.name != "__pycache__"]
    return [path for path in (ROOT / name for name in names) if path.is_file()]


def modules() -> list[Path]:
    return [path for path in tracked_files() if path.suffix == ".py"]


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for path in modules()
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }

    assert long == {}


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert [str(path) for path in modules() if path.stem in VAGUE] == []


def test_no_file_names_a_package_host() -> None:
    files = tracked_files()
    named = {
        str(path.relative_to(ROOT)): host
        for path in files
        for host in PACKAGE_HOSTS
        if host.encode() in path.read_bytes()
    }

    assert len(files) > 300
    assert named == {}


def test_every_module_and_every_public_thing_says_what_it_is() -> None:
    silent = []
    for path in SOURCE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        docstring = ast.get_docstring(tree) or ""
        if not docstring.strip():
            silent.append(str(path.relative_to(ROOT)))

    assert silent == []


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_the_address_of_an_action_is_where_it_lives(name: str) -> None:
    domain, _, verb = name.partition(".")
    do = CATALOG[name].do
    taken = keyword.iskeyword(verb) or hasattr(builtins, verb)

    assert do.__module__ == f"drillbook.actions.{domain}" or do.__module__.startswith(
        f"drillbook.actions.{domain}."
    )
    assert do.__name__ == (f"{verb}_" if taken else verb)


@pytest.mark.parametrize("name", sorted(CATALOG))
def test_an_action_says_what_it_does_in_one_sentence(name: str) -> None:
    for says in sentences_of(CATALOG[name]):
        assert re.fullmatch(r"[A-Z][^\n]{10,98}\.", says), says


def sentences_of(action: AnyAction) -> list[str]:
    told = [action.do, action.look, action.undo.take_back if action.undo else None]
    return [(fn.__doc__ or "").strip().partition("\n")[0] for fn in told if fn is not None]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built offline by the backend that pyproject.toml names."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


def test_the_wheel_holds_everything_the_package_needs(wheel: zipfile.ZipFile) -> None:
    inside = set(wheel.namelist())
    wanted = {
        str(path.relative_to(ROOT / "src"))
        for path in tracked_files()
        if path.is_relative_to(SOURCE)
    }

    assert sorted(wanted - inside) == []
    for ending in (".md", ".sql", ".json", ".toml", ".css", ".js", ".j2", "py.typed"):
        assert any(name.endswith(ending) for name in wanted), ending
    assert len([name for name in inside if name.startswith("drillbook/library/")]) >= 8
    # The practice app's own tests go along: its CI runs them.
    ours = [name for name in inside if not name.startswith("drillbook/range/source/")]
    assert [name for name in ours if "/tests/" in name] == []
    assert [name for name in inside if "__pycache__" in name] == []


def test_the_license_is_here_and_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert project["license"] == "Apache-2.0"
    assert any(name.endswith("/licenses/LICENSE") for name in wheel.namelist())


def test_the_command_of_the_wheel_is_drillbook(wheel: zipfile.ZipFile) -> None:
    (entry_points,) = [n for n in wheel.namelist() if n.endswith(".dist-info/entry_points.txt")]

    assert "drillbook = drillbook.cli.main:main" in wheel.read(entry_points).decode()


def test_every_lock_pins_by_hash() -> None:
    for lock in ("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"):
        text = (ROOT / lock).read_text(encoding="utf-8")
        pinned = re.findall(r"^[\w.\[\]-]+==[^\s\\]+", text, re.MULTILINE)
        assert pinned, lock
        assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", text)) >= len(pinned)
