"""Features of which it is known that more of them cannot make an item less wanted.

Trees held to these directions (monotone constraints) do not learn from chance that a better click
rate or a closer match is worse.
"""

from collections.abc import Sequence

INCREASING = (
    "rate__item_",
    "rate__query_item_",
    "taste__lift",
    "text__match",
    "text__tokens_covered",
    "text__title_covered",
    "query_item__weight",
)
"""Beginnings of the names of columns."""


def directions(columns: Sequence[str]) -> tuple[int, ...]:
    """For each column 1 where it is known to raise the score, else 0.

    >>> directions(["rate__item_7d", "item_attributes__price"])
    (1, 0)
    """
    return tuple(int(column.startswith(INCREASING)) for column in columns)
