"""The counted views: their entities, measures and windows.

A count over W days is the sum of the last W day-buckets, the current one included, exact at the
instant of the request.  To add a measure, add a line here and one to the SQL file of its view's
deltas, `transformations/features/<view>.sql`.  Live counts derive from this declaration, historical
counts from the SQL; tests compare the two.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from feature_repo.events.contract import DECISION, POSITIVE_TYPES, REWARD
from feature_repo.home import CatalogueError
from feature_repo.shop import Shop
from feature_repo.views.spec import (
    FEATURES_SQL,
    JOIN_KEYS,
    FieldSpec,
    Incremental,
    Live,
    LiveCounts,
    Tiles,
    ViewSpec,
)

WINDOWS: dict[str, int | None] = {"1d": 1, "7d": 7, "30d": 30, "all": None}
"""Window name → its length in day-buckets; None never ends."""

STORED_AS, TILES = "stored_as", "tiles"
"""Tag of a feature view whose online values are tiles, and its value."""

_COLUMNS_OF_EVERY_DELTA = ("seen_at", "bucket", "part")
"""In addition to the entity's key and the measures."""

IMPRESSION, SEARCH, EMPTY_SEARCH = "impression", "search", "empty_search"
"""A ranking event counts as one impression an item and one search, empty without items."""

MINOR_UNITS, LARGEST_AMOUNT = 100, 1e10
"""Money is counted in hundredths; an amount beyond the largest is a defect and counts as 0."""


@dataclass(frozen=True)
class Measure:
    """One measure of a counted view: a column of its deltas.

    Attributes:
        meaning: its description for readers.
        of: `IMPRESSION`, `SEARCH`, `EMPTY_SEARCH`, or types of interactions.
        adds: `events`, 1 for each and −1 for a correction; `money`, the interaction's value in
            minor units with the same sign; `corrections`, 1 for a correction and else nothing.
        read: whether a model reads the counts; for a rare measure its rate is enough.
    """

    meaning: str
    of: tuple[str, ...]
    adds: Literal["events", "money", "corrections"] = "events"
    read: bool = True

    @property
    def unit(self) -> str:
        """The unit of its counts, for readers."""
        return "minor units of money" if self.adds == "money" else "events"

    def delta(self, what: str, sign: int, amount: int) -> int:
        """Return the delta of one event.

        >>> Measure("Money spent", ("purchase",), "money").delta("purchase", -1, 1990)
        -1990
        """
        if what not in self.of:
            return 0
        return {"events": sign, "money": sign * amount, "corrections": int(sign < 0)}[self.adds]


@dataclass(frozen=True, kw_only=True)
class CounterView(ViewSpec):
    """One counted view; its SQL file returns the deltas of each event, a column a measure.

    Attributes:
        measures: name → measure, in the order of the view's schema.
    """

    measures: Mapping[str, Measure] = field(default_factory=dict)
    incremental: Incremental = field(default_factory=Tiles)
    live: Live | None = field(default_factory=LiveCounts)

    def __hash__(self) -> int:
        return hash(self.name)

    def fields_of(self, shop: Shop) -> tuple[FieldSpec, ...]:  # noqa: ARG002
        """Return a count for each measure and window."""
        return tuple(
            FieldSpec(
                f"{name}_{window}",
                "integer",
                f"{measure.meaning}, {_period(window)}.",
                measure.unit,
                {"measure": name, "window": window},
            )
            for name, measure in self.measures.items()
            for window in WINDOWS
        )

    def numbers_of(self, shop: Shop) -> tuple[str, ...]:  # noqa: ARG002
        """Return the counts of the measures that a model reads."""
        return tuple(
            f"{name}_{window}"
            for name, measure in self.measures.items()
            if measure.read
            for window in WINDOWS
        )

    def forgotten(self, shop: Shop) -> list[str]:
        """Return the missing parts of the declaration, including its measures."""
        parts = {"an entity that events name: item, user or query": self.entity != "market"}
        for name, measure in self.measures.items():
            parts[f"a meaning of measure {name}"] = bool(measure.meaning.strip())
            parts[f"types of events of measure {name}"] = bool(measure.of)
        missing = [part for part, is_there in parts.items() if not is_there]
        return super().forgotten(shop) + missing

    @cached_property
    def features(self) -> tuple[str, ...]:
        """`<measure>_<window>`, measure by measure, in the order of the view's schema."""
        return tuple(f"{measure}_{window}" for measure in self.measures for window in WINDOWS)

    def check_columns(self, columns: Iterable[str]) -> None:
        """Compare the columns of the view's SQL file with its measures.

        Raises:
            CatalogueError: a measure has no column, or a column is not a measure.
        """
        computed = set(columns) - {self.key, *_COLUMNS_OF_EVERY_DELTA}
        if missing := sorted(set(self.measures) - computed):
            raise CatalogueError(
                f"{self.sql_file.name}: expected a column {missing[0]!r}, a measure of view "
                f"{self.name!r}; add the column, or remove the measure."
            )
        if surplus := sorted(computed - set(self.measures)):
            raise CatalogueError(
                f"View {self.name!r}: expected a measure {surplus[0]!r}, as {self.sql_file.name} "
                "computes it; add it to the view's measures, or remove the column."
            )

    def deltas(self, what: str, sign: int = 1, amount: int = 0) -> tuple[int, ...]:
        """Return the delta of one event for each measure; empty if all are 0."""
        deltas = tuple(m.delta(what, sign, amount) for m in self.measures.values())
        return deltas if any(deltas) else ()


SHOWN = Measure("Items shown", (IMPRESSION,))
SEARCHES = Measure("Slates shown", (SEARCH, EMPTY_SEARCH))
QUERIES = Measure("Slates shown for a query", (SEARCH, EMPTY_SEARCH))
ZERO_RESULTS = Measure("Searches without results", (EMPTY_SEARCH,), read=False)
VIEWS = Measure("Views of an item", ("view",))
CLICKS = Measure("Interactions that show interest in an item", POSITIVE_TYPES)
CARTS = Measure("Additions of an item to a cart", ("add_to_cart",))
ORDERS = Measure("Purchases of an item, minus cancelled ones", ("purchase",))
REVENUE = Measure("Value of those purchases", ("purchase",), "money")
RETURNS = Measure("Cancelled purchases", ("purchase",), "corrections")

_DEMAND = {"clicks": CLICKS, "carts": CARTS, "orders": ORDERS, "revenue": REVENUE}
_SEARCHES = {"searches": SEARCHES, "zero_results": ZERO_RESULTS}
_RESPONSE = {"impressions": SHOWN, "views": VIEWS, **_DEMAND, "returns": RETURNS}


def _of_shopper(entity: Literal["user", "session"], description: str) -> CounterView:
    """Count the same for users and for sessions, by the same SQL."""
    return CounterView(
        name=f"{entity}_engagement",
        entity=entity,
        description=description,
        measures=_RESPONSE,
        sql=FEATURES_SQL / "shopper_engagement.sql",
        parameters=lambda _: {"entity": entity, "key": JOIN_KEYS[entity]},
        append_numbers=False,
    )


COUNTER_VIEWS = (
    CounterView(
        name="item_engagement",
        entity="item",
        description="How shoppers responded to an item.",
        measures=_RESPONSE,
        append_numbers=False,
    ),
    _of_shopper("user", "Items shown to a user, and the user's interactions."),
    CounterView(
        name="query_engagement",
        entity="query",
        description="Searches for a query, searches without results, and interactions after them.",
        measures={**_SEARCHES, **_DEMAND},
        append_numbers=False,
    ),
)
"""The built-in counted views whose counts a request's features read."""

SESSION_ENGAGEMENT = _of_shopper("session", "Items shown in a session, and its interactions.")
"""The request's shopper reads it by the names of `user_engagement`."""

ARM_ENGAGEMENT = CounterView(
    name="arm_engagement",
    entity="arm",
    description="Decisions of a bandit for an arm, and rewards of these.",
    measures={
        "decisions": Measure("Decisions for the arm", (DECISION,)),
        "rewards": Measure("Rewarded decisions, by the time of the reward", (REWARD,)),
    },
    append_numbers=False,
)
"""A bandit's posterior derives from it; no ranker reads it."""

MARKET_MEASURES = {
    "impressions": SHOWN,
    **_SEARCHES,
    "queries": QUERIES,
    **_DEMAND,
    "returns": RETURNS,
}
"""The measures that `market_baseline` sums up, once per day."""


def minor_units(value: float | None) -> int:
    """Return an amount of money in whole minor units; 0 if it is missing or impossible.

    >>> minor_units(19.9), minor_units(None), minor_units(1e300)
    (1990, 0, 0)
    """
    if value is None or not abs(value) < LARGEST_AMOUNT:
        return 0
    return round(value * MINOR_UNITS)


def _period(window: str) -> str:
    days = WINDOWS[window]
    return "since its first event" if days is None else f"in the last {days} day-buckets"


def tiles_of(rows: Path) -> Path:
    """Return the folder of a counted view's tile sums, given the folder of its rows."""
    return rows.parent / "_tiles" / rows.name
