"""Draw costs by size as an SVG picture: a panel for each measure, both axes logarithmic."""

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10
from pathlib import Path
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, GAP = 260, 200, 60, 50, 90
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")

Lines = Mapping[str, Mapping[float, float]]
"""Contestant → size → cost."""


def draw(path: Path, title: str, across: str, panels: Mapping[str, Lines]) -> Path:
    """Draw the picture and write it.

    Args:
        path: the SVG file.
        title: above all panels.
        across: label of the sizes.
        panels: measure with its unit → lines; sizes and costs are above 0.

    Returns:
        The path.
    """
    wide = LEFT + len(panels) * (WIDTH + GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide}" height="{HEIGHT + 130}"'
        ' font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        _text(LEFT, 20, title, size=15),
    ]
    for index, (measure, lines) in enumerate(panels.items()):
        parts += _panel(LEFT + index * (WIDTH + GAP), measure, across, lines)
    names = list(dict.fromkeys(name for lines in panels.values() for name in lines))
    for index, name in enumerate(names):
        parts.append(_text(LEFT + 120 * index, HEIGHT + 115, name, COLOURS[index], size=13))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([*parts, "</svg>\n"]))
    return path


def _panel(left: float, measure: str, across: str, lines: Lines) -> list[str]:
    sizes = sorted({size for line in lines.values() for size in line})
    costs = [cost for line in lines.values() for cost in line.values()]
    low, high = floor(log10(min(costs))), ceil(log10(max(costs)))
    first, last = log10(sizes[0]), log10(sizes[-1])

    def x(size: float) -> float:
        return left + WIDTH * (log10(size) - first) / ((last - first) or 1)

    def y(cost: float) -> float:
        return TOP + HEIGHT * (1 - (log10(cost) - low) / ((high - low) or 1))

    parts = [_text(left, TOP - 8, measure), _text(left, TOP + HEIGHT + 38, across)]
    for power in range(low, high + 1):
        parts += _rule((left, y(10.0**power)), (left + WIDTH, y(10.0**power)))
        parts.append(_text(left - 6, y(10.0**power) + 4, f"{10.0**power:g}", anchor="end"))
    for size in sizes:
        parts += _rule((x(size), TOP), (x(size), TOP + HEIGHT))
        parts.append(_text(x(size), TOP + HEIGHT + 16, f"{size:,.0f}", anchor="middle"))
    for colour, line in zip(COLOURS, lines.values(), strict=False):
        parts += _line([(x(size), y(cost)) for size, cost in sorted(line.items())], colour)
    return parts


def _line(points: Sequence[tuple[float, float]], colour: str) -> list[str]:
    corners = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return [
        f'<polyline points="{corners}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in points),
    ]


def _rule(start: tuple[float, float], end: tuple[float, float]) -> list[str]:
    (x1, y1), (x2, y2) = start, end
    return [f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" stroke="#ddd"/>']


def _text(
    x: float, y: float, text: str, colour: str = "#222", anchor: str = "start", size: int = 12
) -> str:
    attributes = (
        f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}" font-size="{size}"'
    )
    return f"<text {attributes}>{escape(text)}</text>"
