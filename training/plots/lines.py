"""Lines over common positions."""

import math
from collections.abc import Mapping, Sequence
from html import escape

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, Scale, drawing, label, number

DASHES = ("", "8 4", "2 4", "10 3 2 3", "1 6")
HEIGHT, FOOT = 280, 36
_LETTER = 7
"""Units of a letter's width."""


def lines(
    key: str, title: str, at: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> Plot:
    """Draw a line for each series over the positions `at`, with its name at its end."""
    values = [value for line in series.values() for value in line]
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or 0.01
    up = Scale(low - margin, high + margin, HEIGHT - FOOT, 10)
    steps = max(len(at) - 1, 1)
    xs = [50 + (WIDTH - 250) * n / steps for n in range(len(at))]
    parts = [*_levels(up, low, high, xs[-1]), *_ticks(at, xs, unit)]
    ends = _apart({name: up(line[-1]) for name, line in series.items()})
    for n, (name, line) in enumerate(series.items()):
        points = " ".join(f"{x:.1f},{up(y):.1f}" for x, y in zip(xs, line, strict=True))
        right, y = xs[-1] + 8, ends[name]
        parts += [
            _line(n, points),
            _line(n, f"{right:.1f},{y:.1f} {right + 24:.1f},{y:.1f}"),
            label(name, right + 30, y - 10),
        ]
    text = "; ".join(
        f"{name} from {number(line[0])} to {number(line[-1])}" for name, line in series.items()
    )
    text = f"{text}, {unit} {at[0]} to {at[-1]}."
    rows = [[name, *map(number, line)] for name, line in series.items()]
    return Plot(
        drawing(key, title, text, parts, height=HEIGHT),
        Table(title, [unit.capitalize(), *at], rows),
    )


def _line(n: int, points: str) -> str:
    kind = n % len(DASHES)
    return f'<polyline class="line c{kind}" points="{points}" stroke-dasharray="{DASHES[kind]}"/>'


def _levels(up: Scale, low: float, high: float, right: float) -> list[str]:
    """Draw four level lines with their values."""
    levels = [low + (high - low) * n / 3 for n in range(4)] if high > low else [low]
    return [
        f'<line class="grid" x1="50" x2="{right:.1f}" y1="{up(v):.1f}" y2="{up(v):.1f}"/>'
        f'<text x="0" y="{up(v) + 4:.1f}">{number(v)}</text>'
        for v in levels
    ]


def _ticks(at: Sequence[str], xs: Sequence[float], unit: str) -> list[str]:
    """Draw the names of the positions; of many positions only some."""
    room = (xs[-1] - xs[0]) / max(len(xs) - 1, 1)
    every = max(1, math.ceil((max(map(len, at)) + 2) * _LETTER / max(room, 1)))
    marks = [
        f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 20}">{escape(name)}</text>'
        for name, x in list(zip(at, xs, strict=True))[::every]
    ]
    middle = (xs[0] + xs[-1]) / 2
    return [*marks, f'<text class="tick" x="{middle:.1f}" y="{HEIGHT - 4}">{escape(unit)}</text>']


def _apart(ends: Mapping[str, float], gap: float = 16) -> dict[str, float]:
    """Return coordinates of names, moved down where they would overlap."""
    moved: dict[str, float] = {}
    last = -gap
    for name, y in sorted(ends.items(), key=lambda end: end[1]):
        last = moved[name] = max(y, last + gap)
    return moved
