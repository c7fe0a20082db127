"""What is known about a request right now: stored rows with what happened since."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import redis

from feature_repo.counters import COUNTER_VIEWS
from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import Home
from feature_repo.online import merge
from feature_repo.online.live_keys import LiveKeys, Patch
from feature_repo.online.merge import PART
from feature_repo.online.overlay import Overlay, read_overlay
from feature_repo.online.remembered_rows import Columns
from feature_repo.online.stored_rows import StoredRows, rows_of
from feature_repo.shop import Shop
from feature_repo.slate_facts import SlateFacts

_COUNTERS = {view.name: view for view in COUNTER_VIEWS}
Facts = dict[str, list[Any]]

_SELDOM_CHANGED = ("item_attributes", "query_clicked_items", "market_usual")
"""Views whose rows are the same at most requests; a user's are seldom asked for twice."""


class OnlineReader:
    """Reads the facts of slates.  Threads may share it."""

    def __init__(self, home: Home, shop: Shop, client: "redis.Redis") -> None:
        from feature_repo.catalogue import Catalogue

        catalogue = Catalogue.of(home)
        self._features = {
            projection.name: [field.name for field in projection.features]
            for projection in catalogue.ranking_v1.feature_view_projections
        }
        self._remembered = shop.recent_fields
        self._rows = StoredRows(home.project, catalogue.views, _SELDOM_CHANGED)
        self._keys = LiveKeys.of(home)
        told = ["user_attributes"] if shop.user_fields else []
        self._user_views = ("user_recent", "user_first_seen", *told)
        self._client = client

    def read(
        self,
        *,
        user_id: str | None,
        query_key: str | None,
        item_ids: Sequence[str],
        t: int,
        query: str | None = None,
        market: str = DEFAULT_MARKET,
        utc_offset_minutes: int | None = None,
    ) -> SlateFacts:
        """The facts of one slate at an instant, which is now or a moment ago.

        Args:
            user_id: None where the shopper is not known.
            query_key: None where there is no query.
            item_ids: N candidates; what is not known of one is missing.
            t: instant of the request, µs.
            query: its text as sent.
            market: where it was asked.
            utc_offset_minutes: of the shopper's clock, where it is known.

        Raises:
            RedisError: the server does not answer.
        """
        n, users = len(item_ids), [] if user_id is None else [user_id]
        queries = [] if query_key is None else [query_key]
        keys = [
            *self._rows.keys(item_ids, "item_attributes", "item_standing"),
            *self._rows.keys(users, *self._user_views),
            *self._rows.keys(queries, "query_clicked_items"),
            *self._rows.keys([market], "market_usual"),
        ]
        found = read_overlay(self._client, self._keys, item_ids, user_id, query_key, keys)
        of_others = found.rows[2 * n :]
        stored = len(users) * len(self._user_views)
        of_user, of_query = of_others[:stored], of_others[stored:-1]
        if found.erased or not of_user:
            of_user = [None] * len(self._user_views)
        clicked = self._stored("query_clicked_items", of_query or [None], t)
        return SlateFacts(
            t=t,
            query=query,
            utc_offset_minutes=utc_offset_minutes,
            user=_first(
                self._counts("user_engagement", [found.user_tile], t)
                | self._of_user(dict(zip(self._user_views, of_user, strict=True)), found, t)
            ),
            query_row=_first(
                self._counts("query_engagement", [found.query_tile], t)
                | _named("query_clicked_items", clicked)
            ),
            market_row=_first(
                _named("market_usual", self._stored("market_usual", of_others[-1:], t))
            ),
            item_ids=item_ids,
            items=self._items(found, n, t),
        )

    def user_keys(self, user_ids: Sequence[str]) -> list[bytes]:
        """The keys of the stored rows of users, in every view that has such."""
        return self._rows.keys(user_ids, *self._user_views)

    def item_texts(self, item_ids: Sequence[str], seen_at: Sequence[int]) -> list[dict[str, str]]:
        """What was known of N items before N instants, in the fields a taste can have.

        Of an attribute that changed more than once since the rows were stored, only the newest
        change is known; before it, the stored value is taken.

        Raises:
            RedisError: the server does not answer.
        """
        if not self._remembered or not item_ids:
            return [{} for _ in item_ids]
        distinct = list(dict.fromkeys(item_ids))
        keys = self._rows.keys(distinct, "item_attributes")
        found = read_overlay(self._client, self._keys, distinct, rows=keys)
        columns = [*(field.column for field in self._remembered), PART]
        rows = rows_of(self._rows.columns("item_attributes", found.rows, columns, max(seen_at)))
        known = dict(zip(distinct, zip(rows, found.patches, strict=True), strict=True))
        return [
            merge.texts_of(merge.attributes(row, _before(instant, changes)), self._remembered)
            for item, instant in zip(item_ids, seen_at, strict=True)
            for row, changes in [known[item]]
        ]

    def _stored(self, view: str, raw: Sequence[bytes | None], t: int) -> Columns:
        return self._rows.columns(view, raw, self._features[view], t)

    def _standing(self, raw: Sequence[bytes | None], t: int) -> dict[str, Any]:
        """Numbers only, so they are read as arrays."""
        columns = self._rows.arrays("item_standing", raw, self._features["item_standing"], t)
        part = columns.pop(PART)
        return _under("item_standing", {**columns, "present": ~np.isnan(part)})

    def _counts(self, view: str, found: Sequence[bytes | None], t: int) -> Facts:
        return _named(view, merge.counters(_COUNTERS[view], found, t))

    def _items(self, found: Overlay, n: int, t: int) -> dict[str, Any]:
        """Rows of attributes lie before those of standing; counts come of tiles."""
        counts = merge.counter_arrays(_COUNTERS["item_engagement"], found.item_tiles, t)
        return {
            **self._attributes("item_attributes", found.rows[:n], found.patches, t),
            **self._standing(found.rows[n : 2 * n], t),
            **_under("item_engagement", counts),
        }

    def _of_user(self, raw: Mapping[str, bytes | None], found: Overlay, t: int) -> Facts:
        facts = self._recent([raw["user_recent"]], found, t)
        facts |= self._first_seen([raw["user_first_seen"]], found, t)
        if "user_attributes" in raw:
            row = [raw["user_attributes"]]
            facts |= self._attributes("user_attributes", row, [found.user_patches], t)
        return facts

    def _attributes(
        self,
        view: str,
        raw: Sequence[bytes | None],
        changes: Sequence[Mapping[str, Patch]],
        t: int,
    ) -> Facts:
        """The stored attributes of N entities, with the newer ones of those that changed since."""
        columns = self._stored(view, raw, t)
        for place, patches in enumerate(changes):
            if patches:
                row = {name: values[place] for name, values in columns.items()}
                known = merge.attributes(row if row[PART] is not None else None, patches)
                for name in columns.keys() & (known or {}).keys():
                    columns[name][place] = (known or {})[name]
        return _named(view, columns)

    def _recent(self, raw: Sequence[bytes | None], found: Overlay, t: int) -> Facts:
        (stored,) = rows_of(self._stored("user_recent", raw, t))
        row = merge.recent(stored, found.recent, [field.column for field in self._remembered]) or {}
        features = self._features["user_recent"]
        return _named("user_recent", {name: [row.get(name)] for name in features})

    def _first_seen(self, raw: Sequence[bytes | None], found: Overlay, t: int) -> Facts:
        (stored,) = rows_of(self._stored("user_first_seen", raw, t))
        row = merge.first_seen(stored, found.firsts.values()) or {}
        features = self._features["user_first_seen"]
        return _named("user_first_seen", {name: [row.get(name)] for name in features})


def _under(view: str, columns: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{view}__{name}": column for name, column in columns.items()}


def _named(view: str, columns: Columns) -> Facts:
    """The columns under their full names, and whether the view knows each entity."""
    facts: Facts = {f"{view}__{name}": column for name, column in columns.items() if name != PART}
    return facts | {f"{view}__present": [part is not None for part in columns[PART]]}


def _first(facts: Facts) -> dict[str, Any]:
    return {name: values[0] for name, values in facts.items()}


def _before(instant: int, patches: Mapping[str, Patch]) -> dict[str, Patch]:
    return {column: patch for column, patch in patches.items() if patch.seen_at < instant}
