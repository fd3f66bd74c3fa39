"""The backups section: one place, keys by reference, and what cannot be meant stops the start."""

from pathlib import Path

import pytest

from drillbook.core.errors import SettingsInvalid
from drillbook.stack.stack import Stack, load_stack

BUCKET = """
bucket = "s3://company-backups/production"
access_key = "env:S3_ACCESS_KEY"
secret_key = "file:s3.secret"
"""


def stack(folder: Path, section: str) -> Stack:
    path = folder / "stack.toml"
    path.write_text(f"[environments.x.backups]\n{section}\n")
    return load_stack(path)


def test_every_key_of_the_section_is_read(tmp_path: Path) -> None:
    place = stack(
        tmp_path,
        BUCKET
        + """
        endpoint = "http://127.0.0.1:9000"
        region = "eu-central-1"
        keys = ["file:new.key", "file:old.key"]
        rpo = "24h"
        replication = "env:REPLICATION_URL"
        wal_archive = "wal"
        scratch = "scratch"
        """,
    ).place("x")
    section = place.backups()

    assert section.rpo is not None
    assert (section.rpo.total_seconds(), section.region) == (86_400, "eu-central-1")
    assert [key.ref for key in section.all_keys] == ["file:new.key", "file:old.key"]
    assert (place.wal_archive(), place.scratch()) == (tmp_path / "wal", tmp_path / "scratch")


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("", "1: environments.x.backups names neither a folder nor a bucket; write folder ="),
        (BUCKET + 'folder = "b"', "names both a folder and a bucket"),
        ('folder = "b"\nregion = "x"', "names region beside a folder"),
        ('bucket = "s3://abc"', "names a bucket without its access_key and secret_key"),
        ('folder = "b"\nkey = "env:A"\nkeys = ["env:B"]', "names key and keys"),
        ('\nbucket = "https://abc"', "3: environments.x.backups.bucket is not a bucket"),
        ('bucket = "s3://abc/../x"', "is not a bucket"),
        (BUCKET + 'endpoint = "http://me:pass@host"', "endpoint is not an endpoint"),
        (BUCKET + 'endpoint = "ftp://host"', "endpoint is not an endpoint"),
        ('folder = "b"\nkey = "c2VjcmV0"', "a secret is written as a reference"),
        ('folder = "b"\nrpo = "a day"', "'a day' is not a duration"),
        ('folder = "b"\nreplication = "http://host"', "replication is neither a reference"),
        ('folder = "b"\nplace = "c"', "unknown key place"),
    ],
)
def test_what_cannot_be_meant_stops_the_start(tmp_path: Path, section: str, says: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"stack\.toml:") as caught:
        stack(tmp_path, section)

    assert says in str(caught.value)


def test_a_plan_keeps_where_backups_lie_and_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_ACCESS_KEY", "canary-access")

    facts = stack(tmp_path, BUCKET).facts().environments["x"]

    assert facts.systems == {"backups": "bucket"}
    assert "canary" not in facts.model_dump_json()
