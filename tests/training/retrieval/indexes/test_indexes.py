"""Every index agrees with a plain count of the log, and loads unchanged."""

from collections import Counter

import pytest

from feature_repo.home import ArtifactError
from feature_repo.shop import Shop
from training.query_understanding import words
from training.retrieval.catalogue import ItemTable, K, RankedList, fuse
from training.retrieval.indexes import (
    Completions,
    Lexical,
    Neighbours,
    Newest,
    TopLists,
    fit_similar,
    fit_together,
    read_actions,
)
from training.retrieval.indexes.covisitation import SHRINKAGE
from training.retrieval.indexes.top_lists import EVERYWHERE
from training.retrieval.sources.suggestions import fit_completions


@pytest.fixture(scope="module")
def item_table(small_home):
    return ItemTable.fit(small_home)


@pytest.fixture(scope="module")
def actions(small_home):
    return read_actions(small_home, "select * from actions order by t, event_id").to_pylist()


@pytest.fixture(scope="module")
def lexical(item_table):
    return Lexical.fit(item_table, "english")


def title_words(item_table):
    return {i: set(words(t)) for i, t in zip(item_table.item_ids, item_table.titles, strict=True)}


def test_search_for_all_words_returns_the_items_that_have_them(item_table, lexical):
    titles = title_words(item_table)
    query_words = words(item_table.titles[0])[-2:]

    results = lexical.search(query_words, at_least=2)

    assert set(results.item_ids) == {i for i, has in titles.items() if has >= set(query_words)}
    assert list(results.scores) == sorted(results.scores, reverse=True)


def test_search_for_any_word_ranks_items_with_all_words_first(item_table, lexical):
    query_words = words(item_table.titles[0])

    results = lexical.search(query_words)

    assert title_words(item_table)[results.item_ids[0]] == set(query_words)
    assert len(results.item_ids) > 1


@pytest.mark.parametrize("query_words", [[], ["zzyzx"], ["'; drop"], ["*"], ["x" * 500]])
def test_unknown_words_have_no_results(lexical, query_words):
    assert lexical.search(query_words).item_ids == [] or not query_words


def test_lexical_index_loads_unchanged(item_table, lexical, tmp_path):
    query_words = words(item_table.titles[3])

    lexical.save(tmp_path)

    assert Lexical.load(tmp_path).search(query_words) == lexical.search(query_words)
    with pytest.raises(ArtifactError):
        Lexical.load(tmp_path / "nowhere")


def test_covisitation_equals_the_shrunk_cosine_of_a_plain_count(small_home, actions):
    together = fit_together(small_home)
    gains = {}
    for act in actions:
        key = act["session_id"], act["item_id"]
        gains[key] = max(gains.get(key, 0), act["gain"])
    total = Counter()
    for (_, item), gain in gains.items():
        total[item] += gain**0.5
    one = max(total, key=lambda item: (total[item], item))
    shared, visits = Counter(), Counter()
    for (session, item), gain in gains.items():
        if item == one:
            for (other_session, other), other_gain in gains.items():
                if other_session == session and other != one:
                    shared[other] += min(gain, other_gain) ** 0.5
                    visits[other] += 1
    scores = {
        other: weight
        / (total[one] * total[other]) ** 0.5
        * visits[other]
        / (visits[other] + SHRINKAGE)
        for other, weight in shared.items()
    }

    results = together.search([one], 10)

    best = RankedList.best(scores, 10)
    assert list(results.scores) == pytest.approx(list(best.scores))
    assert results.item_ids
    assert one not in results.item_ids


def test_popular_items_have_the_highest_decayed_gain(small_home, item_table, actions):
    last = max(act["t"] for act in actions)
    scores = Counter()
    for act in actions:
        if act["item_id"] in item_table.row:
            scores[act["item_id"]] += act["gain"] * 0.5 ** ((last - act["t"]) / (14 * 86_400e6))

    ranked = TopLists.popular(small_home, item_table).search("nowhere", 5)

    best = RankedList.best(scores, 5)
    assert ranked.item_ids == list(best.item_ids)
    assert ranked.scores == pytest.approx(list(best.scores))


def test_each_category_has_its_own_list(small_home, item_table):
    lists = TopLists.popular(small_home, item_table)
    field = item_table.shop.item_role("category")
    category = item_table.coded(field).values[0]

    results = lists.search("default", 100, category)

    of = dict(zip(item_table.item_ids, item_table.table["category"].to_pylist(), strict=True))
    assert {of[item] for item in results.item_ids} == {category}
    assert (EVERYWHERE, category) in lists.lists


def test_the_newest_come_first(small_home, item_table):
    results = Newest.fit(small_home, item_table).search("default", 5)

    assert len(results.item_ids) == 5
    assert list(results.scores) == sorted(results.scores, reverse=True)


def test_similar_items_share_words(item_table):
    similar = fit_similar(item_table)
    columns = (item_table.table[name].to_pylist() for name in ("category", "brand"))
    facts = zip(item_table.titles, *columns, strict=True)
    terms_of = {
        item: {*words(title), category, brand}
        for item, (title, category, brand) in zip(item_table.item_ids, facts, strict=True)
    }
    one = item_table.item_ids[0]

    results = similar.search([one], 5)

    assert one not in results.item_ids
    assert all(terms_of[one] & terms_of[item] for item in results.item_ids)


def test_every_index_loads_unchanged(small_home, item_table, tmp_path):
    lists = TopLists.trending(small_home, item_table)
    similar, shop = fit_similar(item_table), Shop.load(small_home.shop_toml)
    completions = fit_completions(item_table, [], ["english"])
    for index in (item_table, lists, similar, completions):
        index.save(tmp_path)

    assert ItemTable.load(tmp_path, shop).table == item_table.table
    assert TopLists.load(tmp_path).search("default", 9) == lists.search("default", 9)
    item = item_table.item_ids[1]
    assert Neighbours.load(tmp_path).search([item], 9) == similar.search([item], 9)
    assert Completions.load(tmp_path).search("a", 9) == completions.search("a", 9)


def test_query_of_a_single_shopper_is_never_suggested(item_table):
    queries = [{"query": "zebra", "market": "uk", "weight": 9.0, "shoppers": 1}]

    assert fit_completions(item_table, queries, ["english"]).search("zeb", 5) == []


def test_fusion_adds_weighted_reciprocal_ranks():
    results = {
        "a": RankedList(["x", "y"], [9, 8]),
        "b": RankedList(["z", "x"], [1, 0.5]),
        "c": RankedList(["q"], [1]),
    }

    terms_of = fuse(results, {"b": 2.0, "c": 0.0}, 10)

    assert dict(zip(terms_of.item_ids, terms_of.scores, strict=True)) == pytest.approx(
        {"x": 1 / (K + 1) + 2 / (K + 2), "z": 2 / (K + 1), "y": 1 / (K + 2)}
    )
    assert terms_of.item_ids == ["x", "z", "y"]
    assert terms_of.sources["x"]["b"] == (2, 0.5)
