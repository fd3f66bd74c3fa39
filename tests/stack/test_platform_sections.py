"""The sections of platforms: what is wrong is a sentence with its line, before anything starts."""

from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.stack.stack import Stack, load_stack

APP = '[environments.production.app]\nurl = "https://booking.example"\n'
LIVE = f'{APP}provider = "vercel"\nproject = "p"\n'
HUB = '[environments.production.repository]\nprovider = "github"\n'
DATABASE = '[environments.production.database]\nprovider = "supabase"\nurl = "env:URL"\n'


def stack(folder: Path, text: str) -> Stack:
    (folder / "stack.toml").write_text(text)
    return load_stack(folder / "stack.toml")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        (APP + 'provider = "vercel"\ntoken = "env:T"', 1, "vercel and no project"),
        (LIVE, 1, "names the provider vercel and no token"),
        (APP + 'project = "p"\ntoken = "env:T"', 1, "project, token beside the provider http"),
        (LIVE + 'token = "abc123secret"', 5, "env:NAME"),
        (LIVE + 'token = "env:T"\ntarget = "live"', 6, "preview"),
        (APP + 'release = "api/version"', 3, "start it with one /"),
        (LIVE + 'token = "env:T"\napi = "env:A"', 6, "not a secret"),
        (HUB + 'repository = "booking"\nbranch = "main"\ntoken = "env:T"', 3, '"owner/name"'),
        (HUB + 'repository = "o/r"\nbranch = "a..b"\ntoken = "env:T"', 4, "git does not take"),
        (HUB + 'repository = "o/r"\nbranch = "main"', 1, "token"),
        (DATABASE + 'project = "Booking"', 4, "20 small letters"),
        (DATABASE + 'token = "env:T"', 1, "names a token and no project"),
        (DATABASE.replace("supabase", "postgres") + 'project = "abcdefghijklmnopqrst"', 1,
         "names project beside the provider postgres"),
        ('[environments.production.auth]\nprovider = "supabase"\nurl = "auth.example"', 3, "https://"),
    ],
)  # fmt: skip
def test_a_wrong_platform_is_refused_with_its_line(
    tmp_path: Path, text: str, line: int, says: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        stack(tmp_path, text)

    told = f"{caught.value} {caught.value.hint}"
    assert f"stack.toml:{line}: " in told
    assert says in told
    assert "abc123secret" not in told


def test_an_environment_is_the_hostings_target_by_its_name_or_its_own_word(tmp_path: Path) -> None:
    app = f'{LIVE}token = "env:T"\n'
    hub = 'repository = "o/r"\nbranch = "develop"\ntoken = "env:T"\n'
    staging = f"{app}{HUB}{hub}".replace("production", "staging")
    live = app.replace("production", "live") + 'target = "production"\n'
    loaded = stack(tmp_path, app + staging + live)

    assert loaded.place("production").target() == "production"
    assert loaded.place("staging").target() == "preview"
    assert loaded.place("staging").branch() == "develop"
    assert loaded.place("live").target() == "production"
