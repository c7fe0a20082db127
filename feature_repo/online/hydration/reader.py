"""What is known about a request right now: stored rows with what happened since."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import Home, RedisError
from feature_repo.online.hydration import merge
from feature_repo.online.hydration.entity_strings import EntityStrings, Strings
from feature_repo.online.hydration.item_rows import ItemRows, StoredItem
from feature_repo.online.hydration.merge import PART, Row
from feature_repo.online.hydration.overlay import Overlay, read_patches
from feature_repo.online.hydration.slate_query import Asked, SlateCommands, Told
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, Patch, exchanged
from feature_repo.request_features import precompute
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from feature_repo.views import (
    CounterView,
    Entity,
    LiveFirst,
    LiveLists,
    LiveValues,
    ViewSpec,
    counter_views,
    views_of,
    views_of_entity,
)

_ENTITIES: tuple[Entity, ...] = ("item", "user", "query", "market")


@dataclass(frozen=True)
class SlateRead:
    """A slate to be read, by whichever way to Redis.

    Attributes:
        item_ids: N candidates.
        commands: what is to be sent to be told the strings of some of them, and all about the
            user, the query and the market; and whether the server is to tell when these items'
            strings change.
        begun: facts of the candidates, from what lies there of each.
        facts: these, and what was told of user, query and market.
    """

    item_ids: Sequence[str]
    commands: Callable[[Sequence[str], bool], Asked]
    begun: Callable[[Sequence[StoredItem]], RequestContext]
    facts: Callable[[RequestContext, Told], RequestContext]


class OnlineReader:
    """Reads the facts of slates.  Threads may share it."""

    def __init__(self, home: Home, shop: Shop, client: "redis.Redis") -> None:
        from feature_repo.catalogue import Catalogue

        catalogue = Catalogue.of(home)
        self._features = {
            projection.name: [field.name for field in projection.features]
            for projection in catalogue.ranking_v1.feature_view_projections
        }
        counted = {view.name: view.features for view in counter_views()}
        self._names = {
            view: {name: f"{view}__{name}" for name in names if name != PART}
            for view, names in (self._features | counted).items()
        }
        self._shop = shop
        self._remembered = shop.recent_fields
        self._specs = {entity: views_of_entity(shop, entity) for entity in _ENTITIES}
        self._entity_strings = {
            entity: EntityStrings(specs) for entity, specs in self._specs.items()
        }
        shared = [spec.name for spec in views_of(shop) if spec.entity != "user"]
        self._rows = StoredRows(home.project, catalogue.views, shared)
        self._items = ItemRows(self._rows, self._features, self._entity_strings["item"], shop)
        self._keys = LiveKeys.of(home)
        self._commands = SlateCommands(self._keys, self._rows, self._entity_strings)
        self._client = client

    def read(self, **asked: Any) -> RequestContext:
        """The facts of one slate; arguments are those of `slate`.

        Raises:
            RedisError: the server does not answer.
        """
        slate = self.slate(**asked)
        question = slate.commands(slate.item_ids, False)
        try:
            answers = exchanged(self._client, question.commands, question.answers)
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error
        told = question.told(answers)
        return slate.facts(slate.begun([*map(StoredItem, slate.item_ids, told.items)]), told)

    def slate(
        self,
        *,
        user_id: str | None,
        query_key: str | None,
        item_ids: Sequence[str],
        t: int,
        query: str | None = None,
        market: str = DEFAULT_MARKET,
        utc_offset_minutes: int | None = None,
    ) -> "SlateRead":
        """What to ask for the facts of one slate at an instant, which is now or a moment ago.

        Args:
            user_id: None where the shopper is not known.
            query_key: None where there is no query.
            item_ids: N candidates; what is not known of one is missing.
            t: instant of the request, µs.
            query: its text as sent.
            market: where it was asked.
            utc_offset_minutes: of the shopper's clock, where it is known.
        """

        def commands(of: Sequence[str], is_vouched: bool) -> Asked:
            return self._commands.written(of, user_id, query_key, market, is_vouched=is_vouched)

        def begun(items: Sequence[StoredItem]) -> RequestContext:
            facts = RequestContext(
                t=t,
                query=query,
                utc_offset_minutes=utc_offset_minutes,
                item_ids=item_ids,
                items=self._items.columns(items, t),
            )
            precompute(facts, self._shop)
            return facts

        def facts(begun: RequestContext, told: Told) -> RequestContext:
            found = Overlay.of(told, user_id, query_key, self._entity_strings)
            return begun.with_fields(
                user=self._row_of("user", found.user, found, t),
                query_row=self._row_of("query", found.query, found, t),
                market_row=self._row_of("market", found.market, found, t),
            )

        return SlateRead(item_ids, commands, begun, facts)

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """The keys of the strings of an item, in the order in which they are asked for."""
        return self._commands.item_keys(item_id)

    def user_keys(self, user_ids: Sequence[str]) -> list[bytes]:
        """The keys of the stored rows of users, in every view that has such."""
        views = [spec.name for spec in self._entity_strings["user"].stored]
        return self._rows.keys(user_ids, *views)

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
        found = self._strings(
            [
                *map(str.encode, map(self._keys.item, distinct)),
                *self._rows.keys(distinct, "item_attributes"),
            ]
        )
        patches = map(read_patches, distinct, found)
        columns = [*(field.column for field in self._remembered), PART]
        rows = self._rows.rows("item_attributes", found[len(distinct) :], columns, max(seen_at))
        known = dict(zip(distinct, zip(rows, patches, strict=True), strict=True))
        return [
            merge.texts_of(merge.attributes(row, _before(instant, changes)), self._remembered)
            for item, instant in zip(item_ids, seen_at, strict=True)
            for row, changes in [known[item]]
        ]

    def _strings(self, keys: Sequence[bytes]) -> list[bytes | None]:
        try:
            return self._client.mget(keys)  # type: ignore[return-value]
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error

    def _row_of(self, entity: Entity, strings: Strings, found: Overlay, t: int) -> Row:
        """Merge the stored rows of an entity with its live state, view by view."""
        return self._named(
            {spec.name: self._merged(spec, strings, found, t) for spec in self._specs[entity]}
        )

    def _merged(self, spec: ViewSpec, strings: Strings, found: Overlay, t: int) -> Row | None:
        """Merge one view as its declaration says."""
        if isinstance(spec, CounterView):
            return merge.counters(spec, strings.tiles.get(spec.name), t)
        row = self._stored(spec.name, strings.rows.get(spec.name), t)
        match spec.live:
            case LiveValues():
                patches = read_patches(spec.name, strings.patches.get(spec.name))
                return merge.attributes(row, patches)
            case LiveFirst():
                return merge.first_seen(row, found.firsts.values())
            case LiveLists():
                columns = [field.column for field in self._remembered]
                return merge.recent(row, found.recent, columns)
        return row

    def _stored(self, view: str, raw: bytes | None, t: int) -> Row | None:
        (row,) = self._rows.rows(view, [raw], self._features[view], t)
        return row

    def _named(self, rows: Mapping[str, Row | None]) -> Row:
        """Rows of views under the full names of their features, and whether a view has one."""
        named: Row = {}
        for view, row in rows.items():
            known = row or {}
            named.update({full: known.get(name) for name, full in self._names[view].items()})
            named[f"{view}__present"] = row is not None
        return named


def _before(instant: int, patches: Mapping[str, Patch]) -> dict[str, Patch]:
    return {column: patch for column, patch in patches.items() if patch.seen_at < instant}
