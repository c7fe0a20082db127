"""Indexes that follow changes of items answer as indexes that are fitted on the changed items."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.shop import Shop, ShopField
from tests.scale import examples
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import (
    ItemChanges,
    ItemTable,
    RankedList,
    all_of,
    facets,
    parse_filters,
    sellable,
)
from training.retrieval.indexes import LEXICAL, Completions, LexicalIndexes, Phrase, TopLists
from training.retrieval.indexes.top_lists import EVERYWHERE
from training.retrieval.sources import SourceRequest

FIELDS = {
    "title": pa.string(),
    "brand": pa.string(),
    "tags": pa.list_(pa.string()),
    "price": pa.float64(),
    "new": pa.bool_(),
    "stock": pa.float64(),
    "markets": pa.list_(pa.string()),
}
SHOP = Shop(
    "s",
    (
        ShopField("title", "text", "title", "title"),
        ShopField("brand", "category", "brand", "category"),
        ShopField("tags", "list", "tags"),
        ShopField("price", "number", "price", "price"),
        ShopField("new", "bool", "new"),
        ShopField("stock", "number", "stock", "stock"),
        ShopField("markets", "list", "markets", "market"),
    ),
)
WORDS = ["oak", "Oak", "fig", "elm", "zinc"]
words = st.sampled_from(WORDS)
fields = st.fixed_dictionaries(
    {
        "title": st.none() | st.lists(words, max_size=4).map(" ".join),
        "brand": st.none() | words,
        "tags": st.none() | st.lists(words, max_size=3),
        "price": st.none() | st.sampled_from([0.0, 1.5, 50.0]),
        "new": st.none() | st.booleans(),
        "stock": st.none() | st.sampled_from([0.0, 1.0]),
        "markets": st.none() | st.lists(st.sampled_from(["uk", "de"]), max_size=2),
        "is_deleted": st.sampled_from([False, False, False, True]),
    }
)
item_ids = st.sampled_from([f"i{n}" for n in range(12)])
batches = st.dictionaries(item_ids, fields, max_size=8)
FILTERS = [{}, {"brand": "oak"}, {"tags": ["fig", "elm"]}, {"price": {"max": 2}}, {"new": True}]


@dataclass
class Indexes:
    """The indexes of a shop at one time."""

    items: ItemTable
    lexical: LexicalIndexes
    newest: TopLists

    @classmethod
    def fit(cls, items):
        """Fit on items by id; an item's number is the time when it was first seen."""
        ids = sorted(i for i, one in items.items() if not one["is_deleted"])
        columns = {name: pa.array([items[i][name] for i in ids], t) for name, t in FIELDS.items()}
        table = ItemTable(pa.table({"item_id": pa.array(ids, pa.string()), **columns}), SHOP)
        names = {"", *(items[i]["brand"] for i in ids if items[i]["brand"])}
        lists = {
            (EVERYWHERE, name): RankedList.best(
                {i: first_seen(i) for i in ids if name in ("", items[i]["brand"])}, 300
            )
            for name in names
        }
        return cls(table, LexicalIndexes.fit(table, ["english", "german"]), TopLists(lists))

    def with_changes(self, batch):
        changes = ItemChanges.of(self.items, batch)
        newest = self.newest.with_changes(changes, first_seen)
        return Indexes(changes.after, self.lexical.with_changes(changes), newest)

    def request(self, filters, market, *typed):
        chosen = parse_filters(filters, SHOP)
        eligible = sellable(self.items, market) & all_of(chosen, self.items)
        query = InterpretedQuery(typed)
        indexes = {LEXICAL: self.lexical}.get
        return SourceRequest(market, None, (), chosen, query, None, self.items, eligible, indexes)

    def answer(self, filters, market, *typed):
        """Return what a search says, without scores."""
        request = self.request(filters, market, *typed)
        ids, matching = np.array(self.items.item_ids, object), {}
        for name, matches in (("any", request.matches), ("all", request.full_matches)):
            rows = matches.positions
            flags = np.zeros(self.items.size, np.bool_)
            flags[rows] = True
            matching[name] = ids[rows].tolist(), facets(self.items, flags)
        eligible = request.eligible
        newest = [self.newest.search("uk", 300, name) for name in ("", "oak", "zinc")]
        shown = [ids[request.select(one).rows].tolist() for one in newest]
        return matching, sorted(ids[eligible]), facets(self.items, eligible), shown


def first_seen(item_id):
    return float(int(item_id.strip("ic")) // 2)


@settings(max_examples=examples(25), deadline=None)
@given(batches, st.lists(batches, min_size=1, max_size=4), st.sampled_from(FILTERS))
def test_indexes_with_changes_answer_as_those_fitted_on_the_changed_items(fitted, changes, filters):
    items, live = dict(fitted), Indexes.fit(fitted)
    for batch in changes:
        items |= batch
        live.answer({}, "uk", "oak")
        live = live.with_changes(batch)
    rebuilt = Indexes.fit(items)

    for market in ("uk", "nowhere"):
        for typed in (("oak",), ("fig", "zinc")):
            expected = rebuilt.answer(filters, market, *typed)
            assert live.answer(filters, market, *typed) == expected


@settings(max_examples=examples(12), deadline=None)
@given(st.dictionaries(item_ids, fields, min_size=1, max_size=8), batches)
def test_a_text_that_comes_back_scores_as_it_was_fitted(fitted, batch):
    live = Indexes.fit(fitted)
    before = [live.lexical.of("english").search([word]) for word in ("oak", "fig")]

    undone = {i: fitted.get(i, {**one, "is_deleted": True}) for i, one in batch.items()}
    live = live.with_changes(batch).with_changes(undone)

    assert [live.lexical.of("english").search([word]) for word in ("oak", "fig")] == before


@settings(max_examples=examples(12), deadline=None)
@given(st.dictionaries(item_ids, fields, min_size=1, max_size=8), words.map(str.lower))
def test_a_new_item_scores_as_a_fitted_item_with_the_same_text(fitted, word):
    live = Indexes.fit(fitted)
    live = live.with_changes({f"{i}c": one for i, one in fitted.items()})

    results = live.lexical.of("english").search([word])

    scores = dict(zip(results.item_ids, results.scores, strict=True))
    copies = {i: score for i, score in scores.items() if i.endswith("c")}
    assert copies == {f"{i}c": s for i, s in scores.items() if not i.endswith("c")}


def test_a_restored_item_leaves_the_lists_of_its_former_category():
    oak = dict.fromkeys(FIELDS) | {"is_deleted": False, "brand": "oak"}
    live = Indexes.fit({"i2": oak, "i4": oak})
    for fields in (oak | {"is_deleted": True, "brand": None}, oak | {"brand": "fig"}):
        live = live.with_changes({"i2": fields})

    names = ("", "oak", "fig")
    lists = [live.newest.search("uk", 9, name).item_ids for name in names]

    assert lists == [("i4", "i2"), ("i4",), ("i2",)]


def test_facts_are_the_newest_fields():
    live = Indexes.fit({"i1": dict.fromkeys(FIELDS) | {"is_deleted": False, "price": 1.0}})
    empty = dict.fromkeys(FIELDS)
    live = live.with_changes({"i1": empty | {"is_deleted": False, "price": 2.0, "title": "Oak"}})
    gone = empty | {"is_deleted": True}
    live = live.with_changes({"i2": empty | {"is_deleted": False}, "i3": gone})

    facts = live.items.facts(["i1", "i2", "i3", "i4"], 9)

    assert facts.items["item_attributes__price"] == [2.0, None, None, None]
    assert list(facts.items["item_attributes__present"]) == [True, True, False, False]
    assert [live.items.title(i) for i in ("i1", "i2", "i4")] == ["Oak", "", ""]


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), max_size=6),
    st.lists(st.lists(words, min_size=1, max_size=3).map(" ".join), max_size=6),
    st.sampled_from(["", "o", "fig", "oak fig"]),
)
def test_later_phrases_complete_as_fitted_ones(fitted, later, prefix):
    phrases = [
        [Phrase(text, "title", 1.0 / len(text)) for text in texts] for texts in (fitted, later)
    ]
    live = Completions.fit(phrases[0]).with_phrases(phrases[1][:2]).with_phrases(phrases[1])

    expected = Completions.fit([*phrases[0], *phrases[1]]).search(prefix, 5)

    folded = [(one.text.lower(), one.weight) for one in live.search(prefix, 5)]
    assert folded == [(one.text.lower(), one.weight) for one in expected]
