"""The popularity snapshot ranks by impressions, by purchases alone, or by nothing."""

import json

import numpy as np
import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import ArtifactError, Clock
from training.dataset import item_counts
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes import Newest, Popularity
from training.retrieval.indexes.popularity import FILE

PURCHASES = ["shoe", "hat", "shoe", "shoe", "hat", "bag"]


@pytest.fixture
def sold(home):
    """A home whose log has purchases alone."""
    lines = [
        {
            "kind": "interaction",
            "event_id": f"e{n}",
            "event_time": f"2026-01-05T10:00:0{n}Z",
            "type": "purchase",
            "item_id": item,
            "user_id": f"u{n}",
        }
        for n, item in enumerate(PURCHASES)
    ]
    path = home.root.parent / "purchases.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ingest([path], home=home, clock=Clock())
    return home


def test_without_impressions_an_item_scores_its_share_of_the_clicks(sold):
    popularity = Popularity.fit(sold)

    assert popularity.apply(["shoe", "hat", "bag", "belt"]).tolist() == [3 / 6, 2 / 6, 1 / 6, 0]


def test_without_item_events_the_items_of_the_log_are_for_sale(sold):
    item_table = ItemTable.fit(sold)
    newest = Newest.fit(sold, item_table).search("default", 10)

    assert item_table.item_ids == ["bag", "hat", "shoe"]
    assert newest.item_ids == ["bag", "hat", "shoe"]


def test_popularity_counts_the_log(small_home):
    counts = item_counts(small_home).to_pydict()
    popularity = Popularity.fit(small_home)

    most = counts["item_id"][int(np.argmax(np.divide(counts["clicks"], counts["impressions"])))]

    assert sum(counts["clicks"]) > 0
    assert popularity.apply([most])[0] > popularity.unknown
    assert popularity.apply(["never shown"])[0] == popularity.unknown


def test_saved_snapshot_loads_unchanged(small_home, tmp_path):
    popularity = Popularity.fit(small_home)
    popularity.save(tmp_path)

    assert Popularity.load(tmp_path) == popularity


def test_a_shop_without_events_has_an_empty_snapshot(home):
    popularity = Popularity.fit(home)

    assert popularity.apply(["a", "b"]).tolist() == [0, 0]


def test_a_damaged_snapshot_is_rejected(tmp_path):
    for content in ("", "[]", '{"scores": 3}'):
        (tmp_path / FILE).write_text(content)
        with pytest.raises(ArtifactError, match="expected a popularity snapshot"):
            Popularity.load(tmp_path)
