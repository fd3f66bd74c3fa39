"""What git has archived is unpacked in its folder or not at all, by every Python there is."""

import io
import tarfile
from pathlib import Path

import pytest

from drillbook.core.errors import Failed
from drillbook.local.archives import unpack

OF_ALL = (False, True)
# Newer Pythons warn where no filter is named; the older ones know none.
pytestmark = pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")


def archive(link: str = "") -> tarfile.TarFile:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as tar:
        for name, text in (("app/main.py", b"x = 1\n"), ("run.sh", b"true\n")):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(text), 0o755
            tar.addfile(member, io.BytesIO(text))
        if link:
            member = tarfile.TarInfo("way-out")
            member.type, member.linkname = tarfile.SYMTYPE, link
            tar.addfile(member)
    held.seek(0)
    return tarfile.open(fileobj=held)


@pytest.mark.parametrize("is_old", OF_ALL)
def test_files_and_folders_are_laid_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool
) -> None:
    if is_old:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)

    unpack(archive(), tmp_path)

    assert (tmp_path / "app" / "main.py").read_text() == "x = 1\n"
    assert (tmp_path / "run.sh").stat().st_mode & 0o100


@pytest.mark.parametrize("is_old", OF_ALL)
def test_link_that_leads_out_is_told_and_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_old: bool
) -> None:
    if is_old:
        monkeypatch.delattr(tarfile, "data_filter", raising=False)

    with pytest.raises(Failed, match="way-out"):
        unpack(archive("/etc"), tmp_path)

    assert not (tmp_path / "way-out").exists()
