"""Plots as inline SVG with a title and a description for screen readers.

Colours are CSS variables of the page; lines also have different dashes and end in their names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import count

WIDTH, LABELS, ROW = 720, 210, 30
DASHES = ("", "8 4", "2 4", "10 3 2 3", "1 6")


@dataclass(frozen=True)
class Mark:
    """A figure with its interval, in one row."""

    name: str
    value: float
    low: float
    high: float
    text: str
    main: bool = False


def bars(key: str, title: str, marks: Sequence[Mark]) -> str:
    """Draw a bar from zero for each mark, with the interval as a line on it."""
    top = max((mark.high for mark in marks), default=0.0)
    scale = _Scale(0.0, max(top, 1e-9), LABELS, WIDTH - 80)
    rows = []
    for mark, y in zip(marks, count(4, ROW), strict=False):
        kind, end = "main" if mark.main else "other", scale(mark.value)
        rows.append(
            _name(mark.name, y)
            + f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{end - LABELS:.1f}" height="20"/>'
            + _whisker(scale, mark, y)
            + _label(mark.text, scale(max(mark.high, mark.value)) + 8, y)
        )
    return _svg(key, title, _list(marks), len(marks) * ROW + 4, rows)


def forest(key: str, title: str, marks: Sequence[Mark]) -> str:
    """Draw a dot and its interval for each mark, and a line at zero."""
    ends = [0.0, *(m.low for m in marks), *(m.high for m in marks)]
    scale = _Scale(min(ends), max(*ends, min(ends) + 1e-9), LABELS + 10, WIDTH - 80)
    height, zero = len(marks) * ROW + 4, scale(0.0)
    rows = [f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>']
    for mark, y in zip(marks, count(4, ROW), strict=False):
        rows.append(
            _name(mark.name, y)
            + _whisker(scale, mark, y)
            + f'<circle class="main" cx="{scale(mark.value):.1f}" cy="{y + 10}" r="5"/>'
            + _label(mark.text, WIDTH - 66, y)
        )
    return _svg(key, title, _list(marks), height, rows)


def lines(
    key: str, title: str, at: Sequence[str], series: Mapping[str, Sequence[float]], unit: str
) -> str:
    """Draw a line for each series over the positions `at`, with its name at its end."""
    height, foot = 280, 36
    values = [value for line in series.values() for value in line]
    low, high = min(values), max(values)
    margin = (high - low) * 0.08 or 0.01
    up = _Scale(low - margin, high + margin, height - foot, 10)
    steps = max(len(at) - 1, 1)
    xs = [50 + (WIDTH - 250) * n / steps for n in range(len(at))]
    parts = [*_levels(up, low, high, xs[-1]), *_ticks(at, xs, height, unit)]
    ends = _apart({name: up(line[-1]) for name, line in series.items()})
    for number, (name, line) in enumerate(series.items()):
        points = " ".join(f"{x:.1f},{up(y):.1f}" for x, y in zip(xs, line, strict=True))
        right, y = xs[-1] + 8, ends[name]
        parts += [
            _line(number, points),
            _line(number, f"{right:.1f},{y:.1f} {right + 24:.1f},{y:.1f}"),
            _label(name, right + 30, y - 10),
        ]
    text = "; ".join(
        f"{name} from {line[0]:.3f} to {line[-1]:.3f}" for name, line in series.items()
    )
    return _svg(key, title, f"{text}, {unit} {at[0]} to {at[-1]}.", height, parts)


@dataclass(frozen=True)
class _Scale:
    """Map values from low to high to coordinates from start to end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share


def _svg(key: str, title: str, text: str, height: int, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-labelledby="{key}-title {key}-desc">'
        f'<title id="{key}-title">{escape(title)}</title>'
        f'<desc id="{key}-desc">{escape(text)}</desc>{"".join(parts)}</svg>'
    )


def _name(name: str, y: float) -> str:
    return f'<text x="0" y="{y + 15:.1f}">{escape(name)}</text>'


def _label(text: str, x: float, y: float) -> str:
    return f'<text x="{x:.1f}" y="{y + 15:.1f}">{escape(text)}</text>'


def _whisker(scale: _Scale, mark: Mark, y: float) -> str:
    low, high = scale(mark.low), scale(mark.high)
    return (
        f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 10:.1f}" '
        f'y2="{y + 10:.1f}"/>'
    )


def _list(marks: Sequence[Mark]) -> str:
    return ", ".join(f"{mark.name} {mark.text}" for mark in marks) + "."


def _line(number: int, points: str) -> str:
    kind = number % len(DASHES)
    return f'<polyline class="line c{kind}" points="{points}" stroke-dasharray="{DASHES[kind]}"/>'


def _levels(up: _Scale, low: float, high: float, right: float) -> list[str]:
    """Draw four level lines with their values."""
    levels = [low + (high - low) * n / 3 for n in range(4)] if high > low else [low]
    return [
        f'<line class="grid" x1="50" x2="{right:.1f}" y1="{up(v):.1f}" y2="{up(v):.1f}"/>'
        f'<text x="0" y="{up(v) + 4:.1f}">{v:.3f}</text>'
        for v in levels
    ]


def _ticks(at: Sequence[str], xs: Sequence[float], height: int, unit: str) -> list[str]:
    """Draw the names of the positions; of many positions only some."""
    every = len(at) // 10 + 1
    marks = [
        f'<text class="tick" x="{x:.1f}" y="{height - 20}">{escape(name)}</text>'
        for name, x in list(zip(at, xs, strict=True))[::every]
    ]
    middle = (xs[0] + xs[-1]) / 2
    return [*marks, f'<text class="tick" x="{middle:.1f}" y="{height - 4}">{escape(unit)}</text>']


def _apart(ends: Mapping[str, float], gap: float = 16) -> dict[str, float]:
    """Return coordinates of names, moved down where they would overlap."""
    moved: dict[str, float] = {}
    last = -gap
    for name, y in sorted(ends.items(), key=lambda end: end[1]):
        last = moved[name] = max(y, last + gap)
    return moved
