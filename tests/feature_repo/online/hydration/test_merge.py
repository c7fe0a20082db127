"""Live state adds to a row what the row does not reach, and nothing else."""

from feature_repo.home import DAY
from feature_repo.online.codec.counter_tiles import SEALED, Tile, TileRecord, pack
from feature_repo.online.hydration.merge import LiveRecent, attributes, counters, recent
from feature_repo.online.redis import Patch, RecentItem
from feature_repo.views import COUNTER_VIEWS

ENGAGEMENT = COUNTER_VIEWS[0]
TODAY = 100


def tile(sealed_part, sums, *places):
    ones = (1,) * len(ENGAGEMENT.measures)
    records = tuple(TileRecord(*place, 1, ones) for place in places)
    return pack(Tile(records, (sums,) * len(ones), sealed_part))


def entry(part, seen_at, item, **values):
    return LiveRecent(part, seen_at, RecentItem(item, values))


def test_sealed_counts_grow_by_what_is_newer_and_inside_the_window():
    found = [
        counters(ENGAGEMENT, one, TODAY * DAY)
        for one in (
            tile(7, 9, (SEALED, TODAY - 6), (7, TODAY), (8, TODAY), (8, TODAY - 7)),
            tile(7, 0),
            tile(SEALED, 0, (3, TODAY - 40)),
        )
    ]

    assert [row["clicks_1d"] for row in found] == [1, 0, 0]
    assert [row["clicks_7d"] for row in found] == [2, 0, 0]
    assert [row["clicks_all"] for row in found] == [11, 0, 1]
    assert [row["part"] for row in found] == [8, 7, 3]


def test_without_a_tile_nothing_is_counted():
    assert counters(ENGAGEMENT, None, TODAY * DAY) is None


def test_of_attributes_a_patch_beyond_the_row_wins():
    stored = {"brand": "Old", "price": 1.0, "part": 7}
    patches = {
        "brand": Patch(seen_at=1, id="e1", part=7, value='"Older"'),
        "price": Patch(seen_at=2, id="e2", part=8, value="null"),
    }

    assert attributes(stored, patches) == {"brand": "Old", "price": None, "part": 8}
    assert attributes(None, {}) is None


def test_lists_put_what_is_live_before_what_is_stored():
    stored = {"clicked_item_ids": ["a"], "clicked_at": [1], "clicked_brand": ["A"], "part": 7}
    live = {"clicked": [entry(8, 3, "c", brand="C"), entry(7, 1, "a", brand="A")]}

    found = recent(stored, live, ["brand"])

    assert found["clicked_item_ids"] == ["c", "a"]
    assert found["clicked_at"] == [3, 1]
    assert found["clicked_brand"] == ["C", "A"]
    assert found["shown_item_ids"] == []


def test_a_taste_field_the_row_was_stored_without_is_missing_in_each_entry():
    stored = {"clicked_item_ids": ["a", "b"], "clicked_at": [2, 1], "part": 7}

    found = recent(stored, {"clicked": [entry(8, 3, "c", brand="C")]}, ["brand"])

    assert found["clicked_brand"] == ["C", "", ""]


def test_a_full_list_drops_its_oldest():
    stored = {"clicked_item_ids": ["old"] * 40, "clicked_at": [1] * 40, "part": 7}
    live = {"clicked": [entry(8, 9 - n, f"new{n}") for n in range(3)]}

    found = recent(stored, live, [])

    assert len(found["clicked_item_ids"]) == len(found["clicked_at"]) == 40
    assert found["clicked_item_ids"][:4] == ["new0", "new1", "new2", "old"]
