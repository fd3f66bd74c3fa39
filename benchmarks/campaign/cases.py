"""One case of the campaign, drawn from a seed: what runs, when it is hit, and with what."""

from dataclasses import dataclass
from random import Random

from benchmarks.campaign.variants import VARIANTS, Variant

STORES = ("sqlite", "postgres")
EVENTS = (
    "run.started", "task.started 1.2", "task.acting 1.2", "task.done 1.2", "task.remembered 2.1",
    "task.acting 2.1", "task.done 2.1", "task.started 3.3", "task.remembered 3.3",
    "task.acting 3.3", "task.done 3.3", "run.ended",
)  # fmt: skip
BACK_EVENTS = (
    "wayback.started", "undo.started 3.3", "undo.done 3.3", "undo.started 2.1", "undo.done 2.1",
    "task.failed 3.4", "wayback.ended",
)  # fmt: skip
RESTORE_EVENTS = (
    "undo.failed 3.3", "task.started 4.1", "task.remembered 4.1", "task.acting 4.1",
    "task.done 4.1",
)  # fmt: skip
TROUBLES = {1: "line", 3: "disk", 5: "line"}
SIGHTS = ("dumping", "trying", "ledger")
ONE_SIGHTS = ("applying",)
PARTS_SIGHTS = ("indexing", "indexing-on-staging")
RESTORE_SIGHTS = ("restoring", "restore-proven", "swapped")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a blow falls: so many entries later, at an event of the journal, or at a sight."""

    kind: str
    what: str
    delay_seconds: float

    @property
    def says(self) -> str:
        """The moment in words."""
        return f"{self.what} {self.kind} + {self.delay_seconds * 1000:.0f} ms"


@dataclass(frozen=True, slots=True)
class Blow:
    """What is done at a moment, and how the world goes on after it."""

    moment: Moment
    worker: str = "kill"  # kill, freeze or nothing
    line: str = ""  # cut or silence: what becomes of the connections to production
    disk: bool = False  # no room for backups
    servers: tuple[str, ...] = ()
    down_seconds: float = 0.0
    worker_first: bool = False
    upgrade: bool = False
    wakes_after: float | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One run of the campaign."""

    index: int
    store: str
    variant: Variant
    blows: tuple[Blow, ...]
    in_undo: bool

    @property
    def only_workers(self) -> bool:
        """Whether no server is hit: then nothing may change how the run ends."""
        return not any(blow.servers or blow.line or blow.disk for blow in self.blows)


def draw(seed: int, index: int) -> Case:
    """Return the case with this number; the same for the same seed."""
    random = Random(f"{seed}/{index}")
    variant = random.choices(VARIANTS, [variant.weight for variant in VARIANTS])[0]
    store = STORES[index % 2]
    in_undo = variant.undone and random.random() < 0.85
    count = 1 if variant.command else random.choices((1, 2, 3), (74, 20, 6))[0]
    frozen = index % 32 in (5, 14)
    hits_server = not variant.command and index // 2 % 7 in (0, 2, 4) and not frozen
    trouble = None if variant.command or frozen or hits_server else TROUBLES.get(index % 7)
    blows = []
    for number in range(count):
        moment = _moment(random, variant, again=number > 0, in_undo=in_undo)
        if frozen and number == 0:
            blows.append(_freeze(random, moment))
        elif trouble and number == 0:
            blows.append(_trouble(random, moment, trouble))
        else:
            blows.append(_kill(random, moment, store, server=hits_server and number == 0))
    return Case(index, store, variant, tuple(blows), in_undo)


def _kill(random: Random, moment: Moment, store: str, *, server: bool) -> Blow:
    servers: tuple[str, ...] = ()
    worker = "kill"
    if server:
        choices = [("production",), ("production",), ("production", "staging"), ("staging",)]
        choices += [("store",)] if store == "postgres" else []
        servers = random.choice(choices)
        worker = random.choice(("kill", "kill", "kill", "nothing"))
    return Blow(
        moment,
        worker=worker,
        servers=servers,
        down_seconds=random.choice((0.0, 0.2, 0.8)) if servers else 0.0,
        worker_first=random.random() < 0.4,
        upgrade=random.random() < 0.25,
    )


def _trouble(random: Random, moment: Moment, trouble: str) -> Blow:
    """The line to production dies, or the disk of the backups is full; then all is well again."""
    line = random.choice(("cut", "silence")) if trouble == "line" else ""
    worker = random.choice(("kill", "nothing", "nothing"))
    seconds = random.choice((0.1, 0.8, 2.5))
    return Blow(moment, worker=worker, line=line, disk=trouble == "disk", down_seconds=seconds)


def _freeze(random: Random, moment: Moment) -> Blow:
    # Nobody believes in a freeze before ten seconds: some wake before, some after, some never.
    wakes = random.choice((random.uniform(0.2, 9), random.uniform(10, 13), None))
    return Blow(moment, worker="freeze", wakes_after=wakes)


def _moment(random: Random, variant: Variant, *, again: bool, in_undo: bool) -> Moment:
    if again:
        return Moment(
            "entries", str(random.randint(0, 3 if in_undo else 8)), random.uniform(0, 0.3)
        )
    if variant.command and random.random() < 0.7:
        return Moment("event", "task.acting 1.2", random.uniform(0, 1.1))
    kind = random.choices(("entries", "event", "sight"), (50, 32, 18))[0]
    if variant.steps or variant.whole:
        return _moment_of_backups(random, variant, in_undo=in_undo)
    if variant.command or kind == "entries":
        most = variant.entries_of_undo if in_undo else variant.entries
        return Moment("entries", str(random.randint(0, most)), random.uniform(0, 0.3))
    delay = random.choice((0.0, random.uniform(0, 0.02), random.uniform(0, 0.15)))
    pool = _events(variant, in_undo) if kind == "event" else _sights(variant, in_undo)
    return Moment(kind, random.choice(pool), delay)


def _moment_of_backups(random: Random, variant: Variant, *, in_undo: bool) -> Moment:
    """Return a moment of a run that takes, proves or restores backups, or rehearses."""
    delay = random.choice((0.0, random.uniform(0, 0.15), random.uniform(0, 2.5)))
    sights = ("scratch", *(RESTORE_SIGHTS if variant.is_restored or in_undo else ("dumping",)))
    if random.random() < 0.4 and not (in_undo and not variant.is_restored):
        return Moment("sight", random.choice(sights), delay)
    most = variant.entries_of_undo if in_undo else variant.entries
    return Moment("entries", str(random.randint(0, most)), delay)


def _events(variant: Variant, in_undo: bool) -> tuple[str, ...]:
    back: tuple[str, ...] = BACK_EVENTS + (() if variant.down else RESTORE_EVENTS * 2)
    if in_undo:
        return back
    return EVENTS + (back if "done" not in variant.ends else ())


def _sights(variant: Variant, in_undo: bool) -> tuple[str, ...]:
    back = (
        RESTORE_SIGHTS
        if not variant.down
        else (
            "undoing",
            "undoing-on-staging",
            *(("dropping",) if "CONCURRENTLY" in variant.down else ()),
        )
    )
    if in_undo:
        return back
    parts = PARTS_SIGHTS if "CONCURRENTLY" in variant.up else ONE_SIGHTS
    return SIGHTS + parts + (back if "done" not in variant.ends else ())
