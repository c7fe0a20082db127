"""The declaration of a feature view; every part of the platform derives from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from feature_repo.events.contract import AnyEvent
from feature_repo.home import CatalogueError
from feature_repo.shop import Shop

Entity = Literal["item", "user", "session", "query", "market", "arm"]
FieldKind = Literal["integer", "number", "text", "bool", "integers", "numbers", "texts"]

JOIN_KEYS: dict[str, str] = {
    "item": "item_id",
    "user": "user_id",
    "session": "session_id",
    "query": "query_key",
    "market": "market",
    "arm": "arm_key",
}
"""Entity → its join key, the first column of each of its views."""

FEATURES_SQL = Path(__file__).parents[1] / "transformations" / "features"
"""The folder of the SQL files of the built-in views."""

RANKING_SERVICE, PURCHASE_SERVICE = "ranking_v1", "next_purchase_v1"
"""The Feast feature service of rankers."""

VALUE_TYPES: dict[FieldKind, str] = {
    "integer": "INT64",
    "number": "DOUBLE",
    "text": "STRING",
    "bool": "BOOL",
    "integers": "INT64_LIST",
    "numbers": "DOUBLE_LIST",
    "texts": "STRING_LIST",
}
"""Kind of a field → name of its Feast value type."""

NUMERIC: tuple[FieldKind, ...] = ("integer", "number", "bool")
"""Kinds of fields that a model reads without conversion."""


PART = "part"
"""Last column of every view: the newest part of the log that a row includes."""

EVENT_TIMES = "event_times"
"""Column of views with live values: for each field, in their order, the event time of its value in
microseconds; 0 where no event set the field."""


@dataclass(frozen=True)
class FieldSpec:
    """One feature of a view.

    Attributes:
        name: of the feature, as the SQL file names its column.
        kind: type of its values; the last three are lists.
        description: one sentence for readers.
        unit: for readers; empty for bookkeeping.
        tags: more tags of the Feast field.
    """

    name: str
    kind: FieldKind
    description: str
    unit: str
    tags: Mapping[str, str] = field(default_factory=dict)


_BOOKKEEPING = {
    PART: FieldSpec(
        PART,
        "integer",
        "Part of the log with the last event that this row includes; no model input.",
        "",
        {"role": "bookkeeping"},
    ),
    EVENT_TIMES: FieldSpec(
        EVENT_TIMES,
        "integers",
        "Event time of each feature's value, µs; 0 without a value; no model input.",
        "",
        {"role": "bookkeeping"},
    ),
}

Fields = Sequence[FieldSpec] | Callable[[Shop], Sequence[FieldSpec]]


@dataclass(frozen=True)
class NewestRow:
    """An incremental run continues from the newest row of each entity that changed.

    The SQL file reads these rows from the table `incremental_<view>`.

    Attributes:
        load: `changed`: the entities of new events, and all items when a day ended; `day_ended`:
            all items when a day ended, and none otherwise.
    """

    load: Literal["changed", "day_ended"] = "changed"


@dataclass(frozen=True)
class DailySums:
    """An incremental run continues from sums by day, which `intermediate/<table>.sql` computes.

    Attributes:
        table: name of the table that the SQL file reads.
    """

    table: str


@dataclass(frozen=True)
class Tiles:
    """An incremental run continues from the tiles of a counted view."""


@dataclass(frozen=True)
class WholeLog:
    """Each run reads the staging tables of the whole log again and adds the rows that are new."""


Incremental = NewestRow | DailySums | Tiles | WholeLog
Values = Mapping[str, Any]
Write = Callable[[AnyEvent, Shop], tuple[str, Values] | None]
"""The entity that an event changes and its new field values; None for any other event."""


@dataclass(frozen=True)
class LiveCounts:
    """An event adds the deltas of its measures to a tile; a read sums the tile at its instant."""


@dataclass(frozen=True)
class LiveValues:
    """An event sets fields of one entity; a read takes the newest value of each field.

    The newest value is that of the latest event time; at equal times, of the event seen last.  The
    SQL file applies the same rule to the events up to each row, and returns `event_times`.

    Attributes:
        write: returns the entity and the values that an event sets.
        key: prefix of the keys in Redis; by default `newest:<view>`.
    """

    write: Write
    key: str | None = None


@dataclass(frozen=True)
class LiveFirst:
    """The first event that names a user or session is stored; a read takes the earliest."""


@dataclass(frozen=True)
class LiveLists:
    """An event adds an entry to a list of a user or session; a read merges it with stored arrays.

    Attributes:
        limits: verb → how many entries a row holds at most.
    """

    limits: Mapping[str, int]


@dataclass(frozen=True)
class LiveOwner:
    """A link or unlink sets the owner of a session; a read takes the newest."""


Live = LiveCounts | LiveValues | LiveFirst | LiveLists | LiveOwner


def no_parameters(_: Shop) -> Mapping[str, str]:
    """Return the parameters of an SQL file without placeholders."""
    return {}


def in_every_shop(_: Shop) -> bool:
    """Return True: every shop has the view."""
    return True


@dataclass(frozen=True, kw_only=True)
class ViewSpec:
    """One feature view.

    The Feast view, the transformation, its incremental state, the online rows, the live write and
    merge, erasure, the verification and `docs/features.md` derive from it.

    A built-in view is a spec in this room, a line in `registry.py` and an SQL file.  A shop's
    own package adds a view through an entry point in its pyproject.toml:

        [project.entry-points."aisle.views"]
        item_gifts = "shop_extras.views:ITEM_GIFTS"

    For a windowed count use `CounterView`; its SQL file returns one row per event with the columns
    `<join key>, seen_at, bucket, part` and one column a measure:

        ITEM_GIFTS = CounterView(
            name="item_gifts",
            entity="item",
            description="How often an item is bought as a gift.",
            measures={"gifts": Measure("Purchases as a gift", ("gift",))},
            sql=Path(__file__).with_name("item_gifts.sql"),
        )

    For any other view use `ViewSpec`; its SQL file reads the staging tables (`stg_items`,
    `stg_users`, `stg_rankings`, `stg_impressions`, `stg_interactions`) and returns the join key,
    `event_timestamp` and `created_timestamp` (from when a request may know the row), the fields,
    `event_times` if the view has live values, and `part`.  `seen_at` and `event_time` are in
    microseconds; a row of one event is stamped `make_timestamptz(seen_at + 1)`, a daily row with
    the midnight after its day.

    The model reads the numbers of the view as columns `<view>__<feature>` and `<view>__present`,
    after all other columns.

    Attributes:
        name: of the Feast view, its folder of rows and, by default, its SQL file.
        entity: item, user, session, query, market or arm.
        description: one sentence for readers.
        fields: its features in the order of the schema; a function where they depend on the shop.
        sql: the SQL file; by default `transformations/features/<name>.sql`.
        parameters: text for each `$placeholder` of the SQL file.
        incremental: the stored state that a run over new events continues from.
        live: how an event changes it; None for a view that changes at midnight.
        append_numbers: whether the model reads its numbers unchanged, after all other columns;
            False where a family of request features reads them.
        ttl_seconds: age beyond which a row counts as missing; 0 for never.
        is_declared: whether a shop has the view.
        conditions: by name, what each of its rows must meet, as SQL over its columns; a row that
            does not stops a pipeline (`feature_repo.data_contracts`).
    """

    name: str
    entity: Entity
    description: str
    fields: Fields = ()
    sql: Path | None = None
    parameters: Callable[[Shop], Mapping[str, str]] = no_parameters
    incremental: Incremental = WholeLog()
    live: Live | None = None
    append_numbers: bool = True
    ttl_seconds: int = 0
    is_declared: Callable[[Shop], bool] = in_every_shop
    conditions: Mapping[str, str] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    @property
    def key(self) -> str:
        """The join key of the view's entity."""
        return JOIN_KEYS[self.entity]

    @property
    def freshness(self) -> str:
        """`live`, or `batch:1d` where serving reads the row of the last midnight."""
        return "batch:1d" if self.live is None else "live"

    @property
    def live_key(self) -> str:
        """The prefix of the Redis keys of its live values, before the entity.

        Raises:
            CatalogueError: the view has no live values.
        """
        if isinstance(self.live, LiveOwner):
            return "owner"
        if not isinstance(self.live, LiveValues):
            raise CatalogueError(f"View {self.name!r}: expected LiveValues, found {self.live}.")
        return self.live.key or f"newest:{self.name}"

    @property
    def sql_file(self) -> Path:
        """The SQL file of its rows; for a counted view, of its deltas."""
        return self.sql or FEATURES_SQL / f"{self.name}.sql"

    @property
    def bookkeeping(self) -> tuple[str, ...]:
        """The columns after the fields, which no model reads."""
        return (EVENT_TIMES, PART) if isinstance(self.live, LiveValues) else (PART,)

    def fields_of(self, shop: Shop) -> tuple[FieldSpec, ...]:
        """Return the features that the view has in a shop."""
        return _fields(self, shop)

    def columns_of(self, shop: Shop) -> tuple[FieldSpec, ...]:
        """Return the features that the view has in a shop, then the bookkeeping."""
        return (*self.fields_of(shop), *map(_BOOKKEEPING.__getitem__, self.bookkeeping))

    def value_types(self, shop: Shop) -> dict[str, str]:
        """Return the Feast value type of each column after the join key, in their order."""
        return {column.name: VALUE_TYPES[column.kind] for column in self.columns_of(shop)}

    def ranking_features(self, shop: Shop) -> list[str]:
        """Return the columns of the feature service of rankers: no time, no text but the title."""
        unread = {field.column for field in shop.items_of("text") if field.role != "title"}
        unread = {EVENT_TIMES, *(unread if self.name == "item_attributes" else ())}
        return [name for name in self.value_types(shop) if name not in unread]

    def numbers_of(self, shop: Shop) -> tuple[str, ...]:
        """Return the features that a model reads without conversion."""
        return tuple(field.name for field in self.fields_of(shop) if field.kind in NUMERIC)

    def forgotten(self, shop: Shop) -> list[str]:
        """Return the missing parts of the declaration as texts; none if it is complete."""
        parts = {
            "a name in lower case": self.name.isidentifier() and self.name == self.name.lower(),
            f"an entity of {', '.join(JOIN_KEYS)}": self.entity in JOIN_KEYS,
            "a description": bool(self.description.strip()),
            f"the SQL file {self.sql_file}": self.sql_file.is_file(),
            **self._field_parts(shop),
            **self._live_parts(),
        }
        return [part for part, is_there in parts.items() if not is_there]

    def _field_parts(self, shop: Shop) -> dict[str, bool]:
        fields = self.fields_of(shop)
        return {
            "a field": bool(fields),
            **{f"a description of {one.name}": bool(one.description.strip()) for one in fields},
            **{f"a unit of {one.name}": bool(one.unit.strip()) for one in fields},
        }

    def _live_parts(self) -> dict[str, bool]:
        if isinstance(self.live, LiveValues):
            return {"a live write": callable(self.live.write)}
        if isinstance(self.live, LiveLists):
            return {"limits of its live lists": bool(self.live.limits)}
        return {}


@lru_cache(maxsize=1024)
def _fields(spec: ViewSpec, shop: Shop) -> tuple[FieldSpec, ...]:
    return tuple(spec.fields(shop) if callable(spec.fields) else spec.fields)


def check_complete(spec: ViewSpec, shop: Shop) -> None:
    """Check that no part of a view's declaration was forgotten.

    Raises:
        CatalogueError: names each missing part.
    """
    if missing := spec.forgotten(shop):
        raise CatalogueError(
            f"View {spec.name!r}: expected {'; '.join(missing)}; add it to the view's ViewSpec."
        )
