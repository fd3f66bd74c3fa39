from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.ports.logs import Logs
from drillbook.stack.reading import read_stack_file
from drillbook.stack.stack import load_stack

ONE = "[environments.x.logs]\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "stack.toml"
    path.write_text(text)
    return path


def test_one_source_is_written_as_before_and_several_by_their_names(tmp_path: Path) -> None:
    one = read_stack_file(write(tmp_path, f'{ONE}path = "a.log"\n')).environments["x"].logs
    text = (
        f'{ONE}pseudonyms = "env:KEY"\n[environments.x.logs.web]\npath = "w.log"\n'
        '[environments.x.logs.drain]\nprovider = "received"\ntoken = "env:T"\n'
    )
    several = read_stack_file(write(tmp_path, text)).environments["x"].logs

    assert one is not None
    assert {name: source.path for name, source in one.sources.items()} == {"app": "a.log"}
    assert several is not None
    assert [(name, source.provider) for name, source in several.sources.items()] == [
        ("web", "file"),
        ("drain", "received"),
    ]
    assert several.pseudonyms is not None
    assert load_stack(tmp_path / "stack.toml").facts().environments["x"].systems == {
        "logs": "file+received"
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f'{ONE}pth = "a"\n', ":2: unknown key pth in [environments.x.logs]"),
        (f'{ONE}provider = "file"\n', "path is missing in [environments.x.logs]"),
        (f'{ONE}provider = "fil"\npath = "a"\n', "provider is 'fil'"),
        ('[environments.x.logs.web]\npth = "a"\n', "unknown key pth in [environments.x.logs.web]"),
        ('[environments.x.logs.web]\nprovider = "vercel"\npath = "a"\n', "names a path beside"),
        ('[environments.x.logs.web]\npath = "a"\nkeeps = "1h"\n', "names keeps"),
        ('[environments.x.logs.web]\npath = "a"\ntables = ["auth_logs"]\n', "names tables"),
        (f'{ONE}path = "a"\npseudonyms = "abc"\n', "a secret is written as a reference"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"stack\.toml:\d") as caught:
        read_stack_file(write(tmp_path, text))

    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("provider", "says"),
    [("vercel", "is Vercel's, and its app is not"), ("supabase", "is Supabase's, and the project")],
)
def test_a_platforms_log_needs_the_platform(tmp_path: Path, provider: str, says: str) -> None:
    text = (
        f'[environments.x.logs.web]\nprovider = "{provider}"\n'
        '[environments.x.app]\nurl = "http://127.0.0.1:9"\n'
        '[environments.x.database]\nprovider = "postgres"\nurl = "env:NOWHERE"\n'
    )

    with pytest.raises(SettingsInvalid, match=says):
        load_stack(write(tmp_path, text)).port("x", Logs)  # type: ignore[type-abstract]  # a Protocol, as everywhere
