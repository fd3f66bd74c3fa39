"""The `AppValues` port: records of environment values, changed one by one and marked as ours."""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from drillbook.core.errors import NotFound, Refused, SettingsInvalid
from drillbook.core.secret import register
from drillbook.local.private_file import write_private
from drillbook.ports.app_values import ValueState
from drillbook.providers.vercel.answers import PRODUCTION, HeldSeen, ValueSeen, moment
from drillbook.providers.vercel.speaking import Body, Speaking, parsed, speaking_of

RIGHT = "change the project's environment values"
SENSITIVE, NEW_KIND = "sensitive", "encrypted"
MARKED = "set by Drillbook, task "
KEPT_SECONDS = 7 * 86400
SHORTEST_HIDDEN = 8


@dataclass(frozen=True, slots=True)
class VercelValues:
    """
    The values of one environment; `wanted` reveals what the stack wants of each that it lists.

    What a value held before lies in `kept`, for its owner only, until it is put back or a week
    old: the hosting keeps no history of values.
    """

    api: str
    token: Callable[[], str]
    project: str
    team: str
    target: str
    branch: str
    wanted: Mapping[str, Callable[[], str]]
    kept: Path
    where: str

    def look(self, name: str) -> ValueState:
        """Return how a value is."""
        wanted = self._wanted(name)
        record = self._record(name)
        if record is None:
            return ValueState(name=name, exists=False, as_wanted=False)
        held = None if record.type == SENSITIVE else self._held(record)
        others = set(record.targets) - {self._target}
        if self._target != PRODUCTION and not record.branch:
            others |= {"other branches"}
        return ValueState(
            name=name,
            exists=True,
            id=record.id,
            kind=record.type,
            changed=moment(record.updated_at or record.created_at),
            mark=_mark_of(record),
            reveals=held is not None,
            as_wanted=None if held is None else held == wanted(),
            shared_with=tuple(sorted(others)),
        )

    def keep(self, name: str, mark: str) -> bool:
        """Keep what it holds where only we can read it; False when the hosting does not tell."""
        self._forget_old()
        record = self._record(name)
        if record is None or _mark_of(record) == mark:
            return self._file(name, mark).exists()
        held = None if record.type == SENSITIVE else self._held(record)
        if held is None:
            return False
        self.kept.mkdir(parents=True, exist_ok=True, mode=0o700)
        said = {"value": held, "comment": record.comment or ""}
        write_private(self._file(name, mark), json.dumps(said))
        return True

    def set(self, name: str, mark: str) -> None:
        """Let it hold what the stack wants."""
        value, record = self._wanted(name)(), self._record(name)
        if record is not None:
            self._change(record, {"value": value, "comment": f"{MARKED}{mark}"})
            return
        speaking = self._speaking()
        body: Body = {
            "key": name,
            "value": value,
            "type": NEW_KIND,
            "target": [self._target],
            "comment": f"{MARKED}{mark}",
        }
        if self._target != PRODUCTION and self.branch:
            body["gitBranch"] = self.branch
        # Without `upsert`: one that somebody else adds at this moment is not written over.
        speaking.api.send("POST", f"/v10/projects/{speaking.path}/env", body, right=RIGHT)

    def put_back(self, name: str, mark: str) -> None:
        """Let it hold what was kept, and forget that; NotFound when nothing is kept any more."""
        file = self._file(name, mark)
        try:
            said = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NotFound(
                f"what {name} held before is not kept any more",
                hint="The build that served before still has it: go back to that one.",
            ) from error
        record = self._record(name)
        if record is not None and _mark_of(record) != mark:
            held = self._held(record)
            if held is not None and _is_back(held, said):
                if "value" in said:  # a kill came before it was noted
                    _note(file, held)
                return
        ours = self._ours(name, mark)
        if "value" in said:
            _register(said["value"], name)
            self._change(ours, {"value": said["value"], "comment": said["comment"]})
            _note(file, said["value"])

    def remove(self, name: str, mark: str) -> None:
        """Remove what a task has added, and nothing else."""
        record, speaking = self._ours(name, mark), self._speaking()
        path = f"/v9/projects/{speaking.path}/env/{quote(record.id, safe='')}"
        speaking.api.send("DELETE", path, right=RIGHT)

    def _speaking(self) -> Speaking:
        return speaking_of(self.api, self.token, self.project, self.team)

    @property
    def _target(self) -> str:
        return PRODUCTION if self.target == PRODUCTION else "preview"

    def _wanted(self, name: str) -> Callable[[], str]:
        found = self.wanted.get(name)
        if found is None:
            listed = ", ".join(sorted(self.wanted)) or "none"
            raise SettingsInvalid(
                f"the stack does not say what {name} is to hold {self.where} (it lists {listed})",
                hint=f'Write {name} = "env:…" or "file:…" there: a reference, not the value.',
            )
        return found

    def _record(self, name: str) -> ValueSeen | None:
        """Return the record a new build is given: one bound to this branch wins over another."""
        fits = [
            each
            for each in self._speaking().read_values()
            if each.key == name
            and self._target in each.targets
            and each.branch in {None, "", self.branch}
        ]
        return max(fits, key=lambda each: bool(each.branch), default=None)

    def _held(self, record: ValueSeen) -> str | None:
        speaking = self._speaking()
        path = f"/v1/projects/{speaking.path}/env/{quote(record.id, safe='')}"
        held = parsed(HeldSeen, speaking.api.get(path, right=RIGHT), path)
        if held.value is None or held.decrypted is False:
            return None
        _register(held.value, record.key)
        return held.value

    def _change(self, record: ValueSeen, body: Body) -> None:
        speaking = self._speaking()
        path = f"/v9/projects/{speaking.path}/env/{quote(record.id, safe='')}"
        speaking.api.send("PATCH", path, body, right=RIGHT)

    def _ours(self, name: str, mark: str) -> ValueSeen:
        record = self._record(name)
        if record is None or _mark_of(record) != mark:
            raise Refused(
                f"{name} is not as this task has set it, so it was left alone",
                hint="Somebody has changed it meanwhile: ask who, and why.",
            )
        return record

    def _file(self, name: str, mark: str) -> Path:
        return self.kept / hashlib.sha256(f"{name}\0{mark}".encode()).hexdigest()[:32]

    def _forget_old(self) -> None:
        for file in self.kept.glob("*") if self.kept.exists() else ():
            if time.time() - file.stat().st_mtime > KEPT_SECONDS:
                file.unlink(missing_ok=True)


def _note(file: Path, held: str) -> None:
    """Keep what tells that it was put back, and not what it was."""
    key = secrets.token_hex(16)
    write_private(file, json.dumps({"key": key, "put back": _digest(held, key)}))


def _is_back(held: str, said: Mapping[str, str]) -> bool:
    if "value" in said:
        return held == said["value"]
    return _digest(held, said["key"]) == said["put back"]


def _digest(value: str, key: str) -> str:
    return hashlib.blake2b(value.encode(), key=bytes.fromhex(key)).hexdigest()


def _mark_of(record: ValueSeen) -> str:
    comment = record.comment or ""
    return comment.removeprefix(MARKED) if comment.startswith(MARKED) else ""


def _register(value: str, name: str) -> None:
    # "off" and "3" are words of every text: hiding them would make nonsense of pages.
    if len(value) >= SHORTEST_HIDDEN and not value.isalpha() and not value.isdecimal():
        register(value, name=f"value {name}")
