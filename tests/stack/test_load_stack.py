import textwrap
from pathlib import Path

import pytest

from drillbook.core.errors import DrillbookError, SettingsInvalid
from drillbook.core.model import Risk
from drillbook.core.policy import Consent
from drillbook.stack.stack import Stack, load_stack

GOOD = """
[environments.production.database]
provider = "postgres"
url = "env:DATABASE_URL"

[environments.production.app]
url = "https://example.com"
health = "/api/health"

[environments.production.backups]
folder = "backups/production"

[environments.production.logs]
provider = "file"
path = "logs/app.jsonl"

[environments.staging.database]
provider = "supabase"
url = "file:secrets/staging"
project = "abcdefghijklmnopqrst"

[commands.restart]
argv = ["systemctl", "restart", "booking"]
idempotent = true
timeout = "90s"
environment = { TOKEN = "env:RESTART_TOKEN" }

[policy]
production = { write = "1 approval from dba, valid 15m", destroy = "2 approvals" }

[roles]
dba = ["ana@example.com", "li@example.com"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "stack.toml"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> SettingsInvalid:
    path = written(folder, text)
    with pytest.raises(SettingsInvalid) as caught:
        load_stack(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_a_stack_file_is_read_with_all_its_sections(tmp_path: Path) -> None:
    stack = load_stack(written(tmp_path, GOOD))

    assert stack.folder == tmp_path.resolve()
    assert list(stack.file.environments) == ["production", "staging"]
    assert stack.file.commands["restart"].argv == ("systemctl", "restart", "booking")
    assert stack.file.commands["restart"].timeout.total_seconds() == 90
    place = stack.place("production")
    assert place.backups().folder == "backups/production"
    assert place.scratch() == place.home() / "scratch"


def test_facts_name_policy_roles_and_systems_but_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://app:canary-9f2@db/app")

    facts = load_stack(written(tmp_path, GOOD)).facts()

    assert facts.environments["production"].systems == {
        "database": "postgres",
        "app": "http",
        "backups": "folder",
        "logs": "file",
    }
    write = facts.needs("production", Risk.WRITE)
    assert (write.approvals, write.roles, write.valid_seconds) == (1, ("dba",), 900)
    assert facts.needs("production", Risk.DESTROY).approvals == 2
    assert facts.needs("staging", Risk.WRITE).consent is Consent.AUTO
    assert facts.roles == {"dba": ("ana@example.com", "li@example.com")}
    assert "canary" not in facts.model_dump_json()


def test_production_without_a_policy_asks_for_a_confirmation(tmp_path: Path) -> None:
    text = '[environments.production.app]\nurl = "https://example.com"\n'

    facts = load_stack(written(tmp_path, text)).facts()

    assert facts.needs("production", Risk.WRITE).consent is Consent.CONFIRM
    assert facts.needs("production", Risk.READ).consent is Consent.AUTO


def test_a_destroy_that_is_not_written_asks_for_no_less_than_a_write(tmp_path: Path) -> None:
    base = '[environments.production.app]\nurl = "https://example.com"\n[policy]\n'

    strict = load_stack(written(tmp_path, base + 'production = { write = "2 approvals" }')).facts()
    lax = load_stack(written(tmp_path, base + 'production = { write = "auto" }')).facts()

    assert strict.needs("production", Risk.DESTROY).approvals == 2
    assert lax.needs("production", Risk.WRITE).consent is Consent.AUTO
    assert lax.needs("production", Risk.DESTROY).consent is Consent.CONFIRM


def test_the_digest_changes_with_the_settings_and_only_with_them(tmp_path: Path) -> None:
    first = load_stack(written(tmp_path, GOOD)).facts().environments
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    second = load_stack(written(moved, "# a comment\n" + GOOD)).facts().environments
    third = load_stack(written(moved, GOOD.replace("example.com", "example.org"))).facts()

    assert first == second
    assert first["production"].digest != third.environments["production"].digest
    assert first["staging"].digest == third.environments["staging"].digest


@pytest.mark.parametrize(
    ("text", "line", "says", "hint"),
    [
        (
            '[environments.production.database]\nprovider = "postgres"\nurll = "env:X"\n',
            1,
            "url is missing in [environments.production.database] (and 1 more mistake below)",
            "provider, url, project",
        ),
        (
            '[environments.x.database]\nprovider = "postgres"\nurl = "env:X"\n\nurls = 1\n',
            5,
            "unknown key urls in [environments.x.database]",
            "Did you mean url? Allowed: provider, url, project, token, api.",
        ),
        ('[enviroments.x.app]\nurl = "http://a"', 1, "unknown key enviroments", "environments"),
        (
            '[environments.x]\ndatabase = { provider = "mysql", url = "env:X" }',
            2,
            "provider is 'mysql'",
            "Allowed: postgres, supabase",
        ),
        (
            '[environments.x.app]\n# one\n\nurl = "example.com"',
            4,
            "neither a reference (env:NAME, file:PATH) nor a URL",
            "",
        ),
        ('[environments.x.app]\nurl = "env:"', 2, "env:NAME", ""),
        ('[environments.x.app]\nurl = "http://a"\nhealth = "health"', 3, "start it with one /", ""),
        (
            '[environments.x.app]\nurl = "http://a"\n[policy]\nx = { write = "1 aproval" }',
            4,
            "policy.x.write is not a policy level: '1 aproval'",
            "",
        ),
        (
            '[environments.x.app]\nurl = "http://a"\n[policy]\nproduction = { write = "auto" }',
            4,
            "the policy is for production, and there is no environment of that name",
            "Allowed: x",
        ),
        (
            (
                '[environments.x.app]\nurl="http://a"\n[policy]\n'
                'x = { write = "1 approval from db" }\n'
                '[roles]\ndba = ["a"]'
            ),
            4,
            "the policy names the role db",
            "Did you mean dba?",
        ),
        (
            (
                '[environments.x.app]\nurl="http://a"\n[policy.x]\n'
                'destroy = "2 approvals from dba"\n'
                '[roles]\ndba = ["a"]'
            ),
            4,
            "2 approvals are asked from dba, and [roles] lists 1 of them",
            "fewer",
        ),
        (
            (
                '[environments.x.app]\nurl="http://a"\n[policy]\n'
                'x = { write = "1 approval", destroy = "auto" }'
            ),
            4,
            "asks less for destroy",
            "",
        ),
        ('[commands.a]\nargv = "ls -l"', 2, "commands.a.argv: input should be a valid tuple", ""),
        ("[commands.a]\nargv = []", 2, "commands.a.argv: tuple should have at least 1 item", ""),
        ('[commands.a]\nargv=["ls"]\nenvironment = { A = "hunter2" }', 3, "env:NAME", ""),
        ('[commands.a]\nargv=["ls"]\ntimeout = "soon"', 3, "'soon' is not a duration", ""),
        ('[commands."a b"]\nargv=["ls"]', 1, "'a b' is not a name", "letters, digits"),
        ("[roles]\ndba = 3", 2, "roles.dba", ""),
        ('[policy]\nx = "auto"', 2, "policy.x", ""),
    ],
)
def test_a_wrong_stack_file_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str, hint: str
) -> None:
    error = refusal(tmp_path, text)

    assert f"stack.toml:{line}: " in str(error)
    assert says in str(error)
    assert hint in error.hint


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://app:hunter2canary@db/app",
        "postgresql://app@db/app?password=hunter2canary",
        "host=db password=hunter2canary",
    ],
)
def test_a_password_in_the_stack_file_is_refused_and_not_repeated(tmp_path: Path, url: str) -> None:
    text = f'[environments.x.database]\nprovider = "postgres"\nurl = "{url}"\n'

    error = refusal(tmp_path, text)

    assert "stack.toml:3: environments.x.database.url holds a password" in str(error)
    assert "env:DATABASE_URL" in str(error)
    assert "canary" not in str(error) + error.hint + repr(error.__context__)


def test_text_that_is_not_toml_is_refused_with_line_and_column(tmp_path: Path) -> None:
    error = refusal(tmp_path, '[environments\nx = "hunter2')

    assert "stack.toml:1:14: not TOML" in str(error)


def test_a_stack_file_that_is_binary_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stack.toml"
    path.write_bytes(b"[a]\nb = '\xff\xfe'")

    with pytest.raises(SettingsInvalid, match=r"stack\.toml:2: not UTF-8"):
        load_stack(path)


def test_the_nearest_stack_file_upward_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path, GOOD)
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.delenv("DRILLBOOK_STACK", raising=False)
    monkeypatch.chdir(deep)

    assert load_stack().path == path.resolve()


def test_drillbook_stack_names_a_file_that_must_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRILLBOOK_STACK", str(tmp_path / "other.toml"))

    with pytest.raises(SettingsInvalid, match=r"DRILLBOOK_STACK names .*no such file") as caught:
        load_stack()
    assert "drillbook init" in caught.value.hint


def test_without_a_stack_file_the_stack_is_empty_and_says_so_when_asked() -> None:
    stack = Stack()

    assert stack.facts().environments == {}
    with pytest.raises(DrillbookError, match=r"there is no stack\.toml") as caught:
        stack.port("production", str)
    assert "drillbook init" in caught.value.hint
