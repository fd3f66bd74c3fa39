"""The range: a small cloud and two environments in it, really running on this machine."""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from drillbook.core.errors import NotFound, Refused, Unavailable
from drillbook.local.sockets import remove_socket_folder
from drillbook.range import earlier, hosted
from drillbook.range import faults as known_faults
from drillbook.range.booking.database import MIGRATIONS, BookingData
from drillbook.range.cloud import ENVIRONMENTS, Cloud
from drillbook.range.environment import Environment
from drillbook.range.faults.fault import Ground
from drillbook.range.faults.keeping import FaultStatus
from drillbook.range.repository import make_repository
from drillbook.range.stack_file import STACK, write_stack
from drillbook.range.status import RangeStatus
from drillbook.range.traffic.record import TrafficRecord, read_record
from drillbook.range.traffic.shape import DAY_SECONDS, READERS, WRITERS, Flow, Shape
from drillbook.range.twins.status.incidents import RESOLVED, Board, incident_of

NAMES = ENVIRONMENTS
STAGING_SHARE = 0.25
MARK = ".drillbook-range"
TRAFFIC_ON = "production"
CHECKS = Path(__file__).with_name("checks")
Progress = Callable[[str], None]


def _show_nothing(says: str) -> None:
    """Let a word of progress go that nobody wants to see."""


def up(
    folder: Path, *, scale: float = 1.0, progress: Progress = _show_nothing, tied: bool = False
) -> RangeStatus:
    """
    Start the range, make what is missing of it, mend what is broken, leave alone what is there.

    A tied range ends, and its data goes, when this process ends in whatever way.
    """
    with _alone(folder, make=True):
        cloud, environments = cloud_of(folder), _all(folder)
        data = {
            "production": BookingData(scale=scale, flawed=True),
            "staging": BookingData(scale=scale * STAGING_SHARE),
        }

        def start(environment: Environment) -> None:
            for says in environment.up(data[environment.name], tied=tied):
                progress(f"{environment.name}: {says}")

        with ThreadPoolExecutor(len(NAMES) + 1) as pool:
            working = [pool.submit(start, environment) for environment in environments]
            made = pool.submit(make_repository, cloud)
            for done in working:
                done.result()
        for environment in environments:
            if earlier.end_app(environment.folder):
                progress(f"{environment.name}: app of an earlier range stopped")
        progress(f"cloud: repository {'made' if made.result() else 'is there already'}")
        for says in hosted.up(cloud, environments, tied=tied):
            progress(f"cloud: {says}")
        for name in known_faults.mend_all(Ground(cloud.range, tied=tied)):
            progress(f"mended: {name}")
        # What was put back is of before, and parts may have moved since.
        hosted.follow_moved(cloud, environments)
        hosted.see_health(cloud)
        for says in earlier.renew(folder):
            progress(says)
        _copy_samples(folder)
        write_stack(cloud)
    return status(folder)


def status(folder: Path) -> RangeStatus:
    """Look at the range without touching it."""
    folder = folder.resolve()
    _see_that_it_is_a_range(folder)
    parts = [part for environment in _all(folder) for part in environment.status()]
    parts += hosted.status(cloud_of(folder))
    parts += [part for environment in _all(folder) for part in environment.traffic_status()]
    return RangeStatus(folder, folder / STACK, tuple(parts))


def down(folder: Path, *, remove: bool = False, progress: Progress = _show_nothing) -> RangeStatus:
    """Stop the range; its data stays for the next time, unless it is to be removed."""
    with _alone(folder, make=False):
        cloud = cloud_of(folder)
        # Users first: nobody is to be turned away by what is stopped after them.
        for environment in _all(folder):
            if environment.traffic.stop():
                progress(f"{environment.name}: traffic stopped")
        known_faults.end_processes(_ground(folder))
        for says in hosted.stop(cloud):
            progress(f"cloud: {says}")
        for environment in _all(folder):
            earlier.end_app(environment.folder)
            for says in environment.down():
                progress(f"{environment.name}: {says}")
        after = status(folder)
        if remove:
            for environment in _all(folder):
                remove_socket_folder(environment.server.folder)
            shutil.rmtree(folder)
            progress(f"removed {folder}")
    return after


def break_(folder: Path, name: str, *, tied: bool = False) -> FaultStatus:
    """Break something of the range really; what mending needs is kept in its folder."""
    with _alone(folder, make=False):
        return known_faults.break_(_ground(folder, tied=tied), name)


def mend(folder: Path, name: str, *, tied: bool = False) -> bool:
    """Put back what a fault broke; False: it was not on. A server it starts may be tied to us."""
    with _alone(folder, make=False):
        return known_faults.mend(_ground(folder, tied=tied), name)


def faults(folder: Path) -> tuple[FaultStatus, ...]:
    """Return every fault there is, and which are on."""
    return known_faults.all_of(_ground(folder))


def announce(
    folder: Path, page: str, name: str, *, components: tuple[str, ...], impact: str
) -> str:
    """Post an incident on a status page, whether anything is broken or not; return its id."""
    _see_that_it_is_a_range(folder)
    return Board(cloud_of(folder)).post(incident_of(page, name, components, impact))


def end_announced(folder: Path, page: str) -> int:
    """Resolve what is open on a status page; return how many incidents there were."""
    _see_that_it_is_a_range(folder)
    board = Board(cloud_of(folder))
    found = board.open(page)
    return sum(board.change(one["id"], RESOLVED, "") for one in found)


def start_traffic(
    folder: Path,
    *,
    on: str = TRAFFIC_ON,
    rate: float | None = None,
    shape: str = Shape.STEADY,
    seed: int = 0,
    readers: int = READERS,
    writers: int = WRITERS,
    day_seconds: float = DAY_SECONDS,
    tied: bool = False,
) -> RangeStatus:
    """Let clients use an environment's app, the rate in requests a second of all together."""
    environment = environment_of(folder, on)
    if not hosted.serves(cloud_of(folder), on):
        raise Unavailable(
            f"the app of {on} does not run, so nobody can use it", hint="drillbook range up"
        )
    flow = Flow.wanted(
        rate=rate, shape=shape, seed=seed, readers=readers, writers=writers, day_seconds=day_seconds
    )
    with _alone(folder, make=False):
        environment.traffic.start(flow, tied=tied)
    return status(folder)


def change_traffic(
    folder: Path, *, on: str = TRAFFIC_ON, rate: float | None = None, shape: str | None = None
) -> Flow:
    """Let the clients that are there come otherwise from now on, without a break."""
    environment = environment_of(folder, on)
    with _alone(folder, make=False):
        flow = environment.traffic.flow()
        if flow is None or environment.traffic.identity() is None:
            raise Unavailable(
                f"nobody uses the app of {on} now", hint=f"drillbook range traffic start --on {on}"
            )
        changed = flow.changed(rate=rate, shape=shape, since=time.time())
        environment.traffic.change(changed)
    return changed


def stop_traffic(folder: Path, *, on: str = TRAFFIC_ON) -> bool:
    """Let the clients of an environment go; False: there were none. Their record stays."""
    environment = environment_of(folder, on)
    with _alone(folder, make=False):
        return environment.traffic.stop()


def traffic_record(
    folder: Path,
    *,
    on: str = TRAFFIC_ON,
    since: datetime | None = None,
    until: datetime | None = None,
) -> TrafficRecord:
    """Sum up what the clients met, as they wrote it down themselves: no server is asked."""
    return read_record(environment_of(folder, on).traffic.record, since=since, until=until)


def environment_of(folder: Path, name: str) -> Environment:
    """Return one environment of the range in a folder."""
    _see_that_it_is_a_range(folder)
    return Environment(name, cloud_of(folder).environment(name))


def cloud_of(folder: Path) -> Cloud:
    """Return the cloud of the range in a folder."""
    return Cloud(folder.resolve())


def _all(folder: Path) -> tuple[Environment, ...]:
    return tuple(Environment(name, folder.resolve() / name) for name in NAMES)


def _ground(folder: Path, *, tied: bool = False) -> Ground:
    return Ground(folder.resolve(), tied=tied)


def _copy_samples(folder: Path) -> None:
    for source in (MIGRATIONS, CHECKS):
        target = folder / source.name
        target.mkdir(exist_ok=True)
        for file in source.iterdir():
            if not (target / file.name).exists():
                shutil.copyfile(file, target / file.name)


def _see_that_it_is_a_range(folder: Path) -> None:
    if not (folder / MARK).exists():
        raise NotFound(f"there is no range in {folder}", hint="Start one there: drillbook range up")


@contextmanager
def _alone(folder: Path, *, make: bool) -> Iterator[None]:
    if make and not (folder / MARK).exists():
        if folder.exists() and any(folder.iterdir()):
            raise Refused(
                f"{folder} holds other files and no range",
                hint="Name a new or empty folder for the range.",
            )
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / MARK).touch()
    _see_that_it_is_a_range(folder)
    handle = os.open(folder / MARK, os.O_RDWR)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
