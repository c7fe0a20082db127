"""What is known about a request right now: stored rows with what happened since.

Live state is read first and rows after it: a load that happens in between only makes the rows
reach further, and what they reach is left out of the live state.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import redis

from feature_repo.counters import COUNTER_VIEWS
from feature_repo.home import Home
from feature_repo.online import merge
from feature_repo.online.live_keys import LiveKeys, Patch
from feature_repo.online.overlay import Overlay, read_overlay
from feature_repo.online.stock_rows import Row, StockRows
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts

if TYPE_CHECKING:
    from feast import FeatureStore

_COUNTERS = {view.name: view for view in COUNTER_VIEWS}
_BOOKKEEPING = "part"


class OnlineReader:
    """Reads the facts of slates.  Threads may share it."""

    def __init__(
        self, home: Home, shop: Shop, store: "FeatureStore", client: "redis.Redis"
    ) -> None:
        from feature_repo.catalogue import Catalogue

        catalogue = Catalogue.of(home)
        self._views = {view.name: view for view in catalogue.views}
        self._features = {
            projection.name: [field.name for field in projection.features]
            for projection in catalogue.ranking_v1.feature_view_projections
        }
        self._taste = shop.taste_fields
        self._rows = StockRows(store)
        self._keys = LiveKeys.of(home)
        self._client = client

    def read(
        self,
        *,
        user_id: str | None,
        query_key: str | None,
        item_ids: Sequence[str],
        t: int,
        query: str | None = None,
    ) -> SlateFacts:
        """The facts of one slate at an instant, which is now or a moment ago.

        Args:
            user_id: None where the shopper is not known.
            query_key: None where there is no query.
            item_ids: N candidates; what is not known of one is missing.
            t: instant of the request, µs.
            query: its text as sent.

        Raises:
            RedisError: the server does not answer.
        """
        live = read_overlay(self._client, self._keys, item_ids, user_id, query_key)
        users = [user_id] if user_id is not None else []
        queries = [query_key] if query_key is not None else []
        return SlateFacts(
            t=t,
            query=query,
            user=self._of_one(
                {
                    "user_engagement": self._counts("user_engagement", [live.user_tile], t),
                    "user_recent": self._recent(users, live),
                }
            ),
            query_row=self._of_one(
                {
                    "query_engagement": self._counts("query_engagement", [live.query_tile], t),
                    "query_clicked_items": self._stored("query_clicked_items", queries),
                }
            ),
            item_ids=item_ids,
            items={
                **self._columns("item_attributes", self._attributes(item_ids, live)),
                **self._columns(
                    "item_engagement",
                    self._counts("item_engagement", live.item_tiles, t),
                ),
            },
        )

    def item_texts(self, item_ids: Sequence[str], seen_at: Sequence[int]) -> list[dict[str, str]]:
        """What was known of N items before N instants, in the fields a taste can have.

        Of an attribute that changed more than once since the rows were stored, only the newest
        change is known; before it, the stored value is taken.

        Raises:
            RedisError: the server does not answer.
        """
        if not self._taste or not item_ids:
            return [{} for _ in item_ids]
        distinct = list(dict.fromkeys(item_ids))
        patches = read_overlay(self._client, self._keys, distinct).patches
        columns = [*(field.column for field in self._taste), _BOOKKEEPING]
        rows = self._rows.read(self._views["item_attributes"], distinct, columns)
        known = dict(zip(distinct, zip(rows, patches, strict=True), strict=True))
        return [
            merge.texts_of(merge.attributes(row, _before(instant, changes)), self._taste)
            for item, instant in zip(item_ids, seen_at, strict=True)
            for row, changes in [known[item]]
        ]

    def _stored(self, view: str, ids: Sequence[str]) -> list[Row | None]:
        return self._rows.read(self._views[view], ids, self._features[view])

    def _counts(self, view: str, found: Sequence[bytes | None], t: int) -> list[Row | None]:
        return merge.counters(_COUNTERS[view], found, t)

    def _attributes(self, item_ids: Sequence[str], live: Overlay) -> list[Row | None]:
        rows = self._stored("item_attributes", item_ids)
        return [merge.attributes(*pair) for pair in zip(rows, live.patches, strict=True)]

    def _recent(self, users: Sequence[str], live: Overlay) -> list[Row | None]:
        columns = [field.column for field in self._taste]
        rows = self._stored("user_recent", users)
        return [merge.recent(row, live.recent, columns) for row in rows]

    def _columns(self, view: str, rows: Sequence[Row | None]) -> dict[str, list[Any]]:
        names = [name for name in self._features[view] if name != _BOOKKEEPING]
        known = [row or {} for row in rows]
        return {
            **{f"{view}__{name}": [row.get(name) for row in known] for name in names},
            f"{view}__present": [row is not None for row in rows],
        }

    def _of_one(self, views: Mapping[str, Sequence[Row | None]]) -> dict[str, Any]:
        return {
            name: values[0]
            for view, rows in views.items()
            for name, values in self._columns(view, rows or [None]).items()
        }


def _before(instant: int, patches: Mapping[str, Patch]) -> dict[str, Patch]:
    return {column: patch for column, patch in patches.items() if patch.seen_at < instant}
