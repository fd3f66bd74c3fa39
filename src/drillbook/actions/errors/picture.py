"""A picture of what became worse: bad requests over time, the onset, and what was changed."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape

from drillbook.analysis.culprit import Judgement, Trouble
from drillbook.analysis.onset.finding import Onset
from drillbook.core.incident import Change

WIDTH, HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 40, 84
_BINS = 60
_BEFORE, _LEAST = 3.0, 120.0
_MOST_CHANGES = 6
_LONGEST = 44


def picture(trouble: Trouble, judged: Judgement, changes: Sequence[Change], now: float) -> bytes:
    """Return an SVG: the share of bad requests, the interval of the onset, and the changes."""
    onset = judged.onset or trouble.onset
    length = max(_LEAST, _BEFORE * (now - onset.at))
    start = now - length
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">'
        ),
        f"<title>{escape(judged.says)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fcfcfa"/>',
        (
            f'<text x="{_LEFT}" y="20" font-size="12" fill="#b02020">bad requests, per cent; '
            "shaded: when it began (95 %)</text>"
        ),
        *_onset(onset, start, length),
        *_axis(start, length),
        *_bars(trouble, start, length),
        *_changes(changes, start, length),
        "</svg>",
    ]
    return "\n".join(parts).encode()


def _x(at: float, start: float, length: float) -> float:
    part = min(1.0, max(0.0, (at - start) / length))
    return _LEFT + part * (WIDTH - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)


def _onset(onset: Onset, start: float, length: float) -> Iterator[str]:
    left, right = (_x(at, start, length) for at in (onset.earliest, onset.latest))
    yield (
        f'<rect x="{left:.1f}" y="{_TOP}" width="{max(2.0, right - left):.1f}" '
        f'height="{HEIGHT - _TOP - _BOTTOM}" fill="#f0d9a8"/>'
    )


def _axis(start: float, length: float) -> Iterator[str]:
    for share in (0.0, 0.5, 1.0):
        y = _y(share)
        yield (
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            'stroke="#dcdcd8"/>'
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#6c727a">'
            f"{share:.0%}</text>"
        )
    for part in (0.0, 0.5, 1.0):
        at = datetime.fromtimestamp(start + part * length, UTC)
        anchor = {0.0: "start", 0.5: "middle", 1.0: "end"}[part]
        yield (
            f'<text x="{_x(start + part * length, start, length):.0f}" y="{HEIGHT - _BOTTOM + 14}" '
            f'text-anchor="{anchor}" fill="#6c727a">{at:%H:%M:%S} UTC</text>'
        )


def _bars(trouble: Trouble, start: float, length: float) -> Iterator[str]:
    every, bad = [0] * _BINS, [0] * _BINS
    for requests, counts in (
        ((*trouble.before, *trouble.since), every),
        ((*trouble.before_bad, *trouble.bad), bad),
    ):
        for one in requests:
            if start <= one.at < start + length:
                counts[int((one.at - start) / length * _BINS)] += 1
    width = (WIDTH - _LEFT - _RIGHT) / _BINS
    for place, (count, wrong) in enumerate(zip(every, bad, strict=True)):
        if wrong:
            y = _y(wrong / max(count, wrong))
            yield (
                f'<rect x="{_LEFT + place * width:.1f}" y="{y:.1f}" width="{width - 1:.1f}" '
                f'height="{HEIGHT - _BOTTOM - y:.1f}" fill="#b02020"/>'
            )


def _changes(changes: Sequence[Change], start: float, length: float) -> Iterator[str]:
    shown = [one for one in changes if one.at.timestamp() >= start][-_MOST_CHANGES:]
    for row, one in enumerate(shown):
        x = _x(one.at.timestamp(), start, length)
        y = HEIGHT - _BOTTOM + 26 + 9 * row
        anchor = "end" if x > WIDTH / 2 else "start"
        yield (
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{y}" stroke="#2d5aa0" '
            'stroke-dasharray="4 3"/>'
            f'<text x="{x:.1f}" y="{y + 3}" font-size="9" text-anchor="{anchor}" fill="#2d5aa0">'
            f"{escape(f'{one.kind}: {one.subject}'[:_LONGEST])}</text>"
        )
