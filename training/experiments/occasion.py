"""When a rule or an experiment applies to a request."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from feature_repo.events.contract import query_key
from feature_repo.home import instant_of, texts_of


@dataclass(frozen=True)
class Occasion:
    """When a rule applies; an empty condition always holds.

    Attributes:
        queries: keys of queries, without market.
        start, end: instants, µs; the end is excluded.
    """

    queries: frozenset[str] = field(default_factory=frozenset)
    markets: frozenset[str] = field(default_factory=frozenset)
    surfaces: frozenset[str] = field(default_factory=frozenset)
    start: int | None = None
    end: int | None = None

    @classmethod
    def of(cls, table: Mapping[str, Any], path: str) -> "Occasion":
        """Read the keys `query`, `market`, `surface`, `from` and `until` of a table.

        Raises:
            EventError: names the key that is wrong.
        """
        keys = (query_key(text, "") for text in texts_of(table, "query", path))
        return cls(
            frozenset(key for key in keys if key),
            frozenset(texts_of(table, "market", path)),
            frozenset(texts_of(table, "surface", path)),
            instant_of(table.get("from"), f"{path}.from"),
            instant_of(table.get("until"), f"{path}.until"),
        )

    def is_now(self, *, t: int, query: str | None, market: str, surface: str | None) -> bool:
        """Whether the rule applies to a request."""
        return (
            (self.start is None or self.start <= t)
            and (self.end is None or t < self.end)
            and (not self.markets or market in self.markets)
            and (not self.surfaces or surface in self.surfaces)
            and (not self.queries or query_key(query, "") in self.queries)
        )
