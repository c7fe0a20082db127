"""Stations in columns from left to right, such as what a table is computed from."""

from collections.abc import Mapping, Sequence

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, drawing, label

ROW, HEAD, GAP, LETTERS = 30, 26, 26, 17


def chain(key: str, title: str, stations: Mapping[str, Sequence[str]]) -> Plot:
    """Draw a column of boxes for each station, and an arrow from each column to the next.

    Args:
        key: unique on the page.
        title: says what is drawn.
        stations: by name of the column, the names of its boxes; a column without boxes is left out.
    """
    columns = {name: boxes for name, boxes in stations.items() if boxes}
    slot = (WIDTH + GAP) / len(columns)
    height = HEAD + ROW * max(map(len, columns.values())) + 4
    middle = (HEAD + height) / 2
    parts = []
    for n, (name, boxes) in enumerate(columns.items()):
        x, width = slot * n, slot - GAP
        top = middle - ROW * len(boxes) / 2
        parts.append(label(name, x, 0))
        if n:
            parts.append(_arrow(x - GAP + 3, x - 3, middle))
        for row, box in enumerate(boxes):
            y = top + ROW * row
            parts += [
                f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
                f'height="{ROW - 6}"/>',
                label(_shortened(box), x + 5, y + 2, "small"),
            ]
    text = "; then ".join(f"{name}: {', '.join(boxes)}" for name, boxes in columns.items())
    rows = [[name, ", ".join(boxes)] for name, boxes in columns.items()]
    return Plot(
        drawing(key, title, f"{text}.", parts, height=height),
        Table(title, ["Stage", "Names"], rows),
    )


def _arrow(start: float, end: float, y: float) -> str:
    return (
        f'<polyline class="line c4" points="{start:.1f},{y:.1f} {end:.1f},{y:.1f}"/>'
        f'<polyline class="line c4" points="{end - 6:.1f},{y - 5:.1f} {end:.1f},{y:.1f} '
        f'{end - 6:.1f},{y + 5:.1f}"/>'
    )


def _shortened(text: str) -> str:
    return text if len(text) <= LETTERS else f"{text[: LETTERS - 1]}…"
