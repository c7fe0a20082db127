"""Candidate sources return the right items for the live features of a shopper."""

import pyarrow as pa
import pytest

from feature_repo.home import Home
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates.candidate_sources import CandidateSources
from serving.query import SURFACES, ListRequest
from serving.state import LoadedArtifact, ModelRegistry
from training.artifacts import Manifest
from training.query_understanding import InterpretedQuery
from training.retrieval.catalogue import ItemTable, RankedList, sellable
from training.retrieval.indexes import Neighbours, TopLists
from training.retrieval.sources import SourceRequest, source_specs
from training.retrieval.sources.past import LEAST_POPULAR
from training.retrieval.sources.templates import DECAY

SHOP = Shop("s", ())
OTHER_PAIR = Neighbours.of(pa.table({"item_id": ["z"], "other_id": ["y"], "score": [1.0]}))
ITEMS = ItemTable(pa.table({"item_id": ["a", "b", "c"]}), SHOP)


def registry_of(home, kind, index):
    registry = ModelRegistry(home, SHOP)
    registry.artifacts[kind, "default"] = LoadedArtifact("1", Manifest(kind, "default", {}), index)
    return registry


def sources_of(list_request, context, registry):
    request = SourceRequest(
        market="default",
        user_id="u",
        item_ids=list_request.seeds,
        filters=(),
        interpreted=InterpretedQuery(),
        context=context,
        item_table=ITEMS,
        eligible=sellable(ITEMS, "default"),
        indexes=registry.index,
    )
    return CandidateSources(request, list_request)


def past_of(items, instants, home):
    context = RequestContext(
        t=9,
        user={"user_recent__clicked_item_ids": items, "user_recent__clicked_at": instants},
    )
    sources = sources_of(ListRequest(SURFACES["again"]), context, ModelRegistry(home, SHOP))
    results = sources.search("past")
    interest = results.scores / LEAST_POPULAR  # Without an index no item is popular.
    return [ITEMS.item_ids[row] for row in results.rows], interest.tolist()


def test_items_of_one_order_score_equally_and_a_repeated_item_scores_twice(home: Home):
    item_ids, interest = past_of(["a", "b", "c", "b"], [5, 5, 5, 1], home)

    assert item_ids == ["b", "a", "c"]
    assert interest == pytest.approx([1 + DECAY, 1, 1])


def test_of_single_clicks_the_newest_comes_first(home: Home):
    item_ids, interest = past_of(["c", "a", "gone", "b"], [7, 5, 3, 1], home)

    assert item_ids == ["c", "a", "b"]
    assert interest == pytest.approx([1, DECAY, DECAY**3])


def test_a_source_without_neighbours_of_the_items_returns_nothing(home: Home):
    list_request = ListRequest(SURFACES["together"], seeds=["a"])

    sources = sources_of(list_request, None, registry_of(home, "together", OTHER_PAIR))

    assert (len(sources.search("together")), sources.missing) == (0, [])


def test_a_list_does_not_contain_the_items_that_it_is_about(home: Home):
    lists = TopLists({("*", ""): RankedList(["b", "a", "c"], [3.0, 2.0, 1.0])})
    list_request = ListRequest(SURFACES["trending"], seeds=["a"])

    sources = sources_of(list_request, None, registry_of(home, "popular", lists))

    assert sources.search("popular").rows.tolist() == [1, 2]


def test_the_past_source_is_empty_for_a_shopper_without_clicks(home: Home):
    assert past_of(None, None, home) == ([], [])


@pytest.mark.parametrize("name", ["popular", "together", "past"])
def test_a_source_that_cannot_be_searched_is_missing_and_returns_nothing(home: Home, name):
    sources = sources_of(ListRequest(SURFACES["home"]), None, ModelRegistry(home, SHOP))

    assert (len(sources.search(name)), sources.missing) == (0, [name])


def test_a_failing_source_is_missing_and_does_not_affect_the_others(home: Home, caplog):
    lists = registry_of(home, "popular", TopLists({("*", ""): RankedList(["b"], [1.0])}))
    broken = registry_of(home, "together", "no index")
    lists.artifacts.update(broken.artifacts)

    sources = sources_of(ListRequest(SURFACES["home"], seeds=["a"]), None, lists)

    assert len(sources.search("together")) == 0
    assert sources.search("popular").rows.tolist() == [1]
    assert sources.missing == ["together"]
    assert "The candidate source together failed." in caplog.text
    assert set(SURFACES["home"].sources) < set(source_specs())
