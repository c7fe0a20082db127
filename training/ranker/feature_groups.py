"""Groups of features, by the prefix of the column name."""

from collections.abc import Iterable, Sequence

_USER_GROUPS = (
    *("user_engagement", "user_recent", "user_attributes", "user_first_seen", "user"),
    *("taste", "history", "session", "purchases"),
)
_USER_PRICES = ("to_clicked", "to_ignored", "off_band", "to_user_order")
"""Features of the group `price` that compare a price with the prices that the user saw."""

_INCREASING = (
    "rate__item_",
    "rate__query_item_",
    "taste__lift",
    "text__match",
    "text__tokens_covered",
    "text__title_covered",
    "query_item__weight",
)
"""Columns whose increase cannot make an item less relevant."""


def group_features(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return each group's columns, in order; a group is the name before the two underscores.

    >>> group_features(["rate__item_all", "slate__size", "rate__item_1d"])
    {'rate': ('rate__item_all', 'rate__item_1d'), 'slate': ('slate__size',)}
    """
    groups: dict[str, tuple[str, ...]] = {}
    for column in columns:
        group = column.partition("__")[0]
        groups[group] = (*groups.get(group, ()), column)
    return groups


def is_user_feature(column: str) -> bool:
    """Return whether a column describes the user or the current visit.

    >>> [*map(is_user_feature, ["taste__lift", "rate__user_1d", "price__off_band", "text__words"])]
    [True, True, True, False]
    """
    group, _, name = column.partition("__")
    return group in _USER_GROUPS or name.startswith("user_") or name in _USER_PRICES


def monotone_constraints(columns: Sequence[str]) -> tuple[int, ...]:
    """Return 1 for each column that can only raise the score, else 0.

    With these constraints, noise cannot teach the trees that a better click rate or a closer match
    is worse.

    >>> monotone_constraints(["rate__item_7d", "item_attributes__price"])
    (1, 0)
    """
    return tuple(int(column.startswith(_INCREASING)) for column in columns)
