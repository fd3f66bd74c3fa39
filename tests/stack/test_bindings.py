from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from drillbook.actions import CATALOG
from drillbook.core.effect import Effect
from drillbook.core.errors import SettingsInvalid
from drillbook.ports.commands import Commands
from drillbook.ports.deployments import Deployments
from drillbook.ports.logs import Logs
from drillbook.ports.probe import Probe
from drillbook.ports.readings import Readings
from drillbook.stack.stack import Stack, load_stack


def stack(folder: Path, text: str) -> Stack:
    (folder / "stack.toml").write_text(text)
    return load_stack(folder / "stack.toml")


APP = '[environments.x.app]\nurl = "http://127.0.0.1:1"\n'


def test_many_threads_get_the_same_provider(tmp_path: Path) -> None:
    bound = stack(tmp_path, APP)

    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: bound.port("x", Probe), range(64)))

    assert len({id(provider) for provider in found}) == 1


@pytest.mark.parametrize(
    ("port", "says"), [(Readings, "x has no database"), (Logs, "x has no logs")]
)
def test_a_missing_system_is_named_with_the_section_to_add(
    tmp_path: Path, port: type, says: str
) -> None:
    with pytest.raises(SettingsInvalid, match=says) as caught:
        stack(tmp_path, APP).port("x", port)

    assert "Add [environments.x." in caught.value.hint


def test_an_unknown_environment_is_told_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="has no environment 'production'") as caught:
        stack(tmp_path, APP).port("production", Probe)

    assert caught.value.hint == "There are: x."


def test_an_app_reached_by_its_url_only_has_no_deployments(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="reached by its URL only") as caught:
        stack(tmp_path, APP).port("x", Deployments)

    assert 'Write provider = "vercel", project = …' in caught.value.hint
    assert stack(tmp_path, APP).facts().lacking("x", (Deployments,)) == ("app from vercel",)


def test_a_port_nobody_provides_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="can provide Stack for x"):
        stack(tmp_path, APP).port("x", Stack)


def test_a_reference_that_holds_no_url_is_told_without_its_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("APP_URL", "canary-no-url")
    bound = stack(tmp_path, '[environments.x.app]\nurl = "env:APP_URL"\n')

    with pytest.raises(SettingsInvalid, match="what env:APP_URL holds is not a URL") as caught:
        _ = bound.port("x", Probe).target

    assert "canary" not in str(caught.value) + caught.value.hint


def test_a_file_reference_is_relative_to_the_stack_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "app").write_text("https://me:canary-pw@app.example:8443/base/\n")
    monkeypatch.chdir("/")
    bound = stack(tmp_path, '[environments.x.app]\nurl = "file:secrets/app"\n')

    assert bound.port("x", Probe).target == "https://app.example:8443/base"


def test_every_port_of_every_action_has_a_provider(tmp_path: Path) -> None:
    bound = stack(
        tmp_path,
        APP + 'provider = "vercel"\nproject = "p"\ntoken = "env:X"\n'
        '[environments.x.repository]\nprovider = "github"\nrepository = "o/r"\nbranch = "main"\n'
        'token = "env:X"\n[environments.x.database]\nprovider = "supabase"\nurl = "env:X"\n'
        'project = "abcdefghijklmnopqrst"\ntoken = "env:X"\n'
        '[environments.x.backups]\nfolder = "b"\n[environments.x.logs]\npath = "l"\n'
        '[environments.x.metrics]\nurl = "env:X"\nrequests = "r"\nerrors = "e"\n'
        '[environments.x.limits]\nprovider = "redis"\nurl = "env:X"\nprefix = "count:"\n',
    )
    ports = {port for action in CATALOG.values() for port in action.ports if port is not Effect}

    missing = [port.__name__ for port in ports if not _is_bound(bound, port)]

    assert missing == []


def _is_bound(bound: Stack, port: type) -> bool:
    try:
        return bound.port("x", port) is not None
    except SettingsInvalid:
        return False


def test_commands_are_bound_without_any_system(tmp_path: Path) -> None:
    assert callable(stack(tmp_path, "[environments.x]\n").port("x", Commands).run)
