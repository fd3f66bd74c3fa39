"""Runs the console blocks of a page in order, and compares what they print with what it shows."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from drillbook.core.process_identity import ProcessIdentity, running_with

SECONDS_EACH = 90
ANY_LINES = "…"
RUN_ID = re.compile(r"\br-[2-9a-hjkmnp-z]{6}\b")
# What differs from run to run: each is compared by its form only.
FORMS = (
    re.compile(r"\b\d\d:\d\d:\d\d\b"),
    re.compile(r"\b\d+(?:\.\d+)? s\b"),
)
_FILE = re.compile(r"file: (\S+)")
_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>[^>]*?) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Fence:
    """A fence of a page, and the remark in the comment right before it."""

    language: str
    text: str
    mark: str
    line: int


@dataclass(frozen=True)
class Typed:
    """One command of a console block, and the lines shown below it."""

    command: str
    shown: tuple[str, ...]
    line: int


def fences(page: Path) -> list[Fence]:
    text = page.read_text(encoding="utf-8")
    return [
        Fence(
            found["language"],
            found["text"],
            found["mark"] or "",
            text.count("\n", 0, found.start("text")) + 1,
        )
        for found in _FENCE.finditer(text)
    ]


def typed_in(fence: Fence) -> Iterator[Typed]:
    command, shown, line = "", [], 0
    for at, text in enumerate(fence.text.splitlines(), start=fence.line):
        if text.startswith("$ "):
            if command:
                yield Typed(command, tuple(shown), line)
            command, shown, line = text[2:], [], at
        else:
            shown.append(text)
    if command:
        yield Typed(command, tuple(shown), line)


@dataclass
class Terminal:
    """A shell whose folder, variables and last exit code live on from command to command."""

    folder: Path
    variables: dict[str, str]
    code: int = 0
    ids: dict[str, str] = field(default_factory=dict[str, str])
    here: dict[str, str] = field(default_factory=dict[str, str])
    took: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def carry_out(self, page: Path) -> None:
        """Write the files a page shows and run its console blocks, in order."""
        for fence in fences(page):
            if named := _FILE.match(fence.mark):
                path = self.folder / named[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(self._as_here(fence.text), encoding="utf-8")
            elif fence.language == "console":
                self._block(page, list(typed_in(fence)))

    def _block(self, page: Path, commands: list[Typed]) -> None:
        for at, typed in enumerate(commands):
            said = self._run(self._with_ids(typed.command))
            place = f"{page.name}:{typed.line}: $ {typed.command}"
            looks = at + 1 < len(commands) and commands[at + 1].command == "echo $?"
            assert looks or self.code == 0, f"{place}\nended with {self.code}:\n{said}"
            if typed.shown:
                self._compare(place, typed.shown, said.splitlines())

    def _run(self, command: str) -> str:
        state = self.folder.parent / "state"
        script = (
            f"(exit {self.code})\n{command}\n"
            f'code=$?; pwd > "{state}.pwd"; env -0 > "{state}.env"; exit $code'
        )
        begun = time.monotonic()
        ended = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_EACH,
            check=False,
        )
        self.code = ended.returncode
        self.took.append((time.monotonic() - begun, command))
        self.folder = Path(Path(f"{state}.pwd").read_text(encoding="utf-8").strip())
        kept = Path(f"{state}.env").read_text(encoding="utf-8").split("\0")
        self.variables = dict(each.split("=", 1) for each in kept if each)
        return ended.stdout

    def _as_here(self, text: str) -> str:
        """Return a file of the page with the addresses that answer on this machine."""
        for shown, real in self.here.items():
            text = text.replace(shown, real)
        return text

    def _with_ids(self, text: str) -> str:
        return RUN_ID.sub(lambda found: self.ids.get(found[0], found[0]), text)

    def _compare(self, place: str, shown: tuple[str, ...], said: list[str]) -> None:
        at = 0
        skipping = False
        for line in shown:
            if line == ANY_LINES:
                skipping = True
                continue
            here = at
            while skipping and here < len(said) and not self._fits(line, said[here]):
                here += 1
            fits = here < len(said) and self._fits(line, said[here])
            told = "\n".join(said)
            assert fits, (
                f"{place}\nthis line is shown and was not printed:\n{line}\nprinted:\n{told}"
            )
            at, skipping = here + 1, False
        rest = said[at:]
        assert skipping or not rest, f"{place}\nalso printed, and not shown:\n" + "\n".join(rest)

    def _fits(self, line: str, said: str) -> bool:
        """Tell whether a printed line is the one shown; ids are learnt at their first sight."""
        pattern, fresh = "", []
        for part in re.split(f"({RUN_ID.pattern})", line):
            if RUN_ID.fullmatch(part) and part not in self.ids:
                if part in fresh:
                    pattern += f"(?P=id{fresh.index(part)})"
                else:
                    pattern += f"(?P<id{len(fresh)}>{RUN_ID.pattern})"
                    fresh.append(part)
            elif RUN_ID.fullmatch(part):
                pattern += re.escape(self.ids[part])
            else:
                pattern += _form(part)
        found = re.fullmatch(pattern, said)
        if found is None:
            return False
        self.ids |= {doc: found[f"id{at}"] for at, doc in enumerate(fresh)}
        return True


def _form(text: str) -> str:
    """Return text as a pattern: `…` is anything, times and durations are any of their kind."""
    pattern = ""
    for piece in re.split(r"(…)", text):
        if piece == "…":
            pattern += ".*"
            continue
        at = 0
        marks = sorted(
            (found.start(), found.end(), form.pattern)
            for form in FORMS
            for found in form.finditer(piece)
        )
        for start, end, form in marks:
            pattern += re.escape(piece[at:start]) + f"(?:{form})"
            at = end
        pattern += re.escape(piece[at:])
    return pattern


def environment(home: Path) -> dict[str, str]:
    """Return what a stranger's shell has: an empty home, and the command on its path."""
    home.mkdir()
    programs = Path(sys.executable).parent
    return {
        "HOME": str(home),
        "PATH": f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}",
        "LANG": "C.UTF-8",
        "TERM": "dumb",
    }


def workers_in(folder: Path) -> set[ProcessIdentity]:
    """Return the background workers that were started somewhere below a folder."""
    found = running_with("-m", "drillbook", "worker")
    return {process for process in found if _folder_of(process).startswith(str(folder))}


def _folder_of(process: ProcessIdentity) -> str:
    try:
        return str(Path(f"/proc/{process.pid}/cwd").readlink())
    except OSError:
        return ""
