"""How much of a value is read: longer texts and lists are cut.

Features of a shop's fields stay small, whatever its events say.  `transformations/values.sql` cuts
the same.
"""

from collections.abc import Mapping
from typing import Any

LONGEST_TEXT = 8_192
"""Characters of a text or category."""

LONGEST_WORD = 256
"""Characters of an element of a list."""

MOST_WORDS = 256
"""Elements of a list."""

MOST_NUMBERS = 4_096
"""Elements of a vector."""

VARIABLES: Mapping[str, int] = {
    "longest_text": LONGEST_TEXT,
    "longest_word": LONGEST_WORD,
    "most_words": MOST_WORDS,
    "most_numbers": MOST_NUMBERS,
}
"""The limits as variables of SQL."""


def is_cut(value: Any) -> bool:
    """Return whether a value is longer than any type of field reads.

    >>> is_cut("red"), is_cut("r" * 9000), is_cut(["red"] * 5000)
    (False, True, True)
    """
    if isinstance(value, str):
        return len(value) > LONGEST_TEXT
    return isinstance(value, list) and len(value) > MOST_NUMBERS
