"""A line without axes, as small as a word."""

from collections.abc import Sequence

from training.plots.plot import Plot, Table
from training.plots.svg import drawing, number, scale_over

WIDTH, HEIGHT, EDGE = 160, 32, 4


def sparkline(key: str, title: str, at: Sequence[str], values: Sequence[float]) -> Plot:
    """Draw N values in their order, with a dot at the last.

    Args:
        key: unique on the page.
        title: says what is drawn.
        at: N names of the positions.
        values: N, at least one.
    """
    up = scale_over(values, HEIGHT - EDGE, EDGE)
    step = (WIDTH - 2 * EDGE) / max(len(values) - 1, 1)
    points = [(EDGE + step * n, up(value)) for n, value in enumerate(values)]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    x, y = points[-1]
    parts = [
        f'<polyline class="line c0" points="{drawn}"/>',
        f'<circle class="main" cx="{x:.1f}" cy="{y:.1f}" r="3"/>',
    ]
    text = (
        f"{number(values[0])} at {at[0]}, {number(values[-1])} at {at[-1]}; "
        f"lowest {number(min(values))}, highest {number(max(values))}."
    )
    rows = [[name, number(value)] for name, value in zip(at, values, strict=True)]
    return Plot(
        drawing(key, title, text, parts, height=HEIGHT, width=WIDTH),
        Table(title, ["At", "Value"], rows),
    )
