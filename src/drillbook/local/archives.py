"""Archives unpacked so that nothing of them lies outside their folder."""

import tarfile
from pathlib import Path

from drillbook.core.errors import Failed


def unpack(archive: tarfile.TarFile, folder: Path) -> None:
    """Unpack what git has archived: its paths lead nowhere else, its links might (Failed)."""
    if hasattr(tarfile, "data_filter"):
        try:
            archive.extractall(folder, filter="data")
        except tarfile.FilterError as error:
            raise Failed(f"a commit's file leads out of its folder: {error}") from error
        return
    # Pythons before 3.11.4, Debian 12's among them, know no filter.
    plain = [each for each in archive.getmembers() if each.isfile() or each.isdir()]
    if links := [each.name for each in archive.getmembers() if each not in plain]:
        raise Failed(
            f"{links[0]} is no plain file, and this Python cannot tell where it leads",
            hint="Use Python 3.11.4 or newer.",
        )
    archive.extractall(folder, plain)  # noqa: S202 - git has no path that leads out
