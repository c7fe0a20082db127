"""Families of features: what a column's name says before the two underscores."""

from collections.abc import Iterable


def families(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Family → its columns, in order.

    >>> families(["rate__item_all", "slate__size", "rate__item_1d"])
    {'rate': ('rate__item_all', 'rate__item_1d'), 'slate': ('slate__size',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        family = column.partition("__")[0]
        found[family] = (*found.get(family, ()), column)
    return found
