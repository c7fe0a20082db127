"""Every feature view: the built-in ones, then the installed ones."""

from collections.abc import Iterator, Sequence
from functools import cache

from feature_repo.home import extension_error, extensions
from feature_repo.shop import SIMULATED_SHOP, Shop
from feature_repo.views.attributes import ITEM_ATTRIBUTES, USER_ATTRIBUTES
from feature_repo.views.counters import (
    ARM_ENGAGEMENT,
    COUNTER_VIEWS,
    SESSION_ENGAGEMENT,
    CounterView,
)
from feature_repo.views.first_seen import SESSION_FIRST_SEEN, USER_FIRST_SEEN
from feature_repo.views.histories import QUERY_CLICKED_ITEMS, SESSION_RECENT, USER_RECENT
from feature_repo.views.market_baseline import MARKET_BASELINE
from feature_repo.views.percentiles import ITEM_PERCENTILES
from feature_repo.views.purchases import USER_PURCHASES
from feature_repo.views.session_owner import SESSION_OWNER
from feature_repo.views.spec import (
    RANKING_SERVICE,
    Entity,
    LiveFirst,
    LiveLists,
    LiveOwner,
    LiveValues,
    ViewSpec,
)

GROUP = "aisle.views"
"""The entry point group of views in installed packages."""

BUILT_IN: tuple[ViewSpec, ...] = (
    ITEM_ATTRIBUTES,
    USER_ATTRIBUTES,
    USER_FIRST_SEEN,
    SESSION_FIRST_SEEN,
    *COUNTER_VIEWS,
    SESSION_ENGAGEMENT,
    USER_RECENT,
    USER_PURCHASES,
    SESSION_RECENT,
    SESSION_OWNER,
    QUERY_CLICKED_ITEMS,
    ITEM_PERCENTILES,
    MARKET_BASELINE,
    ARM_ENGAGEMENT,
)
"""In the order of computation: a view may read the rows of earlier views."""

_OF_PURCHASES = (
    *("item_attributes", "item_engagement"),
    *("user_engagement", "user_recent", "user_purchases"),
)
"""The views whose features a ranker of next purchases reads."""


@cache
def all_views() -> tuple[ViewSpec, ...]:
    """Return the built-in views, then the installed ones by name.

    Raises:
        ExtensionError: an entry point is not a `ViewSpec`, a part of an installed view is missing,
            or it collides with another view.
    """
    shop = Shop.load(SIMULATED_SHOP)
    specs = list(BUILT_IN)
    for spec in installed_views():
        _check_installed(spec, specs, shop)
        specs.append(spec)
    return tuple(specs)


def _check_installed(spec: ViewSpec, others: Sequence[ViewSpec], shop: Shop) -> None:
    """Check that an installed view is complete and shares no name or live state with another."""
    if missing := spec.forgotten(shop):
        raise extension_error(
            GROUP, spec.name, "; ".join(missing), "none", "Add it to the view's ViewSpec."
        )
    if spec.name in [other.name for other in others]:
        raise extension_error(
            GROUP, spec.name, "a unique name", "the name of another view", "Rename it."
        )
    if isinstance(spec.live, (LiveFirst, LiveLists, LiveOwner)):
        raise extension_error(
            GROUP,
            spec.name,
            "a CounterView, LiveValues or no live write",
            f"{type(spec.live).__name__}, whose state belongs to a built-in view",
            "Replace it.",
        )
    if isinstance(spec.live, LiveValues) and spec.live.key is not None:
        raise extension_error(
            GROUP, spec.name, "LiveValues without a key", repr(spec.live.key), "Remove the key."
        )


@cache
def installed_views() -> tuple[ViewSpec, ...]:
    """Return the views of installed packages, by name."""
    return tuple(sorted(extensions(GROUP, ViewSpec).values(), key=lambda spec: spec.name))


@cache
def views_of(shop: Shop) -> tuple[ViewSpec, ...]:
    """Return the views that a shop has."""
    return tuple(spec for spec in all_views() if spec.is_declared(shop))


def views_of_entity(shop: Shop, entity: Entity) -> tuple[ViewSpec, ...]:
    """Return the views that a shop has of one kind of entity."""
    return tuple(spec for spec in views_of(shop) if spec.entity == entity)


def features_of(service: str, shop: Shop) -> dict[str, list[str]]:
    """Return the columns that the rankers of a feature service read, by view; none of an arm."""
    return {
        spec.name: spec.ranking_features(shop)
        for spec in views_of(shop)
        if (service == RANKING_SERVICE and spec.entity != "arm") or spec.name in _OF_PURCHASES
    }


@cache
def counter_views() -> tuple[CounterView, ...]:
    """Return the counted views, the installed ones included."""
    return tuple(spec for spec in all_views() if isinstance(spec, CounterView))


def fingerprint(shop: Shop) -> Iterator[bytes]:
    """Yield the inputs of the rows of the shop's views, apart from the log and Aisle's own code."""
    for spec in views_of(shop):
        parts = (spec.name, spec.entity, spec.fields_of(shop), spec.incremental)
        measures = spec.measures if isinstance(spec, CounterView) else {}
        yield repr((*parts, sorted(spec.parameters(shop).items()), measures)).encode()
        yield spec.sql_file.read_bytes()
