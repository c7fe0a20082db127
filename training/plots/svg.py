"""The parts that plots share: the drawing with its title, scales, and labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 720
"""Units of a plot's width; the page scales it."""


@dataclass(frozen=True)
class Scale:
    """Map values from low to high to coordinates from start to end."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Return the coordinate of a value."""
        share = (value - self.low) / (self.high - self.low)
        return self.start + (self.end - self.start) * share


def scale_over(values: Sequence[float], start: float, end: float) -> Scale:
    """Return a scale over values, of which all may be equal."""
    low, high = min(values), max(values)
    return Scale(low, high if high > low else low + 1e-9, start, end)


def drawing(
    key: str, title: str, text: str, parts: Sequence[str], *, height: int, width: int = WIDTH
) -> str:
    """Return an SVG with a title and a description.

    Args:
        key: unique on the page.
        title: says what is drawn.
        text: says what the drawing shows.
        parts: its elements.
        height: units.
        width: units.
    """
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" '
        f'aria-labelledby="{escape(key)}-title {escape(key)}-desc">'
        f'<title id="{escape(key)}-title">{escape(title)}</title>'
        f'<desc id="{escape(key)}-desc">{escape(text)}</desc>{"".join(parts)}</svg>'
    )


def label(text: str, x: float, y: float, kind: str = "") -> str:
    """Return a text; its middle is 10 units below y."""
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:.1f}" y="{y + 15:.1f}">{escape(text)}</text>'


def number(value: float) -> str:
    """Return a number with three significant digits.

    >>> number(0.12345), number(1200.0)
    ('0.123', '1,200')
    """
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
