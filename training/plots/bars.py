"""Bars and dots with intervals, one in each row."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, Scale, drawing, label, number

LABELS, ROW = 210, 30


@dataclass(frozen=True)
class Mark:
    """A figure with its interval, in one row; without one, `low` and `high` are None."""

    name: str
    value: float
    low: float | None
    high: float | None
    text: str
    main: bool = False

    @property
    def ends(self) -> tuple[float, ...]:
        """The numbers that a drawing must have room for."""
        return (self.value, *(end for end in (self.low, self.high) if end is not None))


def bars(key: str, title: str, marks: Sequence[Mark]) -> Plot:
    """Draw a bar from zero for each mark, with the interval as a line on it."""
    top = max((max(mark.ends) for mark in marks), default=0.0)
    scale = Scale(0.0, max(top, 1e-9), LABELS, WIDTH - 80)
    rows = []
    for mark, y in zip(marks, count(4, ROW), strict=False):
        kind, end = "main" if mark.main else "other", scale(mark.value)
        rows.append(
            label(mark.name, 0, y)
            + f'<rect class="{kind}" x="{LABELS}" y="{y}" width="{end - LABELS:.1f}" height="20"/>'
            + _whisker(scale, mark, y)
            + label(mark.text, scale(max(mark.ends)) + 8, y)
        )
    return _plot(key, title, marks, rows)


def forest(key: str, title: str, marks: Sequence[Mark], labels: int = LABELS) -> Plot:
    """Draw a dot and its interval for each mark, and a line at zero; names take `labels` units."""
    ends = [0.0, *(end for mark in marks for end in mark.ends)]
    scale = Scale(min(ends), max(*ends, min(ends) + 1e-9), labels + 10, WIDTH - 80)
    height, zero = len(marks) * ROW + 4, scale(0.0)
    rows = [f'<line class="axis" x1="{zero:.1f}" x2="{zero:.1f}" y1="0" y2="{height}"/>']
    for mark, y in zip(marks, count(4, ROW), strict=False):
        rows.append(
            label(mark.name, 0, y)
            + _whisker(scale, mark, y)
            + f'<circle class="main" cx="{scale(mark.value):.1f}" cy="{y + 10}" r="5"/>'
            + label(mark.text, WIDTH - 66, y)
        )
    return _plot(key, title, marks, rows)


def _plot(key: str, title: str, marks: Sequence[Mark], parts: Sequence[str]) -> Plot:
    text = ", ".join(f"{mark.name} {mark.text}" for mark in marks) + "."
    rows = [
        [m.name, m.text, *("–" if end is None else number(end) for end in (m.low, m.high))]
        for m in marks
    ]
    return Plot(
        drawing(key, title, text, parts, height=len(marks) * ROW + 4),
        Table(title, ["Name", "Value", "From", "To"], rows),
    )


def _whisker(scale: Scale, mark: Mark, y: float) -> str:
    if mark.low is None or mark.high is None:
        return ""
    low, high = scale(mark.low), scale(mark.high)
    return (
        f'<line class="interval" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 10:.1f}" '
        f'y2="{y + 10:.1f}"/>'
    )
