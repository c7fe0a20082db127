"""Families of features: what a column's name says before the two underscores."""

from collections.abc import Iterable

from feature_repo.views import all_views

_OF_THE_USER = ("user", "taste", "history", "session")
"""Families of request features that describe the user."""

_AGAINST_THE_USER = ("to_clicked", "to_ignored", "off_band", "to_user_order")
"""Of the family `price`: a candidate's price against those the user met."""


def group_features(columns: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Family → its columns, in order.

    >>> group_features(["rate__item_all", "slate__size", "rate__item_1d"])
    {'rate': ('rate__item_all', 'rate__item_1d'), 'slate': ('slate__size',)}
    """
    found: dict[str, tuple[str, ...]] = {}
    for column in columns:
        family = column.partition("__")[0]
        found[family] = (*found.get(family, ()), column)
    return found


def is_user_feature(column: str) -> bool:
    """Whether a column says something of the user or of the visit under way.

    >>> [*map(is_user_feature, ["taste__lift", "rate__user_1d", "price__off_band", "text__words"])]
    [True, True, True, False]
    """
    family, _, name = column.partition("__")
    user_views = [spec.name for spec in all_views() if spec.entity == "user"]
    return (
        family in (*_OF_THE_USER, *user_views)
        or name.startswith("user_")
        or name in _AGAINST_THE_USER
    )
