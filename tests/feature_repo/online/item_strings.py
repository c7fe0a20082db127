"""Encodes strings of items as a load and an upsert store them."""

from datetime import UTC, datetime

import msgspec
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from feature_repo.online.feast.row_writer import from_values
from feature_repo.online.redis import Patch
from feature_repo.online.redis.live_keys import with_checksum

_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def loaded(room, item, *, title, price, part=0):
    """Return the strings that a load stores of an item besides its tile, by key."""
    attributes = {
        "title": Value(string_val=title),
        "price": Value(double_val=price),
        "part": Value(int64_val=part),
    }
    percentiles = {"category_price": Value(double_val=price), "part": Value(int64_val=part)}
    return {
        **_row(room, item, "item_attributes", attributes),
        **_row(room, item, "item_percentiles", percentiles),
    }


def patched(room, item, **values):
    """Return the string that upserts store of an item, by key."""
    patches = {
        name: Patch(1, 1, "e", 1, msgspec.json.encode(v).decode()) for name, v in values.items()
    }
    return {room.reader.item_keys(item)[1]: with_checksum(msgspec.msgpack.encode(patches))}


def _row(room, item, view, values):
    key = EntityKey(join_keys=["item_id"], entity_values=[Value(string_val=item)])
    rows = from_values(room.reader._rows._codecs[view], view, [(key, values, _NOON, None)])
    return dict(zip(rows.keys.to_pylist(), rows.values.to_pylist(), strict=True))
