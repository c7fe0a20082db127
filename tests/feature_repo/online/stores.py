"""Feast stores on the test server, ours and the stock one, and values of every Feast type."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from feast import Entity, FeatureStore, FeatureView, Field, FileSource, ValueType
from feast.feature_store import RepoConfig
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from feast.type_map import python_values_to_proto_values
from feast.types import (
    Array,
    Bool,
    Bytes,
    Float32,
    Float64,
    ImageBytes,
    Int32,
    Int64,
    Json,
    Map,
    PdfBytes,
    ScalarMap,
    Set,
    String,
    Struct,
    TimeUuid,
    UnixTimestamp,
    Uuid,
    ZonedTimestamp,
)
from feast.types import Decimal as DecimalType
from hypothesis import strategies as st

from feature_repo.online.codec import codec_of
from feature_repo.online.hydration.stored_rows import StoredRows
from tests.redis_addresses import connection_string
from tests.scale import seconds

AISLE = "feature_repo.online.feast.store.AisleOnlineStore"
STOCK = "redis"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
PATIENT = {"deadline_seconds": seconds(10)}
"""Long, so that other load on the machine fails no test."""

ITEM = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
ITEM_ID = Field(name="item_id", dtype=String)

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
_int64 = st.integers(-(2**63), 2**63 - 1)
_int32 = st.integers(-(2**31), 2**31 - 1)
_float32 = st.floats(width=32, allow_nan=False)
_float64 = st.floats(allow_nan=False)
_bytes = st.binary(max_size=12)
_times = st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1), timezones=st.just(UTC))
_uuids = st.uuids()
_decimals = st.decimals(allow_nan=False, allow_infinity=False, places=3)
_json = st.dictionaries(_text, st.integers(-9, 9) | _text, max_size=3)
_structs = st.fixed_dictionaries({"word": _text})
_zones = st.sampled_from([ZoneInfo("Europe/Lisbon"), ZoneInfo("Asia/Tokyo"), UTC])
_zoned = st.datetimes(datetime(1970, 1, 2), datetime(2262, 1, 1), timezones=_zones)


def _lists(of):
    return st.lists(of, min_size=1, max_size=4)


def _sets(of):
    return st.sets(of, min_size=1, max_size=4)


VALUES = {
    Float64: _float64,
    Float32: _float32,
    Int64: _int64,
    Int32: _int32,
    Bool: st.booleans(),
    String: _text,
    Bytes: _bytes,
    PdfBytes: _bytes,
    ImageBytes: _bytes,
    UnixTimestamp: _times,
    Uuid: _uuids,
    TimeUuid: _uuids,
    DecimalType: _decimals,
    Json: _json,
    Map: _json,
    ScalarMap: st.dictionaries(st.integers(-9, 9), _text, min_size=1, max_size=3),
    Array(Float64): _lists(_float64),
    Array(Float32): _lists(_float32),
    Array(Int64): _lists(_int64),
    Array(Int32): _lists(_int32),
    Array(Bool): _lists(st.booleans()),
    Array(String): _lists(_text),
    Array(Bytes): _lists(_bytes),
    Array(UnixTimestamp): _lists(_times),
    Array(Uuid): _lists(_uuids),
    Array(DecimalType): _lists(_decimals),
    Array(TimeUuid): _lists(_uuids),
    Array(Json): _lists(_json),
    Array(Map): _lists(_json),
    Struct({"word": String}): _structs,
    Array(Struct({"word": String})): _lists(_structs),
    Set(Float64): _sets(_float64),
    Set(Float32): _sets(_float32),
    Set(Int64): _sets(_int64),
    Set(Int32): _sets(_int32),
    Set(String): _sets(_text),
    Set(Bytes): _sets(_bytes),
    Set(Bool): _sets(st.booleans()),
    Set(UnixTimestamp): _sets(_times),
    Set(Uuid): _sets(_uuids),
    Set(TimeUuid): _sets(_uuids),
    Set(DecimalType): _sets(_decimals),
    ZonedTimestamp: _zoned,
    Array(Array(Int64)): _lists(_lists(_int64)),
    Set(Array(Int64)): _lists(_lists(_int64)),
}
"""Feast types → strategies of Python values that stock Feast takes for them."""


def config_of(folder, address, kind, *, project="shop", database=0, **online):
    """The configuration of a store on a separate database of the test server."""
    extra = (PATIENT if kind == AISLE else {}) | online
    return RepoConfig(
        project=project,
        provider="local",
        entity_key_serialization_version=3,
        registry={"registry_type": "sql", "path": f"sqlite:///{folder}/{project}-{database}.db"},
        online_store={
            "type": kind,
            "connection_string": connection_string(address, database),
            **extra,
        },
        offline_store={"type": "duckdb"},
    )


def store_of(folder, address, kind=AISLE, **options):
    """A Feast store; see `config_of`."""
    return FeatureStore(config=config_of(folder, address, kind, **options))


def both(folder, address, **options):
    """Ours and the stock one, each in its own database."""
    return (
        store_of(folder, address, AISLE, database=1, **options),
        store_of(folder, address, STOCK, database=2, **options),
    )


def view_of(types, *, name="facts", ttl=None, entities=(ITEM,), tags=None, keys=(ITEM_ID,)):
    """A feature view of features given as name → type."""
    return FeatureView(
        name=name,
        entities=[*entities],
        ttl=ttl,
        schema=[*keys, *(Field(name=n, dtype=t) for n, t in types.items())],
        source=FileSource(
            name=f"{name}_source",
            path=f"{name}.parquet",
            timestamp_field="event_timestamp",
            created_timestamp_column="created",
        ),
        tags=tags or {},
    )


def online(store):
    """Return a store's online store."""
    return store._get_provider().online_store


def item_key(item_id):
    return EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=item_id)])


def proto(dtype, value):
    """A Python value as a Feast value."""
    if value is None:
        return Value()
    if value == b"":  # Feast reads it as missing unless another value of the batch has content
        return Value(bytes_val=value)
    return python_values_to_proto_values([value], dtype.to_value_type())[0]


def row(item_id, types, values, event=NOON, created=None):
    """A row as Feast passes it to an online store."""
    columns = {name: proto(dtype, values.get(name)) for name, dtype in types.items()}
    return item_key(item_id), columns, event, created


def write(store, view, *rows):
    online(store).online_write_batch(store.config, view, list(rows), None)


def read(store, view, items, **options):
    """The response for some items, as Feast's protobuf."""
    refs = [f"{view.name}:{field.name}" for field in view.features]
    return store.get_online_features(refs, [{"item_id": item} for item in items], **options)


def vectors(response):
    """Feature → its vector in a response."""
    names = response.proto.metadata.feature_names.val
    return dict(zip(names, response.proto.results, strict=True))


def stored_rows(view):
    """Return the rows of a view as serving reads them, without Feast."""
    columns = [field.name for field in view.features]
    return StoredRows({view.name: codec_of("shop", view, view.name)}, {view.name: columns})
