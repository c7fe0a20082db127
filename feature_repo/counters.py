"""The counted views: what is counted, of whom, over which windows.

A count over W days is the sum of the last W day-buckets, the current one included, exact at the
instant of the request.  To add a counted view, add a line here and one SQL file of its deltas,
`transformations/features/<view>.sql`; to add a measure, add it to both.
"""

from dataclasses import dataclass
from pathlib import Path

WINDOWS: dict[str, int | None] = {"1d": 1, "7d": 7, "30d": 30, "all": None}
"""Window name → its length in day-buckets; None never ends."""

STORED_AS, TILES = "stored_as", "tiles"
"""Tag of a feature view whose online values are tiles, and its value."""


@dataclass(frozen=True)
class CounterView:
    """One counted view.

    Attributes:
        name: of the feature view, of its SQL file and of its folder of rows.
        entity: item, user or query.
        key: the entity's join key.
        measures: what is counted → its meaning, for people.
        description: of the view, for people.
    """

    name: str
    entity: str
    key: str
    measures: dict[str, str]
    description: str

    @property
    def features(self) -> tuple[str, ...]:
        """`<measure>_<window>`, measure by measure, in the order of the view's schema."""
        return tuple(f"{measure}_{window}" for measure in self.measures for window in WINDOWS)


COUNTER_VIEWS = (
    CounterView(
        "item_engagement",
        "item",
        "item_id",
        {"impressions": "Times the item was shown", "clicks": "Positive interactions with it"},
        "How shoppers responded to an item when it was shown to them.",
    ),
    CounterView(
        "user_engagement",
        "user",
        "user_id",
        {"impressions": "Items shown to the user", "clicks": "The user's positive interactions"},
        "How much a user has seen and how often the user acted on it.",
    ),
    CounterView(
        "query_engagement",
        "query",
        "query_key",
        {"searches": "Slates shown for the query", "clicks": "Positive interactions with them"},
        "How often a query is asked and how often its answers please.",
    ),
)


def tiles_of(rows: Path) -> Path:
    """The sums from which a counted view's tiles are loaded, given the folder of its rows."""
    return rows.parent / "_tiles" / f"{rows.name}.parquet"
