"""Feast views, built from the declarations in `feature_repo/views`."""

from datetime import timedelta

from feast import FeatureView, Field
from feast.types import Array, Bool, FeastType, Float64, Int64, String

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
    FieldKind,
    FieldSpec,
    ViewSpec,
)

_TYPES: dict[FieldKind, FeastType] = {
    "integer": Int64,
    "number": Float64,
    "text": String,
    "bool": Bool,
    "integers": Array(Int64),
    "numbers": Array(Float64),
    "texts": Array(String),
}

_BOOKKEEPING = {
    PART: Field(
        name=PART,
        dtype=Int64,
        description="Part of the log with the last event that this row includes; no model input.",
        tags={"role": "bookkeeping"},
    ),
    EVENT_TIMES: Field(
        name=EVENT_TIMES,
        dtype=Array(Int64),
        description="Event time of each feature's value, µs; 0 without a value; no model input.",
        tags={"role": "bookkeeping"},
    ),
}


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
        schema=[
            key,
            *map(_field, spec.fields_of(shop)),
            *map(_BOOKKEEPING.__getitem__, spec.bookkeeping),
        ],
        source=rows_of(home, spec),
        online=True,
        description=spec.description,
        tags={"freshness": spec.freshness, **storage},
    )


def _field(spec: FieldSpec) -> Field:
    return Field(
        name=spec.name,
        dtype=_TYPES[spec.kind],
        description=spec.description,
        tags={"unit": spec.unit, **spec.tags},
    )
