"""Where the file of a migration that is to be taken back lies: the team's folder, or the app's."""

# mypy: disable-error-code="type-abstract"
# Ports are Protocols, and `Systems.find` takes the type itself.

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Required, TypedDict

from drillbook.analysis.order import named, ordered
from drillbook.core.errors import NotFound, Refused
from drillbook.core.migration_files import MigrationFile, SourceFile
from drillbook.core.quantities import Duration
from drillbook.ports.migration_files import MigrationFolders
from drillbook.ports.repository import Repository
from drillbook.ports.systems import Systems
from drillbook.ports.ways_back import WayBackScript

OF_APP = "supabase/migrations"
DOWN_PATHS = ("{}.down.sql", "{}_down.sql", "down/{}.sql")


class GivenName(TypedDict, total=False):
    """The values of `migration.take_back`."""

    name: Required[str]
    folder: Required[str]
    by_hand: bool
    seen: datetime | None
    over: tuple[str, ...]
    of_app: str
    way_back: WayBackScript | None
    lock_timeout: Duration
    retries: int
    patience: Duration


def migrations_of(
    folders: MigrationFolders, systems: Systems, given: GivenName
) -> Sequence[MigrationFile]:
    """Return the migrations of the team's folder, else the one of this name that the app has."""
    missing: NotFound | None = None
    try:
        found = ordered(folders.read(given["folder"])).migrations
    except NotFound as error:
        found, missing = (), error
    if any(is_named(one, given["name"]) for one in found):
        return found
    repository = systems.find(Repository)
    of_app = None if repository is None else _of_app(repository, given)
    if of_app is not None:
        return (of_app,)
    if missing is not None:
        raise missing
    return found


def _of_app(repository: Repository, given: GivenName) -> MigrationFile | None:
    """Return a migration by its whole name from the app's own repository, as its branch has it."""
    stem, folder = own(given["name"]), given.get("of_app", OF_APP).strip("/")
    up = _source(repository, f"{folder}/{stem}.sql")
    if up is None:
        return None
    downs = (_source(repository, f"{folder}/{path.format(stem)}") for path in DOWN_PATHS)
    return MigrationFile(
        name=stem,
        version=named(f"{stem}.sql").written,
        path=up.path,
        sha256=up.sha256,
        text=up.text,
        down=next(filter(None, downs), None),
    )


def _source(repository: Repository, path: str) -> SourceFile | None:
    try:
        data = repository.file(path, repository.branch)
    except NotFound:
        return None
    sha256 = hashlib.sha256(data).hexdigest()
    return SourceFile(path=path, sha256=sha256, text=data.decode("utf-8", "replace"))


def is_named(file: MigrationFile, name: str) -> bool:
    """Whether a migration has this name or version."""
    return own(name) in {own(file.name), file.version}


def found_among(
    order: Sequence[MigrationFile], folder: str, name: str
) -> tuple[MigrationFile, SourceFile]:
    """Return the one migration of this name and its down script; NotFound or Refused without."""
    fits = [one for one in order if is_named(one, name)]
    if len(fits) != 1:
        many = f"{len(fits)} migrations" if fits else f"no migration among {len(order)}"
        raise NotFound(
            f"{folder} has {many} of the name {name!r}; nothing was changed",
            hint="Give its whole name, or the folder in which the team keeps it.",
        )
    if fits[0].down is None or not fits[0].down.text.strip():
        raise Refused(
            f"{fits[0].name} has no down script in {folder}; nothing was changed",
            hint="Write one and rehearse it, ship a fix forward, or restore the backup before it.",
            again=False,
        )
    return fits[0], fits[0].down


def own(name: str) -> str:
    """Return a migration's name without its folder and ending."""
    return name.rpartition("/")[2].removesuffix(".sql")
