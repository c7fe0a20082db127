"""The declaration of a candidate source: its index, its search, and the surfaces it feeds."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import Home
from feature_repo.shop import Shop
from training.retrieval.catalogue import ItemChanges, ItemTable, RankedList, RankedRows
from training.retrieval.indexes import read_actions
from training.retrieval.sources.request import SourceRequest

LAST = 100
"""Order of a source that does not declare one."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")

_QUERIES = """
select
    query,
    sum(gain) as weight,
    count(*) as clicks,
    count(distinct coalesce(user_id, session_id)) as shoppers

from actions
where query is not null
group by query
order by query
"""
_MARKETS = "select distinct market from actions order by market"


class Index(Protocol):
    """A fitted index."""

    def save(self, folder: Path) -> None:
        """Write the index into a build folder."""


@dataclass(frozen=True)
class FitInputs:
    """The inputs of indexes: a home's compacted log and its items."""

    home: Home
    item_table: ItemTable

    @cached_property
    def queries(self) -> pa.Table:
        """Queries that led to clicks: query, weight (sum of gains), clicks, shoppers."""
        return read_actions(self.home, _QUERIES)

    @cached_property
    def languages(self) -> list[str]:
        """The languages of the shop's markets, that of other markets first.

        A shop that declares no market has the languages of the markets in its log.
        """
        shop = self.item_table.shop
        names = [market.name for market in shop.markets]
        if not names:
            names = [DEFAULT_MARKET, *read_actions(self.home, _MARKETS)["market"].to_pylist()]
        return list(dict.fromkeys(shop.market(name).language for name in names))


@dataclass(frozen=True)
class IndexSpec:
    """An index that is fitted, published and loaded with the others.

    Attributes:
        kind: of the artifact; the folder it is published in.
        fit: learn the index.
        load: read a published folder, and fill the caches of the index, so that no request does.
        reads: the log, or only the texts of items; an index of texts is refitted only after they
            change.
        follow: return the index after changes of items, without a new fit; None for an index that
            changes with a new fit only.
    """

    kind: str
    fit: Callable[[FitInputs], Index]
    load: Callable[[Path, Shop], Any]
    reads: Literal["log", "texts"] = "log"
    follow: Callable[[Any, ItemChanges], Any] | None = None

    def __post_init__(self) -> None:
        """Check the declaration.

        Raises:
            ValueError: names the part that is missing or wrong.
        """
        functions = {"fit": self.fit, "load": self.load}
        follow = {} if self.follow is None else {"follow": self.follow}
        _check(f"index {self.kind!r}", functions | follow)
        if follow and self.reads == "texts":
            raise ValueError(
                f"index {self.kind!r}: expected reads='log' with follow: changes start from the "
                "items of the last fit."
            )
        if not _is_name(self.kind):
            raise ValueError(f"index {self.kind!r}: expected a kind of a-z, 0-9 and _.")


@dataclass(frozen=True)
class SourceSpec:
    """A source of candidates.

    Attributes:
        name: used in answers, in the log and in the features `source__<name>_rank` and `_score`.
        description: one line for the documentation.
        search: return the items, best first.  Items that are not for sale, that a filter excludes
            or that the list is about are removed afterwards.
        surfaces: weight in the fused list of each surface that the source feeds; for a source of
            `FOLLOWING`, relative to the order of the other items.
        index: the index that `search` reads; None where it reads live features only.
        also_reads: indexes of other sources that `search` reads.
        is_partial_match: whether the items match the query only in part.  They follow the full
            matches, and count neither in the total nor in the facets.
        order: position among the sources of a surface.  Where fused scores are equal, the item of
            the earlier source comes first.
    """

    name: str
    description: str
    search: Callable[[SourceRequest], RankedList | RankedRows]
    surfaces: Mapping[str, float]
    index: IndexSpec | None = None
    also_reads: tuple[IndexSpec, ...] = ()
    is_partial_match: bool = False
    order: int = LAST

    def __post_init__(self) -> None:
        """Check the declaration.

        Raises:
            ValueError: names the part that is missing or wrong.
        """
        owner = f"source {self.name!r}"
        if not _is_name(self.name):
            raise ValueError(f"{owner}: expected a name of a-z, 0-9 and _.")
        _check(owner, {"search": self.search})
        if not self.description:
            raise ValueError(f"{owner}: expected a description, found none.")
        if not self.surfaces:
            raise ValueError(f"{owner}: expected the surfaces it feeds, found none.")
        for surface, weight in self.surfaces.items():
            if not weight > 0:
                raise ValueError(
                    f"{owner}: expected a weight above 0 on surface {surface!r}, found {weight}."
                )
        if self.index is not None and not isinstance(self.index, IndexSpec):
            raise ValueError(f"{owner}: expected index to be an IndexSpec, found {self.index!r}.")


def _is_name(text: Any) -> bool:
    return isinstance(text, str) and _NAME.fullmatch(text) is not None


def _check(owner: str, functions: Mapping[str, Any]) -> None:
    for name, function in functions.items():
        if not callable(function):
            raise ValueError(f"{owner}: expected {name} to be a function, found {function!r}.")
