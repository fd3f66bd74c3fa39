"""How far a dump is, in tables and bytes, from the lines the program writes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from time import monotonic

from drillbook.core.effect import Effect
from drillbook.core.quantities import show_size
from drillbook.providers.postgres.proof.checksums import BLOCK_BYTES
from drillbook.providers.postgres.proof.tables import Table

SURE_FRACTION = 0.02  # before that, an estimate would be a guess


@dataclass(slots=True)
class Told:
    """Counts the tables a program has begun; a table counts as read when the one after begins."""

    effect: Effect
    verb: str
    tables: Iterable[Table]
    _sizes: dict[str, int] = field(default_factory=dict[str, int])
    _began: list[str] = field(default_factory=list[str])
    _since: float = field(default_factory=monotonic)

    def __post_init__(self) -> None:
        self._sizes = {
            table.name.replace('"', ""): table.blocks * BLOCK_BYTES for table in self.tables
        }

    def begun(self, name: str) -> None:
        """Tell that a table begins now."""
        table = name.replace('"', "").strip()
        whole = max(1, sum(self._sizes.values()))
        done = sum(self._sizes.get(one, 0) for one in self._began)
        self._began.append(table)
        left = remaining(monotonic() - self._since, done / whole)
        self.effect.progress(
            f"{self.verb} {table} (table {len(self._began)} of {len(self._sizes)}, "
            f"{show_size(done)} of {show_size(whole)} before it{left})",
            min(1.0, done / whole),
        )


def remaining(seconds: float, fraction: float) -> str:
    """Return `, about 40 s left`, once enough is done to say so."""
    if fraction < SURE_FRACTION or seconds < 1:
        return ""
    return f", about {seconds / fraction * (1 - fraction):.0f} s left"
