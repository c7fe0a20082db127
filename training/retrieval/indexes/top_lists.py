"""Top lists of items by market and category: popular and trending items."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from feature_repo.home import DAY, ArtifactError, Home
from feature_repo.request_features.context import as_values
from feature_repo.shop import ShopField
from training.retrieval.catalogue import Fields, ItemChanges, ItemTable, RankedList
from training.retrieval.indexes.actions import read_actions

FILE = "charts.json"
LONGEST, LONGEST_OF_CATEGORY = 1000, 300
"""Maximum length of a list of all categories, and of one category."""

EVERYWHERE = "*"
HALF_LIFE_DAYS = 14
RECENT_DAYS, BASELINE_DAYS = 2, 14

_LISTS = """
in_lists as (

    select market, '' as category, item_id, value from scored
    union all
    select market, categories.category, item_id, value
    from scored inner join categories using (item_id)

)

select market, category, item_id, value::double as score
from in_lists
where value is not null
qualify row_number() over (
    partition by market, category order by value desc, item_id
) <= if(category = '', $longest, $longest_of_category)
order by market, category, score desc, item_id
"""

_ACTIONS = """
everywhere as (

    select * from actions
    union all by name
    select * replace ($everywhere as market) from actions

),

acted as (

    select *, (select max(t) from actions) as last
    from everywhere
    where item_id in (select item_id from for_sale)

)
"""

_POPULAR = """
with {acted},

scored as (

    -- whole numbers, whose sum is the same in every order
    select
        market,
        item_id,
        sum(round(1e9 * gain * pow(0.5, (last - t) / ($half_life * $day)))::bigint) / 1e9 as value

    from acted
    group by market, item_id

),

{lists}
"""

_TRENDING = """
with {acted},

counted as (

    select
        market,
        item_id,
        coalesce(sum(gain) filter (t > last - $recent * $day), 0) as recent,
        coalesce(sum(gain) filter (t <= last - $recent * $day), 0)
            * $recent / $baseline as expected

    from acted
    where t > last - ($recent + $baseline) * $day
    group by market, item_id

),

scored as (

    select market, item_id, (recent - expected) / sqrt(expected + 1) as value
    from counted
    where recent > expected

),

{lists}
"""


@dataclass(frozen=True)
class TopLists:
    """Lists of items, best first.

    Attributes:
        lists: by (market, category); "*" is all markets, "" all categories.
    """

    lists: Mapping[tuple[str, str], RankedList] = field(default_factory=dict)

    @classmethod
    def popular(cls, home: Home, item_table: ItemTable) -> "TopLists":
        """Rank items by the label gains of their interactions, halved every fortnight."""
        parameters = {"half_life": HALF_LIFE_DAYS, "day": DAY, "everywhere": EVERYWHERE}
        return cls.fit(home, item_table, _POPULAR, parameters)

    @classmethod
    def trending(cls, home: Home, item_table: ItemTable) -> "TopLists":
        """Rank items by recent gain r against expected gain e: (r − e) / √(e + 1).

        Recent are the last two days; the fortnight before gives the expectation.
        """
        parameters = {
            "recent": RECENT_DAYS,
            "baseline": BASELINE_DAYS,
            "day": DAY,
            "everywhere": EVERYWHERE,
        }
        return cls.fit(home, item_table, _TRENDING, parameters)

    @classmethod
    def best(cls, scores: Mapping[str, float]) -> "TopLists":
        """Build the lists from item scores that are the same in every market and category."""
        return cls({(EVERYWHERE, ""): RankedList.best(scores, LONGEST)})

    @classmethod
    def fit(
        cls, home: Home, item_table: ItemTable, sql: str, parameters: Mapping[str, object]
    ) -> "TopLists":
        """Rank items by SQL that ends in `{lists}` and has the table `scored` of its docstring."""
        tables = {
            "for_sale": item_table.table.select(["item_id"]),
            "categories": _categories_of(item_table),
        }
        text = sql.format(acted=_ACTIONS, lists=_LISTS)
        limits = {"longest": LONGEST, "longest_of_category": LONGEST_OF_CATEGORY}
        rows = read_actions(home, text, {**parameters, **tables, **limits})
        return cls(_lists(rows))

    def search(self, market: str, size: int, category: str | None = None) -> RankedList:
        """Return the list of a market and category, else the list of all markets."""
        for list_market in (market, EVERYWHERE):
            ranked = self.lists.get((list_market, category or ""))
            if ranked is not None:
                return RankedList(ranked.item_ids[:size], ranked.scores[:size])
        return RankedList()

    def shares(self, market: str) -> Mapping[str, float]:
        """Return the score of each item of a market, relative to the highest."""
        return self._shares.get(market) or self._shares.get(EVERYWHERE, {})

    @cached_property
    def _shares(self) -> dict[str, dict[str, float]]:
        return {
            market: {
                item: score / ranked.scores[0]
                for item, score in zip(ranked.item_ids, ranked.scores, strict=True)
            }
            for (market, category), ranked in self.lists.items()
            if not category
        }

    def with_changes(
        self, changes: ItemChanges, score_of: Callable[[str], float | None] = lambda _: None
    ) -> "TopLists":
        """Return the lists after items entered or left categories.

        Args:
            changes: of items.
            score_of: returns the score of an item in the lists of all markets.  Where it is None,
                an item has the score of a list that it was in.
        """
        moves, moved = self._moves(changes), dict[tuple[str, str], RankedList]()
        for market in {EVERYWHERE, *(market for market, _ in self.lists)} if moves else ():
            moved |= self._moved(market, moves, score_of if market == EVERYWHERE else _no_score)
        return TopLists({**self.lists, **moved}) if moved else self

    def _moves(self, changes: ItemChanges) -> list["_Move"]:
        """Return the items whose categories changed.

        A deleted item stays in its lists, so that it has its score when it is restored.
        """
        field, moves = changes.after.shop.item_role("category"), []
        for item_id, old, new in changes:
            if new is not None:
                is_restored = item_id in changes.restored
                before = self._listing(item_id) if is_restored else _lists_of(old, field)
                after = _lists_of(new, field)
                if before != after:
                    moves.append(_Move(item_id, before - after, after - before))
        return moves

    def _listing(self, item_id: str) -> frozenset[str]:
        """Return the categories whose lists have an item."""
        lists = self.lists.items()
        return frozenset(name for (_, name), ranked in lists if item_id in ranked.item_ids)

    def _moved(
        self, market: str, moves: Sequence["_Move"], score_of: Callable[[str], float | None]
    ) -> dict[tuple[str, str], RankedList]:
        """Return the lists of a market that items entered or left."""
        concerned = {""}.union(*(move.left | move.entered for move in moves))
        lists = {name: self.lists.get((market, name), RankedList()) for name in concerned}
        scores = {
            name: dict(zip(ranked.item_ids, ranked.scores, strict=True))
            for name, ranked in lists.items()
        }
        changed = set[str]()
        for item_id, left, entered in moves:
            score = score_of(item_id)
            if score is None:
                listed = (scores[name].get(item_id) for name in ("", *left, *entered))
                score = next((one for one in listed if one is not None), None)
            changed.update(name for name in left if scores[name].pop(item_id, None) is not None)
            if score is not None:
                changed |= entered
                for name in entered:
                    scores[name][item_id] = score
        return {
            (market, name): RankedList.best(scores[name], LONGEST_OF_CATEGORY if name else LONGEST)
            for name in changed
        }

    def save(self, folder: Path) -> None:
        """Write the lists into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        table = [
            [market, category, list(ranked.item_ids), list(ranked.scores)]
            for (market, category), ranked in self.lists.items()
        ]
        (folder / FILE).write_text(json.dumps(table, indent=0))

    @classmethod
    def load(cls, folder: Path) -> "TopLists":
        """Read the lists.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            table = json.loads((folder / FILE).read_text())
            return cls({(m, c): RankedList(ids, scores) for m, c, ids, scores in table})
        except (OSError, ValueError, TypeError) as error:
            raise ArtifactError(f"{folder / FILE}: expected lists of items: {error}.") from None


class _Move(NamedTuple):
    """An item that left or entered lists, by category; "" is all categories."""

    item_id: str
    left: frozenset[str]
    entered: frozenset[str]


def _lists_of(item: Fields | None, field: ShopField | None) -> frozenset[str]:
    if item is None:
        return frozenset()
    return frozenset({"", *as_values(item.get(field.column) if field else None)})


def _no_score(_: str) -> None:
    return None


def _categories_of(item_table: ItemTable) -> pa.Table:
    """Return item and category of every item, one row for each category."""
    role = item_table.shop.item_role("category")
    if role is None:
        return pa.table({"item_id": pa.nulls(0, pa.string()), "category": pa.nulls(0, pa.string())})
    coded = item_table.coded(role)
    return pa.table(
        {
            "item_id": pa.array([item_table.item_ids[row] for row in coded.rows], pa.string()),
            "category": pa.array([coded.values[code] for code in coded.codes], pa.string()),
        }
    )


def _lists(rows: pa.Table) -> dict[tuple[str, str], RankedList]:
    lists: dict[tuple[str, str], tuple[list[str], list[float]]] = {}
    for row in rows.to_pylist():
        ids, scores = lists.setdefault((row["market"], row["category"]), ([], []))
        ids.append(row["item_id"])
        scores.append(row["score"])
    return {key: RankedList(ids, scores) for key, (ids, scores) in lists.items()}
