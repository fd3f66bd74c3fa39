import re
import subprocess
import sys
from pathlib import Path

from docs.console import fences

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "CONTRIBUTING.md"
NAMED = re.compile(r"`((?:src|tests|docs|benchmarks|\.ci)/[^`*]*|[\w-]+\.(?:toml|md))`")


def test_every_file_the_page_names_exists() -> None:
    text = PAGE.read_text(encoding="utf-8")
    named = {name for name in NAMED.findall(text) if "NNNN" not in name and name != "stack.toml"}

    assert len(named) > 40
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_every_file_the_architecture_names_exists() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`([a-z_]+/[\w/]+\.py)`", text))

    assert len(named) > 25
    assert [
        name for name in sorted(named) if not (ROOT / "src" / "drillbook" / name).exists()
    ] == []


def test_the_example_of_an_action_works(tmp_path: Path) -> None:
    for fence in fences(PAGE):
        if fence.mark.startswith("file: "):
            (tmp_path / fence.mark.removeprefix("file: ")).write_text(fence.text, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_notes.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "2 passed" in ended.stdout


def test_the_example_keeps_the_rules_of_the_house(tmp_path: Path) -> None:
    example = tmp_path / "notes.py"
    example.write_text(
        next(fence.text for fence in fences(PAGE) if fence.mark == "file: notes.py"),
        encoding="utf-8",
    )
    settings = ["--config", str(ROOT / "pyproject.toml"), "--ignore", "INP001,D102"]

    for command in (["check", *settings], ["format", "--check", *settings[:2]]):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, str(example)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout + checked.stderr
