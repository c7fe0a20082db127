"""Every family of request features, in the order of the matrix's columns.

A family belongs to the feature services that name it: a ranker reads the families of its own
service, so that a new family changes no other ranker.
"""

from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature
from types import FunctionType

from feature_repo.home import extension_error, extensions
from feature_repo.request_features.context import RatePrior, RequestContext
from feature_repo.request_features.families.ages import ages
from feature_repo.request_features.families.block import Columns
from feature_repo.request_features.families.calendar import calendar
from feature_repo.request_features.families.funnel import funnel
from feature_repo.request_features.families.history import history
from feature_repo.request_features.families.market import market
from feature_repo.request_features.families.percentiles import percentiles
from feature_repo.request_features.families.price import price
from feature_repo.request_features.families.purchases import purchases
from feature_repo.request_features.families.query_items import query_items
from feature_repo.request_features.families.rates import rates
from feature_repo.request_features.families.session import session
from feature_repo.request_features.families.slate import slate
from feature_repo.request_features.families.sources import sources
from feature_repo.request_features.families.stored import stored
from feature_repo.request_features.families.taste import taste
from feature_repo.request_features.families.tenure import tenure
from feature_repo.request_features.families.text_match import text_match
from feature_repo.request_features.families.trend import trend
from feature_repo.request_features.families.user_attributes import user_attributes
from feature_repo.request_features.families.vectors import vectors
from feature_repo.request_features.families.view_numbers import view_numbers
from feature_repo.shop import Shop
from feature_repo.views import PURCHASE_SERVICE, RANKING_SERVICE

GROUP = "aisle.request_features"
"""The entry point group of families in installed packages."""

Family = Callable[[RequestContext, Shop, RatePrior], Columns]

_RANKING: tuple[Family, ...] = (
    stored,
    ages,
    vectors,
    rates,
    funnel,
    trend,
    market,
    percentiles,
    taste,
    history,
    session,
    price,
    query_items,
    text_match,
    calendar,
    slate,
    sources,
    user_attributes,
    tenure,
    view_numbers,
)

BUILT_IN: Mapping[str, tuple[Family, ...]] = {
    RANKING_SERVICE: _RANKING,
    PURCHASE_SERVICE: (purchases, price, taste),
}
"""Feature service → the families of its rankers.

No family of next purchases reads the candidate sources: the orders that such a ranker learns from
had none.
"""


def families_of(service: str) -> tuple[Family, ...]:
    """Return the families of a feature service: its own, then the installed ones by name."""
    return (*BUILT_IN[service], *installed_families())


@cache
def installed_families() -> tuple[Family, ...]:
    """Return the families of installed packages, by name; every service has them.

    An installed family is a function `(context, shop, prior) -> blocks`, see `block.py`, that a
    package lists in its pyproject.toml:

        [project.entry-points."aisle.request_features"]
        gifts = "shop_extras.features:gifts"

    Raises:
        ExtensionError: an entry point cannot be loaded, or is not a function of three arguments.
    """
    return tuple(_checked(name, one) for name, one in extensions(GROUP).items())


def _checked(name: str, family: object) -> Family:
    expected = "a function (context, shop, prior) that returns blocks"
    if not isinstance(family, FunctionType):
        raise extension_error(GROUP, name, expected, repr(family))
    try:
        signature(family).bind(None, None, None)
    except TypeError as error:
        actual = f"{family.__module__}:{family.__name__}{signature(family)}: {error}"
        raise extension_error(GROUP, name, expected, actual) from None
    return family
