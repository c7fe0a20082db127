"""The counted views: what is counted, of whom, over which windows.

A count over W days is the sum of the last W day-buckets, the current one included, exact at the
instant of the request.  To add a measure, add a line here and one to the SQL file of its view's
deltas, `transformations/features/<view>.sql`; to add a view, add both whole.  Live counts follow
from what is declared here, counts of the past from the SQL; tests hold the two together.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.home import CatalogueError

WINDOWS: dict[str, int | None] = {"1d": 1, "7d": 7, "30d": 30, "all": None}
"""Window name → its length in day-buckets; None never ends."""

STORED_AS, TILES = "stored_as", "tiles"
"""Tag of a feature view whose online values are tiles, and its value."""

_EVERY_DELTA = ("seen_at", "bucket", "part")
"""Columns of deltas beside the entity's key and the measures."""

IMPRESSION, SEARCH, EMPTY_SEARCH = "impression", "search", "empty_search"
"""What a ranking event is: one impression an item, and one search, which may find nothing."""

MINOR_UNITS, LARGEST_AMOUNT = 100, 1e10
"""Money is counted in hundredths; an amount beyond the largest is a defect and counts as none."""


@dataclass(frozen=True)
class Measure:
    """What one column of deltas counts.

    Attributes:
        meaning: for people.
        of: `IMPRESSION`, `SEARCH`, `EMPTY_SEARCH`, or types of interactions.
        adds: `events`, 1 for each and −1 for a correction; `money`, the interaction's value in
            minor units with the same sign; `corrections`, 1 for a correction and else nothing.
        read: whether a model reads the counts as they are; a rate alone is enough of what is rare.
    """

    meaning: str
    of: tuple[str, ...]
    adds: Literal["events", "money", "corrections"] = "events"
    read: bool = True

    @property
    def unit(self) -> str:
        """Of its counts, for people."""
        return "minor units of money" if self.adds == "money" else "events"

    def delta(self, what: str, sign: int, amount: int) -> int:
        """What one event adds.

        >>> Measure("Money spent", ("purchase",), "money").delta("purchase", -1, 1990)
        -1990
        """
        if what not in self.of:
            return 0
        return {"events": sign, "money": sign * amount, "corrections": int(sign < 0)}[self.adds]


@dataclass(frozen=True)
class CounterView:
    """One counted view.

    Attributes:
        name: of the feature view, of its SQL file and of its folder of rows.
        entity: item, user or query.
        key: the entity's join key.
        measures: name → what it counts, in the order of the view's schema.
        description: of the view, for people.
    """

    name: str
    entity: str
    key: str
    measures: dict[str, Measure]
    description: str

    @cached_property
    def features(self) -> tuple[str, ...]:
        """`<measure>_<window>`, measure by measure, in the order of the view's schema."""
        return tuple(f"{measure}_{window}" for measure in self.measures for window in WINDOWS)

    def check_columns(self, columns: Iterable[str]) -> None:
        """Hold the columns of the view's deltas against its measures.

        Raises:
            CatalogueError: a measure has no column, or a column is no measure.
        """
        computed = set(columns) - {self.key, *_EVERY_DELTA}
        if forgotten := sorted(set(self.measures) - computed):
            raise CatalogueError(
                f"{self.name}.sql: expected a column {forgotten[0]!r}, a measure of "
                "feature_repo/views/counters.py; add it, or take the measure out."
            )
        if surplus := sorted(computed - set(self.measures)):
            raise CatalogueError(
                f"{self.name}: expected a measure {surplus[0]!r} in "
                f"feature_repo/views/counters.py, as "
                f"{self.name}.sql computes it; add it, or take the column out."
            )

    def deltas(self, what: str, sign: int = 1, amount: int = 0) -> tuple[int, ...]:
        """What one event adds to each measure; empty where it adds to none."""
        deltas = tuple(m.delta(what, sign, amount) for m in self.measures.values())
        return deltas if any(deltas) else ()


SHOWN = Measure("Items shown", (IMPRESSION,))
SEARCHES = Measure("Slates shown", (SEARCH, EMPTY_SEARCH))
QUERIES = Measure("Slates shown for a query", (SEARCH, EMPTY_SEARCH))
ZERO_RESULTS = Measure("Searches that found nothing", (EMPTY_SEARCH,), read=False)
VIEWS = Measure("Times an item was looked at", ("view",))
CLICKS = Measure("Interactions that say a shopper wanted an item", POSITIVE_TYPES)
CARTS = Measure("Times an item was put in a cart", ("add_to_cart",))
ORDERS = Measure("Purchases of an item, less those taken back", ("purchase",))
REVENUE = Measure("Value of those purchases", ("purchase",), "money")
RETURNS = Measure("Purchases that were taken back", ("purchase",), "corrections")

_DEMAND = {"clicks": CLICKS, "carts": CARTS, "orders": ORDERS, "revenue": REVENUE}
_ASKED = {"searches": SEARCHES, "zero_results": ZERO_RESULTS}
_RESPONSE = {"impressions": SHOWN, "views": VIEWS, **_DEMAND, "returns": RETURNS}

COUNTER_VIEWS = (
    CounterView(
        "item_engagement", "item", "item_id", _RESPONSE,
        "How shoppers responded to an item.",
    ),
    CounterView(
        "user_engagement", "user", "user_id", _RESPONSE,
        "How much a user has seen and what the user did about it.",
    ),
    CounterView(
        "query_engagement", "query", "query_key", {**_ASKED, **_DEMAND},
        "How often a query is asked, finds nothing, and how often its answers please.",
    ),
)  # fmt: skip

MARKET_MEASURES = {
    "impressions": SHOWN, **_ASKED, "queries": QUERIES, **_DEMAND, "returns": RETURNS,
}  # fmt: skip
"""What `market_baseline` sums up, once a day."""


def minor_units(value: float | None) -> int:
    """An amount of money in whole minor units; 0 where there is none, or an impossible one.

    >>> minor_units(19.9), minor_units(None), minor_units(1e300)
    (1990, 0, 0)
    """
    if value is None or not abs(value) < LARGEST_AMOUNT:
        return 0
    return round(value * MINOR_UNITS)


def tiles_of(rows: Path) -> Path:
    """Where the sums lie from which a counted view's tiles are loaded, given where its rows lie."""
    return rows.parent / "_tiles" / rows.name
