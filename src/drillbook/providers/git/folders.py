"""The `MigrationFolders` port: files below a folder, in the order a branch brought them."""

from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import NotFound, Refused
from drillbook.core.files import read_file
from drillbook.core.migration_files import SourceFile, SourceFolder
from drillbook.providers.git.history import read_history

FILES_AT_MOST = 5000


@dataclass(frozen=True, slots=True)
class GitFolders:
    """Reads folders whose relative paths begin at `root`."""

    root: Path

    def read(self, folder: str) -> SourceFolder:
        """Return all SQL files below a folder; NotFound when there is no such folder."""
        place = self.root / Path(folder).expanduser()
        if not place.is_dir():
            raise NotFound(f"there is no folder {place}", hint="Check the path.")
        paths = sorted(path for path in place.rglob("*.sql") if path.is_file())
        if len(paths) > FILES_AT_MOST:
            raise Refused(
                f"{place} holds {len(paths)} SQL files, more than {FILES_AT_MOST}",
                hint="Name the folder of the migrations themselves.",
            )
        history = read_history(place)
        files = []
        for path in paths:
            file = read_file(path)
            name = path.relative_to(place).as_posix()
            number, commit = history.arrived.get(name, (0, ""))
            files.append(
                SourceFile(
                    path=name, sha256=file.sha256, text=file.text, arrived=number, commit=commit
                )
            )
        return SourceFolder(folder=folder, files=tuple(files), no_history=history.why_not)
