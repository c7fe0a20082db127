"""Counts of what was shown, asked and done, over windows that are exact at any instant."""

from feast import FeatureView, Field
from feast.types import Int64

from feature_repo.catalogue.entities import BY_NAME
from feature_repo.catalogue.views import view
from feature_repo.home import Home
from feature_repo.views import COUNTER_VIEWS, STORED_AS, TILES, WINDOWS, CounterView, Measure


def engagement(home: Home) -> list[FeatureView]:
    """The counted views, in the order of `COUNTER_VIEWS`."""
    return [_view(home, counter) for counter in COUNTER_VIEWS]


def _view(home: Home, counter: CounterView) -> FeatureView:
    return view(
        home,
        counter.name,
        BY_NAME[counter.entity],
        [
            _count(name, measure, window)
            for name, measure in counter.measures.items()
            for window in WINDOWS
        ],
        description=counter.description,
        freshness="live",
        tags={STORED_AS: TILES},
    )


def _count(name: str, measure: Measure, window: str) -> Field:
    days = WINDOWS[window]
    over = "since its first event" if days is None else f"in the last {days} day-buckets"
    return Field(
        name=f"{name}_{window}",
        dtype=Int64,
        description=f"{measure.meaning}, {over}.",
        tags={"measure": name, "window": window, "unit": measure.unit},
    )
