"""Pictures of items without an image: an SVG drawn from the item's attributes.

Items of a category have the same shape and background, and a value that names a color gives it to
the shape.  So a shopper can tell a red lamp from a blue shoe, and equal items look equal.
"""

import hashlib
from collections.abc import Sequence

COLORS = {
    "black": "#2b2b30",
    "white": "#f7f7f4",
    "gray": "#8d8f96",
    "grey": "#8d8f96",
    "silver": "#b9bdc6",
    "gold": "#c8a13a",
    "brown": "#7a5236",
    "beige": "#d8c7a3",
    "red": "#c63a3a",
    "orange": "#e07b2a",
    "yellow": "#e3c22d",
    "green": "#3f8f4f",
    "blue": "#3268b5",
    "navy": "#22345f",
    "purple": "#7b4aa5",
    "pink": "#d9749f",
    "rot": "#c63a3a",
    "blau": "#3268b5",
    "grün": "#3f8f4f",
    "gelb": "#e3c22d",
    "schwarz": "#2b2b30",
    "weiß": "#f7f7f4",
    "rouge": "#c63a3a",
    "bleu": "#3268b5",
    "vert": "#3f8f4f",
    "noir": "#2b2b30",
}

_SHAPES = (
    '<circle cx="80" cy="60" r="38"/>',
    '<rect x="42" y="26" width="76" height="68" rx="14"/>',
    '<path d="M80 18 124 98H36Z"/>',
    '<path d="M80 18 118 40v40L80 102 42 80V40Z"/>',
    '<path d="M44 34q36-24 72 0v44q-36 36-72 0Z"/>',
    '<path d="M80 16q44 50 26 76-26 22-52 0Q36 66 80 16Z"/>',
    '<path d="M52 22h56l16 76H36Z"/>',
    '<path d="M36 74q6-44 44-44t44 44v20H36Z"/>',
)
_ACCENTS = (
    '<circle cx="80" cy="60" r="12"/>',
    '<path d="M52 50h56v5H52ZM52 65h56v5H52Z"/>',
    '<path d="M60 50l20 18 20-18v12L80 80 60 62Z"/>',
    '<circle cx="66" cy="56" r="7"/><circle cx="94" cy="56" r="7"/>',
    '<rect x="68" y="48" width="24" height="24" rx="3"/>',
    '<path d="M62 72q18-26 36 0Z"/>',
)


def picture(title: str, values: Sequence[str]) -> str:
    """Return the SVG of an item.

    Args:
        title: the item's title, or its id.
        values: of its categories and lists, in the order of the shop's declaration.
    """
    first = next(filter(None, values), "")
    kind, detail = _number(first), _number("\x1f".join([title, *values]))
    words = " ".join(values).casefold().split()
    named = next((COLORS[word] for word in words if word in COLORS), None)
    fill = named or f"hsl({detail % 360} 42% 46%)"
    accent = f"hsl({(kind + 180) % 360} 30% 88%)"
    return (
        '<svg class="picture" viewBox="0 0 160 120" aria-hidden="true" focusable="false">'
        f'<rect width="160" height="120" fill="hsl({kind % 360} 34% 84%)"/>'
        f'<g fill="{fill}" stroke="#33343a" stroke-opacity=".35">{_of(_SHAPES, kind // 360)}</g>'
        f'<g fill="{accent}">{_of(_ACCENTS, detail // 360)}</g></svg>'
    )


def _of(parts: Sequence[str], number: int) -> str:
    return parts[number % len(parts)]


def _number(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
