"""The types of interactions that features count, and the type that a sender probably meant."""

import re
from collections.abc import Iterable

from feature_repo.events.contract import OTHER_TYPES, POSITIVE_TYPES
from feature_repo.home import nearest_name
from feature_repo.views import EMPTY_SEARCH, IMPRESSION, SEARCH, counter_views

_WORDS = {
    "purchase": "purchase purchased buy bought order ordered sale sold transaction",
    "add_to_cart": "cart basket bag trolley",
    "click": "click clicked tap tapped select selected",
    "view": "view viewed pageview",
}
"""Type → words in the names that other systems have for it."""

_UNDONE = re.compile(r"(remove|delete|cancel|refund|return|start|abandon|fail|empt)(d|l?ed|ied|y)?")
"""Words of names that say the opposite."""


def counted_types() -> frozenset[str]:
    """Return the types that features count, those of installed views included, and Aisle's own."""
    measured = {what for view in counter_views() for m in view.measures.values() for what in m.of}
    return frozenset(
        {*measured, *POSITIVE_TYPES, *OTHER_TYPES} - {IMPRESSION, SEARCH, EMPTY_SEARCH}
    )


def meant_type(name: str, types: Iterable[str]) -> str | None:
    """Return the type that a name probably means; None if it may mean anything.

    >>> [meant_type(name, ["click", "purchase"]) for name in ("Purchase", "product_clicked")]
    ['purchase', 'click']
    >>> meant_type("removeFromCart", ["add_to_cart"])
    """
    listed = sorted(types)
    nearest = nearest_name(name, listed)
    if nearest is not None:
        return nearest
    parts = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()
    words = {word for word in re.split(r"[\W_]+", parts) if word}
    if any(map(_UNDONE.fullmatch, words)):
        return None
    return next(
        (type_ for type_, own in _WORDS.items() if type_ in listed and words & {*own.split()}), None
    )
