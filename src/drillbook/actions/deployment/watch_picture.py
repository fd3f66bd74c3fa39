"""A picture of the evidence over time, for people who read the record later."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import log

from drillbook.analysis.sequential.judging import FALSE_ALARMS

WIDTH, HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 44, 36
_HIGHEST, _LOWEST = 4.0, -2.0  # powers of ten; what lies beyond is drawn at the edge


@dataclass(frozen=True, slots=True)
class Moment:
    """The evidence at one look, by natural logarithms."""

    seconds: float
    log_worse: float
    log_harmless: float


def picture(moments: Sequence[Moment], says: str) -> bytes:
    """Return an SVG of the evidence for "worse" and for "not harmfully worse" over time."""
    longest = max((moment.seconds for moment in moments), default=0.0) or 1.0
    limit = -log(FALSE_ALARMS) / log(10)
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">'
        ),
        f"<title>{escape(says)}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fcfcfa"/>',
        '<text x="56" y="18" font-size="12" fill="#b02020">worse than before</text>',
        '<text x="176" y="18" font-size="12" fill="#1a703c">not harmfully worse</text>',
        f'<text x="56" y="34" fill="#6c727a">e-value; {10**limit:.0f} decides</text>',
    ]
    for power in range(int(_LOWEST), int(_HIGHEST) + 1):
        y = _y(power)
        how = 'stroke="#dcdcd8"'
        if abs(power - limit) < 0.5:  # noqa: PLR2004 - the line that decides
            how = 'stroke="#2d323a" stroke-dasharray="6 3"'
        parts.append(
            f'<line x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" '
            f"{how}/>"
            f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end" fill="#6c727a">'
            f"{10.0**power:g}</text>"
        )
    for part in (0.0, 0.5, 1.0):
        x = _LEFT + part * (WIDTH - _LEFT - _RIGHT)
        parts.append(
            f'<text x="{x:.0f}" y="{HEIGHT - 14}" text-anchor="middle" fill="#6c727a">'
            f"{_time(part * longest)}</text>"
        )
    worse = [(moment.seconds / longest, moment.log_worse) for moment in moments]
    harmless = [(moment.seconds / longest, moment.log_harmless) for moment in moments]
    parts += [_line(worse, "#b02020"), _line(harmless, "#1a703c"), "</svg>"]
    return "\n".join(parts).encode()


def _y(power: float) -> float:
    inside = min(_HIGHEST, max(_LOWEST, power))
    return _TOP + (_HIGHEST - inside) / (_HIGHEST - _LOWEST) * (HEIGHT - _TOP - _BOTTOM)


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    places = " ".join(
        f"{_LEFT + part * (WIDTH - _LEFT - _RIGHT):.1f},{_y(value / log(10)):.1f}"
        for part, value in points
    )
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 180 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - s
