"""Feast views, built from the declarations in `feature_repo/views`."""

from datetime import timedelta

from feast import FeatureView, Field, ValueType
from feast.types import String, from_value_type

from feature_repo.catalogue.entities import BY_NAME
from feature_repo.catalogue.sources import rows_of
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import (
    STORED_AS,
    TILES,
    VALUE_TYPES,
    CounterView,
    FieldSpec,
    ViewSpec,
)


def feature_view(home: Home, shop: Shop, spec: ViewSpec) -> FeatureView:
    """Return the Feast view of a spec.

    The join key is the first column of the schema; bookkeeping fields are the last.
    """
    entity = BY_NAME[spec.entity]
    key = Field(name=entity.join_key, dtype=String, description=f"Id of the {entity.name}.")
    storage = {STORED_AS: TILES} if isinstance(spec, CounterView) else {}
    return FeatureView(
        name=spec.name,
        entities=[entity],
        ttl=timedelta(seconds=spec.ttl_seconds),
        schema=[key, *map(_field, spec.columns_of(shop))],
        source=rows_of(home, spec),
        online=True,
        description=spec.description,
        tags={"freshness": spec.freshness, **storage},
    )


def _field(spec: FieldSpec) -> Field:
    return Field(
        name=spec.name,
        dtype=from_value_type(ValueType[VALUE_TYPES[spec.kind]]),
        description=spec.description,
        tags={**({"unit": spec.unit} if spec.unit else {}), **spec.tags},
    )
