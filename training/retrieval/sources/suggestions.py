"""What autocomplete suggests: queries, categories, brands, titles and ids of items, by market."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.request_features.context import as_values
from feature_repo.shop import Role, Shop, folded_value
from training.query_understanding import INTENTS
from training.retrieval.catalogue import Fields, ItemChanges, ItemTable
from training.retrieval.indexes import (
    COMPLETIONS,
    LEAST_SHOPPERS,
    Completions,
    Phrase,
    has_title,
    item_texts,
    read_actions,
    text_choices,
    text_of,
    typed_codes,
)
from training.retrieval.sources.spec import IndexSpec

TITLE_WEIGHT = 0.5
"""Weight of a title among completions; a category, a brand or a query weighs 1 or more."""

QUERIES = """
select
    query,
    market,
    sum(gain) as weight,
    count(distinct coalesce(user_id, session_id)) as shoppers

from actions
where query is not null
group by all
order by all
"""

Markets = tuple[str, ...] | None


def fit_completions(
    item_table: ItemTable, queries: Iterable[dict[str, object]], languages: Sequence[str]
) -> Completions:
    """Collect what autocomplete may suggest.

    Queries come first, by label gain; then categories and brands, by number of items; then titles.

    Args:
        item_table: the items.
        queries: query, market, weight and shoppers of each query in each market.
        languages: of the shop's markets.
    """
    shop, markets = item_table.shop, _markets_of_items(item_table)
    typed = [
        Phrase(
            str(row["query"]),
            "query",
            1.0 + float(row["weight"]),  # type: ignore[arg-type]
            markets=None
            if row["market"] == DEFAULT_MARKET
            else (folded_value(str(row["market"])),),
        )
        for row in queries
        if int(row["shoppers"]) >= LEAST_SHOPPERS  # type: ignore[call-overload]
    ]
    named = [phrase for role in INTENTS for phrase in _values(item_table, role, markets)]
    titles = [
        _item(shop, language, item_id, title, of)
        for language in (languages if shop.markets else languages[:1])
        for item_id, (title, _), of in zip(
            item_table.item_ids, item_texts(item_table, language), markets, strict=True
        )
    ]
    shown = [one for one in titles if one.markets is None or one.markets]
    codes = {
        item_id: codes
        for item_id, row in zip(item_table.item_ids, _code_rows(item_table), strict=True)
        if (codes := typed_codes(shop, row))
    }
    return Completions.fit([*typed, *named, *(one for one in shown if one.text)], shown, codes)


def follow_completions(completions: Completions, changes: ItemChanges) -> Completions:
    """Add the titles, categories and brands of changed items, and the ids of new ones."""
    shop = changes.after.shop
    languages = list(dict.fromkeys(market.language for market in shop.markets))
    titles = [
        phrase
        for language in languages or [shop.market(DEFAULT_MARKET).language]
        for phrase in _changed_titles(changes, language)
    ]
    values = [
        Phrase(value, role, _weight(1), markets=_markets(shop, new))
        for role in INTENTS
        for value, new in _changed_values(changes, role)
    ]
    codes = {
        item_id: codes
        for item_id, _, new in changes
        if new is not None and (codes := typed_codes(shop, new))
    }
    gone = {
        (item_id, before)
        for language in languages or [shop.market(DEFAULT_MARKET).language]
        for item_id, before, after in _titles(changes, language)
        if before is not None and before != after
    }
    phrases = [*(one for one in titles if one.text), *values]
    return completions.with_phrases(phrases, titles, codes, gone)


def _titles(changes: ItemChanges, language: str) -> Iterator[tuple[str, str | None, str | None]]:
    """Yield changed items with their titles before and after; None where they are not for sale."""
    shop = changes.after.shop
    choices, titled = text_choices(shop, language), has_title(shop)
    for item_id, old, new in changes:
        before, after = text_of(old, choices, titled), text_of(new, choices, titled)
        yield item_id, before and before[0], after and after[0]


def _changed_titles(changes: ItemChanges, language: str) -> list[Phrase]:
    """Return the titles that changed items did not have before."""
    shop, fields = changes.after.shop, {item_id: new for item_id, _, new in changes}
    phrases = [
        _item(shop, language, item_id, after, _markets(shop, fields[item_id] or {}))
        for item_id, before, after in _titles(changes, language)
        if after is not None and after != before
    ]
    return [one for one in phrases if one.markets is None or one.markets]


def _code_rows(item_table: ItemTable) -> Iterator[Fields]:
    """Yield the fields of each item that may have codes, by column."""
    shop = item_table.shop
    fields = [*shop.items_of("text", "category"), *shop.items_of("number")]
    names = [field.column for field in fields if field.role is None]
    columns = [item_table.table[name].to_pylist() for name in names]
    for row in range(item_table.size):
        yield {name: column[row] for name, column in zip(names, columns, strict=True)}


def _changed_values(changes: ItemChanges, role: Role) -> list[tuple[str, Fields]]:
    """Return the texts that changed items did not have before in the field with a role."""
    field = changes.after.shop.item_role(role)
    if field is None:
        return []
    return [
        (text, new)
        for _, old, new in changes
        if new is not None and new.get(field.column) != (old or {}).get(field.column)
        for text in as_values(new.get(field.column))
    ]


def _item(shop: Shop, language: str, item_id: str, title: str, sold_in: Markets) -> Phrase:
    """Return the title of an item for the markets of a language that sell it."""
    markets = sold_in
    if shop.markets:
        reading = [folded_value(m.name) for m in shop.markets if m.language == language]
        markets = tuple(name for name in reading if sold_in is None or name in sold_in)
        if sold_in is None and len(reading) == len(shop.markets):
            markets = None
    return Phrase(title, "title", TITLE_WEIGHT, item_id, markets)


def _markets(shop: Shop, fields: Fields) -> Markets:
    """Return the markets that sell an item; None for all."""
    field = shop.item_role("market")
    values = () if field is None else as_values(fields.get(field.column))
    return tuple(sorted(map(folded_value, values))) or None


def _markets_of_items(item_table: ItemTable) -> list[Markets]:
    field = item_table.shop.item_role("market")
    markets: list[Markets] = [None] * len(item_table.item_ids)
    if field is None:
        return markets
    coded = item_table.coded(field)
    folded = [(folded_value(value),) for value in coded.values]
    for row, code in zip(coded.rows.tolist(), coded.codes.tolist(), strict=True):
        markets[row] = (*(markets[row] or ()), *folded[code]) if markets[row] else folded[code]
    return markets


def _values(item_table: ItemTable, role: Role, markets: Sequence[Markets]) -> list[Phrase]:
    """Return the values of the field with a role, each in the markets of its items."""
    field = item_table.shop.item_role(role)
    if field is None:
        return []
    coded = item_table.coded(field)
    counts = coded.counts(np.ones(item_table.size, dtype=np.bool_)).tolist()
    sold: list[set[str] | None] = [set() for _ in coded.values]
    for row, code in zip(coded.rows.tolist(), coded.codes.tolist(), strict=True):
        of, already = markets[row], sold[code]
        if of is None:
            sold[code] = None
        elif already is not None:
            already.update(of)
    return [
        Phrase(value, role, _weight(count), markets=None if of is None else tuple(sorted(of)))
        for value, count, of in zip(coded.values, counts, sold, strict=True)
    ]


def _weight(items: int) -> float:
    """Return the weight of a category or brand with so many items."""
    return min(1.0 + items / 1000, 2.0)


def _load(folder: Path, _: Shop) -> Completions:
    completions = Completions.load(folder)
    completions.search("a", 1)
    return completions


INDEX = IndexSpec(
    COMPLETIONS,
    lambda inputs: fit_completions(
        inputs.item_table, read_actions(inputs.home, QUERIES).to_pylist(), inputs.languages
    ),
    _load,
    follow=follow_completions,
)
