"""Which faults are on: a file each, written before anything is broken, so that anybody can mend."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drillbook.core.errors import Refused
from drillbook.local.private_file import write_private
from drillbook.range.faults.fault import Fault, Ground, Saved


@dataclass(frozen=True, slots=True)
class FaultStatus:
    """One fault: what it is, and since when it is on, if it is."""

    name: str
    says: str
    suffers: str
    since: datetime | None

    @property
    def on(self) -> bool:
        """Whether it was broken and not mended since."""
        return self.since is not None


def break_fault(ground: Ground, fault: Fault) -> None:
    """Break something; what mending needs is written down first."""
    file = _file(ground, fault.name)
    since = _since(file)
    if since is not None:
        raise Refused(
            f"{fault.name} is on since {since:%H:%M:%S}",
            hint=f"drillbook range mend {fault.name}",
        )
    others = _on_the_same(ground, fault)
    if fault.alone and others:
        raise Refused(
            f"{others[0]} has broken {fault.lies_on} already, and {fault.name} would end that",
            hint=f"drillbook range mend {others[0]}",
        )
    saved = fault.look(ground)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    said = {"since": datetime.now(UTC).isoformat(), "lies_on": fault.lies_on, "saved": saved}
    write_private(file, json.dumps(said))
    fault.act(ground, saved)


def mend_fault(ground: Ground, fault: Fault) -> bool:
    """Put things back as they were, also after half a break; False: it was not on."""
    file = _file(ground, fault.name)
    if not file.exists():
        return False
    later = [
        name for name in _on_the_same(ground, fault) if _order(_file(ground, name)) > _order(file)
    ]
    if later:
        raise Refused(
            f"{later[0]} came later on the same {fault.lies_on}, and would keep {fault.name} alive",
            hint=f"drillbook range mend {later[0]}",
        )
    saved: Saved = json.loads(file.read_text(encoding="utf-8"))["saved"]
    fault.mend(ground, saved)
    file.unlink()
    return True


def status_of(ground: Ground, fault: Fault) -> FaultStatus:
    """Say whether a fault is on."""
    since = _since(_file(ground, fault.name))
    return FaultStatus(fault.name, fault.says, fault.suffers.value, since)


def names_on(ground: Ground) -> tuple[str, ...]:
    """Return which faults are on, the last one first: that is how they are mended."""
    files = _folder(ground).glob("*.json")
    return tuple(file.stem for file in sorted(files, key=_order, reverse=True))


def _on_the_same(ground: Ground, fault: Fault) -> list[str]:
    """Return which other faults of the same thing are on, the last one first."""
    return [
        name
        for name in names_on(ground)
        if fault.lies_on
        and name != fault.name
        and _said(ground, name).get("lies_on") == fault.lies_on
    ]


def _said(ground: Ground, name: str) -> dict[str, Any]:  # Any: JSON
    said: dict[str, Any] = json.loads(_file(ground, name).read_text(encoding="utf-8"))
    return said


def _order(file: Path) -> str:
    return str(json.loads(file.read_text(encoding="utf-8"))["since"])


def _since(file: Path) -> datetime | None:
    try:
        return datetime.fromisoformat(_order(file))
    except FileNotFoundError:
        return None


def _folder(ground: Ground) -> Path:
    return ground.cloud.folder / "faults"


def _file(ground: Ground, name: str) -> Path:
    return _folder(ground) / f"{name}.json"
