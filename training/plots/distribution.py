"""The distribution of some values, with one value marked."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from training.plots.plot import Plot, Table
from training.plots.svg import WIDTH, drawing, label, number, scale_over

BINS, HEIGHT, FOOT = 20, 140, 30


def distribution(
    key: str, title: str, values: Sequence[float], marked: float | None = None, name: str = ""
) -> Plot:
    """Draw a histogram of values; those that are missing (NaN) are counted in the description.

    Args:
        key: unique on the page.
        title: says what is drawn.
        values: N.
        marked: one value, with a line; None for no line.
        name: of the marked value.
    """
    numbers = np.asarray(values, np.float64)
    measured = numbers[np.isfinite(numbers)]
    missing, bins = numbers.size - measured.size, _bins(measured)
    rows = [[f"{number(low)} to {number(high)}", str(count)] for low, high, count in bins]
    table = Table(title, ["Values", "Count"], [*rows, ["missing", str(missing)]])
    text = f"{measured.size} values, {missing} missing."
    if not measured.size:
        return Plot(drawing(key, title, text, [label(text, 0, 0)], height=FOOT), table)
    text = f"{text[:-1]}, median {number(float(np.median(measured)))}."
    ends = [bins[0][0], bins[-1][1], *([] if marked is None else [marked])]
    x, tallest = scale_over(ends, 4, WIDTH - 4), max(count for *_, count in bins)
    parts = [
        f'<rect class="other" x="{x(low):.1f}" y="{HEIGHT - FOOT - height:.1f}" '
        f'width="{max(x(high) - x(low) - 1, 1):.1f}" height="{height:.1f}"/>'
        for low, high, count in bins
        if (height := (HEIGHT - FOOT - 22) * count / tallest)
    ]
    parts += [
        f'<text x="0" y="{HEIGHT - 8}">{number(min(ends))}</text>',
        f'<text class="end" x="{WIDTH}" y="{HEIGHT - 8}">{number(max(ends))}</text>',
    ]
    if marked is not None:
        text += f" {name} has {number(marked)}."
        at = x(marked)
        kind = "end" if at > WIDTH / 2 else ""
        parts += [
            f'<line class="interval" x1="{at:.1f}" x2="{at:.1f}" y1="18" y2="{HEIGHT - FOOT}"/>',
            label(f"{name} {number(marked)}", at, -2, kind),
        ]
    return Plot(drawing(key, title, text, parts, height=HEIGHT), table)


def _bins(measured: npt.NDArray[np.float64]) -> list[tuple[float, float, int]]:
    """Return the ends of each bin, and how many values it has; no bins without values."""
    if not measured.size:
        return []
    counts, edges = np.histogram(measured, BINS)
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True))
