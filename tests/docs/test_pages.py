"""Every page: its links lead somewhere, its commands exist, its settings and runbooks are right."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from benchmarks import reference

from docs.console import Fence, fences, typed_in
from drillbook.actions import CATALOG
from drillbook.analysis.checks_file import HttpCheck, Login, SqlCheck, read_checks
from drillbook.cli.exit_codes import ExitCode
from drillbook.cli.main import app, run
from drillbook.cli.table import COMMANDS
from drillbook.compiler.check import check_book
from drillbook.compiler.diagnostics import CODES
from drillbook.core.files import File
from drillbook.core.record import EntryKind
from drillbook.engine.journal.entry import EXPORT_KIND, KEY_KIND
from drillbook.stack.lookout_section import LookoutSection
from drillbook.stack.outside_sections import (
    DependencySection,
    MetricsSection,
    StatusPageSection,
)
from drillbook.stack.reading import read_stack_file
from drillbook.stack.sections import (
    AppSection,
    AuthSection,
    BackupsSection,
    CommandSection,
    DatabaseSection,
    LogsSection,
    PolicySection,
    RepositorySection,
    StackFile,
)
from drillbook.stack.stack import load_stack

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
STACK = """
[environments.production.database]
provider = "postgres"
url = "env:DATABASE_URL"
[environments.production.app]
url = "https://example.com"
[environments.production.backups]
folder = "backups"
[environments.production.logs]
path = "app.log"
[environments.staging.database]
provider = "postgres"
url = "env:STAGING_DATABASE_URL"
[commands.restart]
argv = ["true"]
[roles]
dba = ["ana@example.com", "li@example.com"]
owner = ["kim@example.com"]
"""
LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
NAMED_ANCHOR = re.compile(r'<a id="([^"]+)"></a>')
INLINE_COMMAND = re.compile(r"(?<!`)`(drillbook(?: [^`]*)?)`(?!`)")
each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


def without_fences(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors_of(page: Path) -> set[str]:
    text = page.read_text(encoding="utf-8")
    slugs = set()
    for title in HEADING.findall(without_fences(text)):
        plain = re.sub(r"[^\w\- ]", "", title.replace("`", "").casefold())
        slugs.add(plain.replace(" ", "-"))
    return slugs | set(NAMED_ANCHOR.findall(text))


@each_page
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    text = without_fences(page.read_text(encoding="utf-8"))
    broken = []
    for target in (one or other for one, other in LINK.findall(text)):
        if target.startswith(("https://", "http://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors_of(there)):
            broken.append(target)

    assert broken == []


def command_lines(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    inline = [line.replace("\n", " ") for line in INLINE_COMMAND.findall(without_fences(text))]
    typed = [
        typed.command
        for fence in fences(page)
        if fence.language == "console"
        for typed in typed_in(fence)
    ]
    scripts = [
        line.partition("  #")[0]
        for fence in fences(page)
        if fence.language == "sh"
        for line in fence.text.splitlines()
    ]
    lines = [re.sub(r"^[A-Z_]+=\S+ ", "", line) for line in (*typed, *scripts)]
    return [line for line in (*inline, *lines) if line.startswith("drillbook")]


def wrong_in(line: str) -> str:
    """Return what of a command line does not exist, or nothing."""
    words = shlex.split(re.split(r" [|>]", line)[0], comments=True)[1:]
    command: Any = typer.main.get_command(app)  # Any: Typer's own class of commands is private
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        if words[0] not in command.commands:
            is_word = words[0].isupper() or words[0] == "…"  # a placeholder of the page
            return "" if is_word else f"no command {words[0]}"
        command = command.commands[words.pop(0)]
    known = {flag for param in command.params for flag in (*param.opts, *param.secondary_opts)}
    flags = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    unknown = [flag for flag in flags if flag not in known | {"--help", "-h"}]
    return f"no option {unknown[0]}" if unknown else ""


# Decisions speak of what was and of what may come.
PRESENT = [page for page in PAGES if page.parent.name != "decisions"]


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_a_page_names_exists(page: Path) -> None:
    wrong = {line: why for line in command_lines(page) if (why := wrong_in(line))}

    assert wrong == {}


def test_pages_name_most_commands_at_all() -> None:
    named = " ".join(line for page in PAGES for line in command_lines(page))

    assert [name for name in COMMANDS if f"drillbook {name}" not in named] == []


@pytest.mark.parametrize("name", [*COMMANDS, "journal verify", "range up"])
def test_the_help_of_every_command_can_be_shown(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*name.split(), "--help"]) == ExitCode.DONE
    assert "Usage: drillbook" in capsys.readouterr().out


def toml_fences() -> list[tuple[str, Fence]]:
    found = [(page, fence) for page in PAGES for fence in fences(page) if fence.language == "toml"]
    return [(f"{page.name}:{fence.line}", fence) for page, fence in found]


@pytest.mark.parametrize(("place", "fence"), toml_fences(), ids=lambda each: str(each)[:40])
def test_every_toml_of_a_page_is_toml_and_every_stack_is_a_stack(
    place: str, fence: Fence, tmp_path: Path
) -> None:
    read = tomllib.loads(fence.text)
    known = StackFile.model_fields.keys()
    if read.keys() <= known or "stack" in fence.mark:
        stack = tmp_path / "stack.toml"
        # A page may show one section alone: what it refers to is added.
        shared = tomllib.loads(STACK)
        missing = {"environments", "roles"} - read.keys()
        added = "".join(part for key, part in _parts() if key in missing and key in shared)
        stack.write_text(fence.text + added, encoding="utf-8")
        assert read_stack_file(stack)


def _parts() -> list[tuple[str, str]]:
    environments, _, rest = STACK.partition("[commands.restart]")
    return [("environments", environments), ("roles", "[roles]" + rest.partition("[roles]")[2])]


def test_every_checks_file_of_a_page_is_one_and_every_key_is_explained() -> None:
    page = reference.FOLDER / "checks.md"
    text = page.read_text(encoding="utf-8")
    shown = [fence for fence in fences(page) if fence.mark == "checks"]

    assert len(shown) == 2
    for fence in shown:
        assert read_checks(File(name="checks.toml", sha256="", text=fence.text)).http
    for title, section in (("login", Login), ("http", HttpCheck), ("sql", SqlCheck)):
        part = text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
        explained = set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))
        assert explained == section.model_fields.keys(), title


def runbook_fences() -> list[tuple[str, Fence]]:
    found = [
        (f"{page.name}:{fence.line}", fence)
        for page in PAGES
        for fence in fences(page)
        if fence.language == "markdown" and "wrong on purpose" not in fence.mark
    ]
    assert len(found) > 5
    return found


@pytest.mark.parametrize(("place", "fence"), runbook_fences(), ids=lambda each: str(each)[:40])
def test_every_runbook_of_a_page_compiles(place: str, fence: Fence, tmp_path: Path) -> None:
    (tmp_path / "stack.toml").write_text(STACK, encoding="utf-8")
    facts = load_stack(tmp_path / "stack.toml").facts()

    checked = check_book(fence.text, name=place, catalog=lambda: CATALOG, stack=facts)

    assert [each.shown(place) for each in checked.diagnostics] == []
    assert checked.counts.tasks > 0


def test_the_generated_pages_are_up_to_date() -> None:
    for name, text in reference.pages().items():
        page = (reference.FOLDER / name).read_text(encoding="utf-8")
        assert page == text, f"{name} is out of date: run make docs"


def test_every_action_and_every_diagnostic_has_its_place() -> None:
    actions = anchors_of(reference.FOLDER / "actions.md")
    diagnostics = anchors_of(reference.FOLDER / "diagnostics.md")

    assert set(CATALOG) <= actions
    assert set(CODES) <= diagnostics


def test_the_journal_page_explains_every_kind_of_entry() -> None:
    text = (reference.FOLDER / "journal.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| `([a-z]+\.[a-z_]+)` \|", text, re.MULTILINE))

    assert explained == {*map(str, EntryKind), KEY_KIND, EXPORT_KIND}


def test_the_stack_page_explains_every_key() -> None:
    text = (reference.FOLDER / "stack.md").read_text(encoding="utf-8")
    sections = {
        "database": DatabaseSection,
        "app": AppSection,
        "repository": RepositorySection,
        "auth": AuthSection,
        "dependencies": DependencySection,
        "status pages": StatusPageSection,
        "metrics": MetricsSection,
        "backups": BackupsSection,
        "logs": LogsSection,
        "commands": CommandSection,
        "policy": PolicySection,
        "lookout": LookoutSection,
    }
    for title, section in sections.items():
        part = text.partition(f"\n## {title.capitalize()}\n")[2].partition("\n## ")[0]
        explained = set(re.findall(r"^\| `(\w+)` \|", part, re.MULTILINE))
        assert explained == section.model_fields.keys(), title


def test_decisions_fit_a_page() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))

    assert [page.name for page in pages if len(page.read_text().splitlines()) > 40] == []
    assert [page.name[:4] for page in pages] == [f"{at:04}" for at in range(1, len(pages) + 1)]


def test_every_variable_of_the_environment_is_explained() -> None:
    sources = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    used = set(re.findall(r"DRILLBOOK_[A-Z_]+", sources))
    explained = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    # The mark by which a command's watcher finds its own descendants is nobody's to set.
    assert {name for name in used if name not in explained} <= {"DRILLBOOK_COMMAND"}
