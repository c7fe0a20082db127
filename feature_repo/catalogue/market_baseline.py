"""What is usual in a market: the measure of all that is relative to it."""

from feast import FeatureView, Field
from feast.types import Int64

from feature_repo.catalogue.entities import market
from feature_repo.catalogue.views import view
from feature_repo.home import Home
from feature_repo.views import MARKET_MEASURES

_WINDOWS = {"30d": "in the 30 days before that midnight", "all": "since its first event"}


def market_baseline(home: Home) -> FeatureView:
    """One row per market and UTC midnight after a day on which anything happened there."""
    fields = [
        Field(
            name=f"{name}_{window}",
            dtype=Int64,
            description=f"{measure.meaning}, {over}.",
            tags={"unit": measure.unit, "window": window},
        )
        for name, measure in MARKET_MEASURES.items()
        for window, over in _WINDOWS.items()
    ]
    return view(
        home,
        "market_baseline",
        market,
        fields,
        description="What is usual in a market: the measure of all that is relative to it.",
        freshness="batch:1d",
    )
