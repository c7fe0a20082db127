"""The live read path: the features of a slate, stored rows and later events merged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import Home, RedisError
from feature_repo.online.codec import codec_of_spec
from feature_repo.online.hydration import merge
from feature_repo.online.hydration.arm_counts import ArmCounts, ArmRead, arm_tiles, counts_of
from feature_repo.online.hydration.context_rows import ContextRows
from feature_repo.online.hydration.entity_strings import EntityStrings
from feature_repo.online.hydration.item_rows import ItemRows, StoredItem
from feature_repo.online.hydration.merge import RECENT_LIMITS
from feature_repo.online.hydration.overlay import Overlay, read_item_patches
from feature_repo.online.hydration.row_cache import Columns
from feature_repo.online.hydration.slate_query import (
    VISITORS,
    RequestEncoder,
    Shopper,
    SlateReply,
    SlateRequest,
)
from feature_repo.online.hydration.stored_rows import StoredRows
from feature_repo.online.redis import LiveKeys, Patch, exchange
from feature_repo.request_features import precompute
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from feature_repo.views import PART, Entity, counter_views, views_of, views_of_entity

_ENTITIES: tuple[Entity, ...] = ("item", "user", "session", "query", "market")


class OnlineReader:
    """Reads slates of one home.  Threads may share it.

    Attributes:
        shop: the home's shop.
        strings: the strings of each kind of entity.
        encoder: encodes requests.
        items: decodes candidates.
        context_rows: decodes the shopper, the query and the market.
    """

    def __init__(self, home: Home, shop: Shop, client: "redis.Redis") -> None:
        """Create a reader of `home`; `client` serves reads without a loop."""
        views = views_of(shop)
        features = {spec.name: spec.ranking_features(shop) for spec in views}
        features |= {view.name: [*view.features] for view in counter_views()}
        specs = {entity: views_of_entity(shop, entity) for entity in _ENTITIES}
        shared = [spec.name for spec in views if spec.entity not in VISITORS]
        self.shop = shop
        self.strings = {entity: EntityStrings(of_entity) for entity, of_entity in specs.items()}
        self._client = client
        self._keys = LiveKeys.of(home)
        self._rows = StoredRows(
            {spec.name: codec_of_spec(home.project, spec, shop) for spec in views},
            {spec.name: [*spec.value_types(shop)] for spec in views},
            shared,
        )
        self.encoder = RequestEncoder(self._keys, self._rows, self.strings)
        self.items = ItemRows(self._rows, features, self.strings["item"], shop)
        self.context_rows = ContextRows(self._rows, features, specs, shop)

    def read(self, **arguments: Any) -> RequestContext:
        """Read one slate; takes the arguments of `slate`.

        Raises:
            RedisError: the server does not answer.
        """
        slate = self.slate(**arguments)
        request = slate.request(slate.item_ids, is_tracked=False)
        try:
            replies = exchange(self._client, request.commands, request.reply_count)
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error
        reply = request.parse(replies)
        items = [*map(StoredItem, slate.item_ids, reply.items)]
        return slate.complete(slate.with_items(items), reply)

    def slate(
        self,
        *,
        user_id: str | None = None,
        session_id: str | None = None,
        query_key: str | None,
        item_ids: Sequence[str],
        t: int,
        query: str | None = None,
        market: str = DEFAULT_MARKET,
        utc_offset_minutes: int | None = None,
    ) -> "SlateRead":
        """Describe the read of one slate at an instant, which must be now or just before.

        Args:
            user_id: None for a visitor without a name.
            session_id: of the visit; None where unknown.
            query_key: None without a query.
            item_ids: N candidates; an unknown one has missing features.
            t: instant of the request, µs.
            query: its text as sent.
            market: of the request.
            utc_offset_minutes: of the shopper's clock; None where unknown.
        """
        shopper = Shopper(user_id, session_id)
        return SlateRead(self, shopper, query_key, item_ids, t, query, market, utc_offset_minutes)

    def item_keys(self, item_id: str) -> Sequence[bytes]:
        """Return the keys of an item's strings, in the order of the reply to a slate."""
        return self.encoder.item_keys(item_id)

    def row_keys(self, kind: Entity, ids: Sequence[str]) -> list[bytes]:
        """Return the keys of the stored rows of users or sessions, view by view."""
        views = [spec.name for spec in self.strings[kind].stored]
        return self._rows.keys(ids, *views)

    def recent_texts(
        self, kind: Entity, id_: str, t: int
    ) -> dict[tuple[str, str, int], dict[str, str]]:
        """Return the recent-list columns of a user's or session's items.

        Returns:
            By verb, item and instant of each entry: column → text.

        Raises:
            RedisError: the server does not answer.
        """
        context = self.read(**{f"{kind}_id": id_}, query_key=None, item_ids=[], t=t)
        row = context.user if kind == "user" else context.session
        columns, texts = [field.column for field in self.shop.recent_fields], {}
        for verb in RECENT_LIMITS:
            values = {
                name: row.get(f"{kind}_recent__{verb}_{name}") or ()
                for name in ("item_ids", "at", *columns)
            }
            for n, key in enumerate(zip(values["item_ids"], values["at"], strict=True)):
                texts[verb, *key] = {column: values[column][n] for column in columns}
        return texts

    def arm_read(self, arm_keys: Sequence[str], t: int) -> ArmRead:
        """Describe the read of N arms of bandits at an instant, µs."""
        return ArmRead.of(arm_tiles(self._keys, arm_keys), t)

    def arm_counts(self, arm_keys: Sequence[str], t: int) -> ArmCounts:
        """Return the decisions and rewards of N arms of bandits as of an instant, µs.

        Raises:
            RedisError: the server does not answer.
        """
        return counts_of(self._strings(arm_tiles(self._keys, arm_keys)), t)

    def item_attributes(
        self, item_ids: Sequence[str], t: int
    ) -> tuple[Columns, list[Mapping[str, Patch]]]:
        """Return the newest attributes of N items by column, and the changes among them.

        Columns of an unknown item are None.

        Raises:
            RedisError: the server does not answer.
        """
        raw, patches = self._item_strings(item_ids)
        names = [*(field.column for field in self.shop.item_fields), "is_deleted", PART]
        columns = self._rows.read("item_attributes", raw, names, t)
        changes = {n: changed for n, changed in enumerate(patches) if changed}
        times = self._rows.event_times("item_attributes", [raw[n] for n in changes], t)
        return merge.patched(columns, changes, times), patches

    def item_texts(self, item_ids: Sequence[str], seen_at: Sequence[int]) -> list[dict[str, str]]:
        """Return the recent-list columns of N items just before N instants, µs.

        Redis stores only the newest change of an attribute since the rows were loaded; before that
        change was seen, the loaded value counts.

        Raises:
            RedisError: the server does not answer.
        """
        fields = self.shop.recent_fields
        if not fields or not item_ids:
            return [{} for _ in item_ids]
        distinct = list(dict.fromkeys(item_ids))
        raw, patches = self._item_strings(distinct)
        changed = [text if of_item else None for text, of_item in zip(raw, patches, strict=True)]
        columns, now = [*(field.column for field in fields), PART], max(seen_at)
        rows = self._rows.rows("item_attributes", raw, columns, now)
        times = self._rows.event_times("item_attributes", changed, now)
        stored = dict(zip(distinct, zip(rows, patches, times, strict=True), strict=True))
        return [
            merge.texts_of(merge.attributes(row, _before(instant, changes), times), fields)
            for item, instant in zip(item_ids, seen_at, strict=True)
            for row, changes, times in [stored[item]]
        ]

    def _item_strings(
        self, item_ids: Sequence[str]
    ) -> tuple[list[bytes | None], list[Mapping[str, Patch]]]:
        """Return the stored row of each item's attributes, and their later changes."""
        strings = self._strings(
            [
                *map(str.encode, map(self._keys.item, item_ids)),
                *self._rows.keys(item_ids, "item_attributes"),
            ]
        )
        live, rows = strings[: len(item_ids)], strings[len(item_ids) :]
        return read_item_patches(item_ids, rows, live)

    def _strings(self, keys: Sequence[bytes]) -> list[bytes | None]:
        try:
            return self._client.mget(keys)  # type: ignore[return-value]
        except redis.RedisError as error:
            raise RedisError(f"Redis does not answer: {error}.") from error


@dataclass(slots=True, eq=False)
class SlateRead:
    """The read of one slate by any client: encodes the request and decodes the reply.

    The attributes are the arguments of `OnlineReader.slate`; the shopper has user and session.
    """

    reader: OnlineReader
    shopper: Shopper
    query_key: str | None
    item_ids: Sequence[str]
    t: int
    query: str | None
    market: str
    utc_offset_minutes: int | None

    def request(self, item_ids: Sequence[str], *, is_tracked: bool) -> SlateRequest:
        """Return the request of shopper, query, market and these of the candidates.

        Args:
            item_ids: candidates whose strings are read.
            is_tracked: whether the server is to report later changes of these strings.
        """
        return self.reader.encoder.encode(
            item_ids, self.shopper, self.query_key, self.market, is_tracked=is_tracked
        )

    def with_items(self, items: Sequence[StoredItem]) -> RequestContext:
        """Return the context with the candidates only, given all of them in their order."""
        context = RequestContext(
            t=self.t,
            query=self.query,
            utc_offset_minutes=self.utc_offset_minutes,
            item_ids=self.item_ids,
            items=self.reader.items.columns(items, self.t),
        )
        precompute(context, self.reader.shop)
        return context

    def complete(self, context: RequestContext, reply: SlateReply) -> RequestContext:
        """Return the context with shopper, query and market of the reply added."""
        overlay = Overlay.of(reply, self.shopper, self.query_key, self.reader.strings)
        return context.with_fields(**self.reader.context_rows.fields(overlay, self.shopper, self.t))


def _before(instant: int, patches: Mapping[str, Patch]) -> dict[str, Patch]:
    return {column: patch for column, patch in patches.items() if patch.seen_at < instant}
