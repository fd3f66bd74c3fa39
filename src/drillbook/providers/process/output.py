"""Output of commands made fit to show: whole lines, secrets scrubbed, never too long."""

import codecs
from collections.abc import Callable

from drillbook.core.secret import scrub

LONGEST_LINE = 8192
# Scrubbed as a whole before it is cut, so that a cut never leaves half a secret.
LINE_LIMIT = 65536


class Lines:
    """Pieces of output in, whole lines out."""

    def __init__(self, show: Callable[[str], None]) -> None:
        self._show = show
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._cutting = False

    def add(self, piece: bytes, *, final: bool = False) -> None:
        """Take a piece; show the lines it completes."""
        *lines, rest = (self._rest + self._decoder.decode(piece, final)).split("\n")
        for line in lines:
            self._line(line)
        self._rest = rest
        if len(self._rest) > LINE_LIMIT:
            self._line(self._rest)
            self._rest = ""
            self._cutting = True
        if final and self._rest:
            self._line(self._rest)
            self._rest = ""

    def _line(self, line: str) -> None:
        if self._cutting:
            # The rest of a line whose beginning was shown.
            self._cutting = False
            return
        text = scrub(line.rstrip("\r"))
        if len(text) > LONGEST_LINE:
            text = f"{text[:LONGEST_LINE]}… (cut)"
        self._show(text)


def tail_text(tail: bytes, *, whole: bool) -> str:
    """Return the end of the output as text; a line whose beginning is missing is left out."""
    text = scrub(tail.decode(errors="replace"))
    if whole:
        return text
    # The first line may begin within a secret, which nobody could recognise.
    return "… " + text.partition("\n")[2]
