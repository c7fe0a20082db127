"""Historical features: the context of each past slate, strictly before it was shown.

The historical join runs once for each entity: users, sessions, queries and markets by ranking,
items by row.  The joined tables stay on disk; slates become Python objects one part at a time.
"""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from feature_repo.home import Home
from feature_repo.request_features import RequestContext
from feature_repo.request_features.context import shopper
from feature_repo.shop import Shop
from training.metrics import slate_starts

SLATES_AT_ONCE = 1000
_OF_REQUEST = ("user_id", "session_id", "query_key", "market")
"""The join keys of a ranking, apart from its items."""

Column = npt.NDArray[Any]
Bounds = npt.NDArray[np.int64]


def historical_features(home: Home, rows: pa.Table) -> Iterator[RequestContext]:
    """Return one `RequestContext` for each ranking, in the order of the rows.

    Args:
        home: whose feature views are joined.
        rows: sorted by qid; request_id, user_id, session_id, query_key, query, market,
            utc_offset_minutes, item_id, t.
    """
    from feature_repo.catalogue import Catalogue
    from feature_repo.feast_repo import open_store
    from feature_repo.offline.feast import features_at

    store, catalogue = open_store(home), Catalogue.of(home)
    requests = rows.take(pa.array(slate_starts(rows["qid"])))

    def join(keys: pa.Table, key: str) -> pa.Table:
        views = [view for view in catalogue.views if view.join_keys == [key]]
        entities = pa.table({key: keys[key], "event_timestamp": keys["t"]})
        return features_at(store, catalogue, entities, views, on_disk=True)

    by_slate = {key: join(requests, key) for key in _OF_REQUEST}
    return _slates_of(rows, by_slate, join(rows, "item_id"), Shop.load(home.shop_toml))


def _slates_of(
    rows: pa.Table, by_slate: Mapping[str, pa.Table], items: pa.Table, shop: Shop
) -> Iterator[RequestContext]:
    """Combine the joined tables: `by_slate` by join key and ranking, `items` by row."""
    bounds = np.r_[slate_starts(rows["qid"]), rows.num_rows]
    for first in range(0, bounds.size - 1, SLATES_AT_ONCE):
        ends = bounds[first : first + SLATES_AT_ONCE + 1]
        of_rows, of_slates = slice(ends[0], ends[-1]), slice(first, first + ends.size - 1)
        some = {key: _columns(table[of_slates]) for key, table in by_slate.items()}
        yield from _contexts_of(rows[of_rows], some, _columns(items[of_rows]), ends - ends[0], shop)


def _contexts_of(
    rows: pa.Table,
    by_slate: Mapping[str, Mapping[str, Column]],
    of_item: Mapping[str, Column],
    bounds: Bounds,
    shop: Shop,
) -> Iterator[RequestContext]:
    instants = rows["t"].cast(pa.int64()).to_numpy()
    ids, texts = _column(rows["item_id"]), _column(rows["query"])
    users, offsets = _column(rows["user_id"]), _column(rows["utc_offset_minutes"])
    for number, (start, end) in enumerate(pairwise(bounds.tolist())):
        t = int(instants[start])
        user, session, query, market = (_row(by_slate[key], number) for key in _OF_REQUEST)
        is_named = users[start] is not None
        yield RequestContext(
            t=t,
            query=texts[start],
            utc_offset_minutes=offsets[start],
            user=shopper(user, session, is_named=is_named, t=t, shop=shop),
            query_row=query,
            market_row=market,
            item_ids=ids[start:end].tolist(),
            items={name: values[start:end] for name, values in of_item.items()},
        )


def _row(columns: Mapping[str, Column], number: int) -> dict[str, Any]:
    return {name: values[number] for name, values in columns.items()}


def _columns(table: pa.Table) -> dict[str, Column]:
    return {name: _column(table[name]) for name in table.column_names if "__" in name}


def _column(values: pa.ChunkedArray) -> Column:
    """Convert numbers to float64 with NaN for null, everything else to Python objects."""
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        numbers: Column = pc.cast(values, pa.float64(), safe=False).to_numpy()
        return numbers
    objects = np.empty(len(values), dtype=object)
    objects[:] = values.to_pylist()
    return objects
