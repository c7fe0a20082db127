"""What a source of candidates gives, from what is known of the shopper."""

import pyarrow as pa
import pytest

from feature_repo.home import Home
from feature_repo.request_features.context import RequestContext
from feature_repo.shop import Shop
from serving.candidates.candidate_sources import PAST_SHARE, Sources
from serving.query import SURFACES, ListRequest, Query
from serving.state import LoadedArtifact, ModelRegistry
from training.artifacts import Manifest
from training.retrieval.catalogue import ItemTable, RankedList, sellable
from training.retrieval.indexes import Neighbours, TopLists

SHOP = Shop("s", ())
NOBODY = Neighbours.of(pa.table({"item_id": ["z"], "other_id": ["y"], "score": [1.0]}))


def registry_of(home, kind, learned):
    registry = ModelRegistry(home, SHOP)
    registry.artifacts[kind, "default"] = LoadedArtifact(
        "1", Manifest(kind, "default", {}), learned
    )
    return registry


def sources_of(wanted, known, registry):
    item_table = ItemTable(pa.table({"item_id": ["a", "b", "c"]}), SHOP)
    query = Query("r", 9, user_id="u")
    kept = sellable(item_table, query.market)
    return Sources(registry, query, wanted, known, item_table, kept)


def past_of(items, instants, home):
    facts = RequestContext(
        t=9,
        user={"user_recent__clicked_item_ids": items, "user_recent__clicked_at": instants},
    )
    asked = sources_of(ListRequest(SURFACES["again"]), facts, ModelRegistry(home, SHOP))
    found = asked.ask("past")
    return [asked.item_table.item_ids[row] for row in found.rows], found.scores.tolist()


def test_what_was_bought_at_once_counts_alike_and_what_was_bought_twice_counts_twice(home: Home):
    item_ids, scores = past_of(["a", "b", "c", "b"], [5, 5, 5, 1], home)

    assert item_ids == ["b", "a", "c"]
    assert scores == pytest.approx([1 + PAST_SHARE, 1, 1])


def test_of_single_clicks_the_newest_comes_first(home: Home):
    item_ids, scores = past_of(["c", "a", "gone", "b"], [7, 5, 3, 1], home)

    assert item_ids == ["c", "a", "b"]
    assert scores == pytest.approx([1, PAST_SHARE, PAST_SHARE**3])


def test_a_source_that_knows_no_neighbour_of_the_items_gives_nothing(home: Home):
    registry = ModelRegistry(home, SHOP)
    registry.artifacts["together", "default"] = LoadedArtifact(
        "1", Manifest("together", "default", {}), NOBODY
    )

    asked = sources_of(ListRequest(SURFACES["together"], seeds=["a"]), None, registry)

    assert (len(asked.ask("together")), asked.missing) == (0, [])


def test_the_items_a_list_is_about_are_not_on_it(home: Home):
    wanted = ListRequest(SURFACES["trending"], seeds=["a"])
    listed = TopLists({("*", ""): RankedList(["b", "a", "c"], [3.0, 2.0, 1.0])})

    asked = sources_of(wanted, None, registry_of(home, "popular", listed))

    assert asked.ask("popular").rows.tolist() == [1, 2]


def test_of_nobody_nothing_is_known(home: Home):
    assert past_of(None, None, home) == ([], [])
