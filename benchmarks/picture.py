"""
Draw a real run as it looks in a terminal: `python -m benchmarks.picture FOLDER RUN -o FILE.svg`.

FOLDER is where the run was started; `DRILLBOOK_HOME` names its home, where that lies elsewhere.
Nothing is invented: the lines are what `drillbook watch RUN` prints on a terminal; those of tasks
are cut to the width of the picture, and how it ended is not.
"""

import argparse
import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

COLUMNS = 94
# Fonts are not fetched from anywhere: the reader's own monospace is as good.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
LIGHT = TerminalTheme(
    (252, 252, 250),
    (45, 50, 58),
    [
        (45, 50, 58), (176, 32, 32), (26, 112, 60), (146, 92, 0),
        (24, 92, 168), (128, 60, 140), (0, 108, 122), (108, 114, 122),
    ],
    [
        (108, 114, 122), (176, 32, 32), (26, 112, 60), (146, 92, 0),
        (24, 92, 168), (128, 60, 140), (0, 108, 122), (45, 50, 58),
    ],
)  # fmt: skip


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("run")
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--typed", default="", help="the command shown above the output")
    parser.add_argument("--title", default="drillbook")
    given = parser.parse_args()
    lines = watched(given.folder, given.run)
    typed = given.typed or f"drillbook watch {given.run}"
    given.output.write_text(picture([f"$ {typed}", *lines], given.title), encoding="utf-8")


def watched(folder: Path, run: str) -> list[str]:
    """Return the coloured lines a terminal shows of a run that has ended."""
    said = bytearray()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "400", "LINES": "60"}
        os.execv(sys.executable, [sys.executable, "-m", "drillbook", "watch", run])
    while True:
        try:
            read = os.read(terminal, 65536)
        except OSError:  # on Linux the end of a terminal is an error
            break
        if not read:
            break
        said += read
    os.waitpid(child, 0)
    os.close(terminal)
    return said.decode("utf-8", "replace").replace("\r\n", "\n").rstrip("\n").split("\n")


def picture(lines: list[str], title: str) -> str:
    """Return the lines as SVG."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True)
        for line in lines:
            text = Text.from_ansi(line)
            if line_of_the_run(text):
                text.truncate(COLUMNS, overflow="ellipsis")
            console.print(text, overflow="fold", highlight=False)
        drawn = console.export_svg(title=title, theme=LIGHT, unique_id="drillbook")
    return FONT_FACE.sub("", drawn).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def line_of_the_run(text: Text) -> bool:
    """Tell the lines with a time of the day from those that say how it ended."""
    return text.plain[:1].isdigit()


if __name__ == "__main__":
    main()
