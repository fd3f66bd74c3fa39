"""Build a database from a dump, tell how far that is, and prove what came of it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from time import monotonic

from psycopg.conninfo import make_conninfo

from drillbook.analysis.fingerprint import NAMED_AT_MOST, differences
from drillbook.analysis.rows import content_differences
from drillbook.core.effect import Effect
from drillbook.core.errors import DrillbookError, Refused
from drillbook.core.quantities import show_size
from drillbook.ports.backups import ONLY_COUNTED
from drillbook.ports.commands import Commands, Stream
from drillbook.providers.postgres.leftovers import session_name
from drillbook.providers.postgres.material import Material
from drillbook.providers.postgres.programs import LONGEST_SECONDS, run_program
from drillbook.providers.postgres.proof.amcheck import check_indexes
from drillbook.providers.postgres.proof.checksums import reading
from drillbook.providers.postgres.proof.data import Frame, read_frame
from drillbook.providers.postgres.proof.sequences import behind, behind_their_data
from drillbook.providers.postgres.queries import query
from drillbook.providers.postgres.server import Server, Session
from drillbook.providers.postgres.telling import remaining

JOBS = 2
OFF_SINCE = 17  # older servers have no setting for event triggers alone
LEVEL_RESTORED = 2
LEVEL_INDEXES = 3
LEVEL_EQUAL = 4
QUIET_SECONDS = 2.0  # after so long without a word from the program, tell how far it is
ELSEWHERE = ("extension version ", "subscription ")  # what may differ on another server
NO_SUMS = "its rows were only counted when it was taken, so whether they are equal is not known"
_MOMENT = re.compile(r"processing data for table|creating (INDEX|CONSTRAINT|FK CONSTRAINT)")


@dataclass(frozen=True, slots=True)
class Findings:
    """What a built database was found to be."""

    differences: tuple[str, ...]
    broken: tuple[str, ...]  # tables and indexes that amcheck found not whole
    warnings: tuple[str, ...]
    indexes_checked: bool
    sums_known: bool  # an old manifest knows only how many rows there were
    seconds: float

    @property
    def level(self) -> int:
        """The level of proof reached: 2 restored, 3 indexes whole, 4 equal to the source."""
        if not self.indexes_checked or self.broken:
            return LEVEL_RESTORED
        return LEVEL_INDEXES if self.differences or not self.sums_known else LEVEL_EQUAL

    @property
    def wrong(self) -> tuple[str, ...]:
        """Everything that speaks against it."""
        return (*self.broken, *self.differences)


def restore_into(
    commands: Commands,
    target: Server,
    material: Material,
    effect: Effect,
    server_major: int,
    *,
    elsewhere: bool = False,
) -> None:
    """
    Run pg_restore into an empty database, and tell tables, bytes and an estimate.

    `elsewhere` leaves out tablespaces, which only the server it came from has.
    """
    with _told(target, material, effect) as told:
        arguments = (
            "--format=directory", f"--jobs={JOBS}", "--exit-on-error", "--no-password",
            *(("--no-tablespaces",) if elsewhere else ()), "--no-subscriptions", "--verbose",
            f"--dbname={target.parameters()['dbname']}", str(material.folder),
        )  # fmt: skip
        run_program(
            commands, _asleep(target, material, server_major), "pg_restore", arguments,
            effect_key=effect.key, server_major=server_major, on_output=told.line,
        )  # fmt: skip


def _asleep(target: Server, material: Material, server_major: int) -> Server:
    """Return the target in whose sessions the dump's own event triggers do not fire."""
    if not any(key.startswith("event trigger ") for key in material.objects):
        return target
    # They did their work at the source: views are refreshed after they are back, and rows that
    # they write then were not backed up.
    off = "event_triggers=off" if server_major >= OFF_SINCE else "session_replication_role=replica"

    def address() -> str:
        parts = target.parameters()
        options = f"{parts.get('options', '')} -c {off}".strip()
        return make_conninfo(**(parts | {"options": options}))

    return replace(target, address=address)


def prove(
    commands: Commands,
    built: Server,
    material: Material,
    effect: Effect,
    server_major: int,
    *,
    is_copy: bool = False,
) -> Findings:
    """
    Compare a database nobody else uses with what it was built from; give it statistics.

    `is_copy`: its files are those of the source, so the server's own tables are checked as well.
    """
    began = monotonic()
    effect.progress("comparing contents and schema with what was backed up", None)
    name = session_name(effect.key)
    with built.session(application=name, at_most=LONGEST_SECONDS) as session:
        session.execute("SET idle_in_transaction_session_timeout = 0")
        session.execute("ANALYZE")
        session.execute(query("backup", "begin"))
        frame = read_frame(session, built.where)
        with reading(built, frame.snapshot, frame.tables, application=name) as begun:
            warnings: list[str] = []
            try:
                broken = check_indexes(commands, built, effect, server_major, catalogs=is_copy)
            except Refused as refused:
                broken = ()
                warnings.append(str(refused))
            contents = begun.contents()
        late, late_before = _late_sequences(session, material)
        wrong = [
            *content_differences(material.contents, contents),
            *_unvalidated(session, material),
            *behind(session, material.sequences),
            *late,
        ]
        session.execute("COMMIT")
    checked = not warnings
    sums_known = all(one.method != ONLY_COUNTED for one in material.contents.values())
    said, elsewhere = _schema(material, frame)
    return Findings(
        differences=tuple([*wrong, *said][:NAMED_AT_MOST]),
        broken=broken,
        warnings=(*warnings, *elsewhere, *late_before, *(() if sums_known else (NO_SUMS,))),
        indexes_checked=checked,
        sums_known=sums_known,
        seconds=round(monotonic() - began, 3),
    )


def lacking(session: Session, material: Material, *, roles: bool) -> tuple[str, ...]:
    """Return what a server lacks of that which the dump needs: roles, extensions."""
    found: list[str] = []
    values = {"names": list(material.extensions)}
    known = {row[0] for row in session.execute(query("proof", "known_extensions"), values)}
    found += [
        f"extension {name} (version {version})"
        for name, version in material.extensions.items()
        if name not in known
    ]
    if roles:
        values = {"names": list(material.roles)}
        known = {row[0] for row in session.execute(query("proof", "known_roles"), values)}
        found += [f"role {name}" for name in material.roles if name not in known]
    return tuple(found)


def _unvalidated(session: Session, material: Material) -> list[str]:
    unvalidated = [str(row[0]) for row in session.execute(query("proof", "unvalidated"))]
    # One that was not validated at the source is not validated here, and no difference.
    mine = [name for name in unvalidated if f"constraint {name}" not in material.objects]
    return [f"constraint {name} is not validated" for name in mine]


def _late_sequences(
    session: Session, material: Material
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the sequences behind their data: those we made so, and those that were so before."""
    found = behind_their_data(session)
    ours = tuple(says for name, says in found if name not in material.sequences)
    # One at least as far as it was is compared by `behind`: its data passed it at the source.
    before = tuple(f"{says}, as it was" for name, says in found if name in material.sequences)
    return ours, before


def _schema(material: Material, frame: Frame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what differs in the schema, and what may differ on another server."""
    here = {key: value for key, value in frame.objects.items() if not key.startswith(ELSEWHERE)}
    then = {key: value for key, value in material.objects.items() if not key.startswith(ELSEWHERE)}
    versions = [
        f"extension {name} has version {frame.extensions[name]} here, and had {version}"
        for name, version in material.extensions.items()
        if frame.extensions.get(name, version) != version
    ]
    subscriptions = [
        f"{key} is not brought back: make it again when its publisher is ready"
        for key in material.objects
        if key.startswith("subscription ")
    ]
    return differences(then, here), (*versions, *subscriptions)


class _Growth:
    """Tells how far a restore is: by the program's lines, and where it is quiet, by the size."""

    def __init__(self, material: Material, effect: Effect) -> None:
        self._effect = effect
        self._tables = max(1, len(material.contents))
        self._whole = material.database_bytes
        self._began = self._told_at = monotonic()
        self._begun = 0
        self._size = 0
        self._says = "restoring"
        self._lock = Lock()

    def line(self, stream: Stream, line: str) -> None:
        """Take a line of the program's own words."""
        if stream is not Stream.ERRORS or not _MOMENT.search(line):
            return
        what = line.partition(": ")[2].replace('"', "")
        with self._lock:
            if "processing data" in line:
                self._begun += 1
                self._says = f"restoring {what.partition('table ')[2]}"
            else:
                self._says = f"restoring: {what}"
            self._tell()

    def grown(self, size_bytes: int) -> None:
        """Take the size of the database now."""
        with self._lock:
            self._size = size_bytes
            if monotonic() - self._told_at > QUIET_SECONDS:
                self._tell()

    def _tell(self) -> None:
        self._told_at = monotonic()
        fraction = min(0.99, self._begun / self._tables)
        size = ""
        if self._whole and self._size:
            fraction = min(0.99, self._size / self._whole)
            size = f", {show_size(self._size)} of about {show_size(self._whole)}"
        left = remaining(monotonic() - self._began, fraction)
        self._effect.progress(
            f"{self._says} (table {self._begun} of {self._tables}{size}{left})", fraction
        )


@contextmanager
def _told(target: Server, material: Material, effect: Effect) -> Iterator[_Growth]:
    """Watch the database grow while the block fills it."""
    growth, ended = _Growth(material, effect), Event()
    thread = Thread(target=_watch, args=(target, growth, ended), daemon=True, name="growth")
    thread.start()
    try:
        yield growth
    finally:
        ended.set()
        thread.join()


def _watch(target: Server, growth: _Growth, ended: Event) -> None:
    try:
        with target.session(application="drillbook watching", at_most=LONGEST_SECONDS) as session:
            while not ended.wait(QUIET_SECONDS / 2):
                row = session.execute(query("proof", "size")).fetchone()
                growth.grown(int(row[0]) if row else 0)
    except DrillbookError:
        return  # only the numbers for people come from here: the program itself tells what fails
