"""What the live views count and remember, declared once for SQL, Redis and the matrix."""

from feature_repo.views import counters, history_limits, percentiles
from feature_repo.views.counters import (
    COUNTER_VIEWS,
    EMPTY_SEARCH,
    IMPRESSION,
    LARGEST_AMOUNT,
    MARKET_MEASURES,
    MINOR_UNITS,
    SEARCH,
    STORED_AS,
    TILES,
    WINDOWS,
    CounterView,
    Measure,
    minor_units,
    tiles_of,
)
from feature_repo.views.history_limits import K_CLICKED, K_QUERY_ITEMS, K_SHOWN, VALUE_SEPARATOR
from feature_repo.views.percentiles import (
    EXAMINED,
    GROUPS,
    groups_of,
    is_count,
    percentile_features,
)

__all__ = [
    "COUNTER_VIEWS",
    "EMPTY_SEARCH",
    "EXAMINED",
    "GROUPS",
    "IMPRESSION",
    "K_CLICKED",
    "K_QUERY_ITEMS",
    "K_SHOWN",
    "LARGEST_AMOUNT",
    "MARKET_MEASURES",
    "MINOR_UNITS",
    "SEARCH",
    "STORED_AS",
    "TILES",
    "VALUE_SEPARATOR",
    "WINDOWS",
    "CounterView",
    "Measure",
    "counters",
    "groups_of",
    "history_limits",
    "is_count",
    "minor_units",
    "percentile_features",
    "percentiles",
    "tiles_of",
]
