"""Propose synonyms from the log, with the evidence of each; a person decides what becomes active.

Evidence is of two kinds.  A reformulation: a shopper searched without a click, and within ten
minutes again with one, with other words in one place.  A co-click: two queries that differ in one
place lead to clicks on the same items.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import duckdb
import numpy as np
from rapidfuzz.distance import OSA

from feature_repo.events.contract import DEFAULT_MARKET
from feature_repo.home import SECOND, Home
from feature_repo.shop import Shop
from training.dataset import compacted
from training.query_understanding import stem, words
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import item_texts, read_actions

LEAST_SHOPPERS = 3
"""Shoppers of a reformulation, and of the clicks of a query: fewer may be one person's habit."""

LEAST_ITEMS, LEAST_SIMILARITY = 2, 0.5
"""Items that both queries lead to, and the cosine of their clicks."""

MOST_SECONDS = 600
MOST_WORDS = 3
MOST_QUERIES_OF_ITEM = 50
_LONG = 8

_SEARCHES = """
select
    coalesce(user_id, session_id) as shopper,
    coalesce(market, $default_market) as market,
    query,
    epoch_us(event_time) as t
from read_parquet($rankings)
where query is not null and coalesce(user_id, session_id) is not null
order by shopper, market, t
"""
_CLICKS = """
select coalesce(user_id, session_id) as shopper, market, query, item_id
from actions
where query is not null and coalesce(user_id, session_id) is not null
group by all
order by all
"""

Phrase = tuple[str, ...]
Pair = tuple[str, Phrase, Phrase]
"""A market, and two phrases in the order of their words."""


@dataclass(frozen=True)
class Proposal:
    """Two phrases that shoppers may use for the same items.

    Attributes:
        market: of the searches.
        words: the phrase that finds the other one.
        to: the other phrase.
        is_two_way: whether each finds the other; no item has the words of a one-way synonym.
        reformulations: shoppers who replaced one by the other, and then clicked.
        shared_items: items that were clicked after both queries.
        similarity: cosine of the clicks of both queries, 0 to 1; the highest of all such queries.
    """

    market: str
    words: str
    to: str
    is_two_way: bool
    reformulations: int
    shared_items: int
    similarity: float

    def to_toml(self) -> str:
        """Return the entry of `synonyms.toml`, with the evidence as a comment."""
        both = f'words = ["{self.words}", "{self.to}"]'
        one = f'words = ["{self.words}"]\nto = ["{self.to}"]'
        market = "" if self.market == DEFAULT_MARKET else f'market = ["{self.market}"]\n'
        return (
            f"# {self.reformulations} shoppers replaced one by the other; {self.shared_items} "
            f"items are clicked after both, similarity {self.similarity:.2f}\n"
            f"[[synonym]]\n{both if self.is_two_way else one}\n{market}"
        )


def propose_synonyms(home: Home) -> list[Proposal]:
    """Return the proposals of a home's log, those with the most evidence first."""
    clicks: list[dict[str, str]] = read_actions(home, _CLICKS).to_pylist()
    replaced = _reformulations(_searches(home), clicks)
    shared = _co_clicks(clicks)
    has = _Vocabulary(home)
    proposals = [
        proposal
        for pair in sorted(replaced.keys() | shared.keys())
        if (proposal := _proposal(pair, replaced.get(pair, 0), shared.get(pair, (0, 0.0)), has))
    ]
    return sorted(proposals, key=lambda one: (-one.similarity, -one.reformulations, one.words))


def _proposal(
    pair: Pair, shoppers: int, shared: tuple[int, float], has: "_Vocabulary"
) -> Proposal | None:
    market, one, other = pair
    if has.are_forms_of_one(market, one, other):
        return None
    items, similarity = shared
    used = [has.has(market, phrase) for phrase in (one, other)]
    is_shared = items >= LEAST_ITEMS and similarity >= LEAST_SIMILARITY
    # Shoppers who replace a brand by another one are no evidence that both are the same.
    is_replaced = shoppers >= LEAST_SHOPPERS and not all(used)
    if not any(used) or not (is_shared or is_replaced):
        return None
    first, second = (one, other) if not used[0] or used[1] else (other, one)
    return Proposal(
        market,
        " ".join(first),
        " ".join(second),
        all(used),
        shoppers,
        items,
        round(similarity, 4),
    )


def difference(one: Phrase, other: Phrase) -> tuple[Phrase, Phrase] | None:
    """Return the words in the one place where two queries differ; None for more or no places.

    >>> difference(("red", "sneakers", "38"), ("red", "running", "shoes", "38"))
    (('sneakers',), ('running', 'shoes'))
    >>> difference(("red", "shoes"), ("red", "leather", "shoes")) is None
    True
    """
    start = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return None
    end = 0
    while end < min(len(one), len(other)) - start and one[-1 - end] == other[-1 - end]:
        end += 1
    pair = one[start : len(one) - end], other[start : len(other) - end]
    sizes = {len(phrase) for phrase in pair}
    return pair if 0 not in sizes and max(sizes) <= MOST_WORDS else None


def _searches(home: Home) -> list[dict[str, Any]]:
    rankings = compacted(home, "ranking")
    if not rankings:
        return []
    parameters = {"rankings": rankings, "default_market": DEFAULT_MARKET}
    with duckdb.connect() as db:
        searches: list[dict[str, Any]] = (
            db.sql(_SEARCHES, params=parameters).to_arrow_table().to_pylist()
        )
    return searches


def _reformulations(
    searches: Iterable[Mapping[str, Any]], clicks: Iterable[Mapping[str, str]]
) -> dict[Pair, int]:
    """Return the number of shoppers of each reformulation that led to a click."""
    clicked = {(row["shopper"], row["market"], row["query"]) for row in clicks}
    shoppers: dict[Pair, set[str]] = defaultdict(set)
    before: Mapping[str, Any] | None = None
    for row in searches:
        key = row["shopper"], row["market"]
        is_next = before is not None and (before["shopper"], before["market"]) == key
        if (
            before is not None
            and is_next
            and row["t"] - before["t"] <= MOST_SECONDS * SECOND
            and (*key, row["query"]) in clicked
            and (*key, before["query"]) not in clicked
            and (pair := _pair(row["market"], before["query"], row["query"]))
        ):
            shoppers[pair].add(row["shopper"])
        before = row
    return {pair: len(of) for pair, of in shoppers.items()}


def _co_clicks(clicks: Iterable[Mapping[str, str]]) -> dict[Pair, tuple[int, float]]:
    """Return the shared items and the cosine of the clicks of queries that differ in one place."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    shoppers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in clicks:
        query = row["market"], row["query"]
        counts[query][row["item_id"]] += 1
        shoppers[query].add(row["shopper"])
    queries_of: dict[tuple[str, str], list[str]] = defaultdict(list)
    for (market, text), items in counts.items():
        if len(shoppers[market, text]) >= LEAST_SHOPPERS:
            for item in items:
                queries_of[market, item].append(text)
    evidence: dict[Pair, tuple[int, float]] = {}
    compared: set[tuple[str, str, str]] = set()
    for (market, _), texts in queries_of.items():
        for one, other in combinations(sorted(texts)[:MOST_QUERIES_OF_ITEM], 2):
            pair = None if (market, one, other) in compared else _pair(market, one, other)
            compared.add((market, one, other))
            if pair is not None:
                both = _similarity(counts[market, one], counts[market, other])
                evidence[pair] = max(evidence.get(pair, both), both, key=lambda pair: pair[1])
    return evidence


def _similarity(one: Mapping[str, int], other: Mapping[str, int]) -> tuple[int, float]:
    shared = one.keys() & other.keys()
    lengths = [float(np.linalg.norm([*counts.values()])) for counts in (one, other)]
    product = sum(one[item] * other[item] for item in shared)
    return len(shared), product / (lengths[0] * lengths[1])


def _pair(market: str, one: str, other: str) -> Pair | None:
    differing = difference(tuple(words(one)), tuple(words(other)))
    if differing is None or any(not word.isalpha() for phrase in differing for word in phrase):
        return None
    first, second = sorted(differing)
    return market, first, second


class _Vocabulary:
    """The stems of the items' texts, by language."""

    def __init__(self, home: Home) -> None:
        """Read the items of a home."""
        self._shop, self._items = Shop.load(home.shop_toml), ItemTable.fit(home)
        self._stems: dict[str, frozenset[str]] = {}

    def has(self, market: str, phrase: Phrase) -> bool:
        """Whether the items of a shop have all words of a phrase."""
        language = self._shop.market(market).language
        if language not in self._stems:
            texts = (" ".join(of) for of in item_texts(self._items, language))
            self._stems[language] = frozenset(
                stem(word, language) for text in texts for word in words(text)
            )
        return all(stem(word, language) in self._stems[language] for word in phrase)

    def are_forms_of_one(self, market: str, one: Phrase, other: Phrase) -> bool:
        """Whether search treats two phrases as one already: stems, typos, joined words."""
        language = self._shop.market(market).language
        joined, compared = "".join(one), "".join(other)
        most = 1 if min(len(joined), len(compared)) < _LONG else 2
        return [stem(word, language) for word in one] == [
            stem(word, language) for word in other
        ] or OSA.distance(joined, compared, score_cutoff=most) <= most
