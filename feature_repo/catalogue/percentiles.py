"""An item among those it is sold beside."""

from feast import FeatureView, Field
from feast.types import Float64, Int64

from feature_repo.catalogue.entities import item
from feature_repo.catalogue.views import view
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import is_count, percentile_features


def item_percentiles(home: Home, shop: Shop) -> FeatureView:
    """One row per item and UTC midnight at which its standing is not as before."""
    fields = [
        Field(
            name=name,
            dtype=Int64 if is_count(name) else Float64,
            description=f"{meaning}.",
            tags={"unit": _unit(name)},
        )
        for name, meaning in percentile_features(shop).items()
    ]
    return view(
        home,
        "item_percentiles",
        item,
        fields,
        description="Where an item stands among those of its category and its brand.",
        freshness="batch:1d",
    )


def _unit(name: str) -> str:
    if name.endswith("_items"):
        return "items"
    if is_count(name):
        return "events"
    return "as the shop's prices" if name.endswith("_price") else "share"
