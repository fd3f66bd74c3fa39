"""What every line of a file was read as, so that none is lost silently."""

from drillbook.compiler.document import LineKind, ReadLine, Skipped, Span


class Ledger:
    """The lines taken for part of the book, and the reasons why others were not."""

    def __init__(self) -> None:
        self.kinds: dict[int, LineKind] = {}
        self.reasons: dict[int, str] = {}

    def take(self, line: int, end: int, kind: LineKind) -> None:
        """Note that lines (from 0, end excluded) became part of the book."""
        for at in range(line, end):
            self.kinds.setdefault(at, kind)

    def skip(self, line: int, end: int, reason: str) -> None:
        """Note why lines did not become part of the book; the first reason stays."""
        for at in range(line, end):
            self.reasons.setdefault(at, reason)

    def add(self, other: "Ledger") -> None:
        """Take over what another ledger noted."""
        for at, kind in other.kinds.items():
            self.kinds.setdefault(at, kind)
        for at, reason in other.reasons.items():
            self.reasons.setdefault(at, reason)

    def read_lines(self) -> tuple[ReadLine, ...]:
        """Return the lines taken, in order."""
        return tuple(ReadLine(at + 1, self.kinds[at]) for at in sorted(self.kinds))

    def skipped(self, lines: list[str], *, otherwise: str) -> tuple[Skipped, ...]:
        """Return the lines not taken; neighbours with one reason stand together."""
        found: list[Skipped] = []
        start, reason = 0, ""
        for at in range(len(lines) + 1):
            here = self._reason(lines, at, otherwise)
            if here != reason or not here:
                if reason:
                    found.append(_skipped(lines, start, at, reason))
                start, reason = at, here
        return tuple(found)

    def _reason(self, lines: list[str], at: int, otherwise: str) -> str:
        if at >= len(lines) or at in self.kinds or not lines[at].strip():
            return ""
        return self.reasons.get(at, otherwise)


def _skipped(lines: list[str], start: int, end: int, reason: str) -> Skipped:
    return Skipped(Span(start + 1, 1, end), "\n".join(lines[start:end]), reason)
