"""Feast views, built from the declarations in `feature_repo/views`."""

from datetime import timedelta

from feast import FeatureView, Field, ValueType
from feast.types import FeastType, String, from_value_type

from feature_repo.catalogue.entities import BY_NAME
from feature_repo.catalogue.sources import rows_of
from feature_repo.home import Home
from feature_repo.shop import Shop
from feature_repo.views import (
    EVENT_TIMES,
    PART,
    STORED_AS,
    TILES,
    CounterView,
    FieldSpec,
    ViewSpec,
)

_BOOKKEEPING = {
    PART: "Part of the log with the last event that this row includes; no model input.",
    EVENT_TIMES: "Event time of each feature's value, µs; 0 without a value; no model input.",
}


def feature_view(home: Home, shop: Shop, spec: ViewSpec) -> FeatureView:
    """Return the Feast view of a spec.

    The join key is the first column of the schema; bookkeeping fields are the last.
    """
    entity = BY_NAME[spec.entity]
    key = Field(name=entity.join_key, dtype=String, description=f"Id of the {entity.name}.")
    types = {
        column: from_value_type(ValueType[name]) for column, name in spec.value_types(shop).items()
    }
    fields = [_field(field, types[field.name]) for field in spec.fields_of(shop)]
    bookkeeping = [
        Field(
            name=name,
            dtype=types[name],
            description=_BOOKKEEPING[name],
            tags={"role": "bookkeeping"},
        )
        for name in spec.bookkeeping
    ]
    storage = {STORED_AS: TILES} if isinstance(spec, CounterView) else {}
    return FeatureView(
        name=spec.name,
        entities=[entity],
        ttl=timedelta(seconds=spec.ttl_seconds),
        schema=[key, *fields, *bookkeeping],
        source=rows_of(home, spec),
        online=True,
        description=spec.description,
        tags={"freshness": spec.freshness, **storage},
    )


def _field(spec: FieldSpec, dtype: FeastType) -> Field:
    return Field(
        name=spec.name,
        dtype=dtype,
        description=spec.description,
        tags={"unit": spec.unit, **spec.tags},
    )
