"""Live state adds to a row exactly the events that the row does not cover."""

from feature_repo.home import DAY
from feature_repo.online.codec.counter_tiles import SEALED, Tile, TileRecord, pack
from feature_repo.online.hydration.merge import LiveRecent, attributes, counters, recent
from feature_repo.online.redis import Patch, RecentItem
from feature_repo.views import COUNTER_VIEWS

ENGAGEMENT = COUNTER_VIEWS[0]
TODAY = 100


def tile(sealed_part, total, *parts_and_buckets):
    deltas = (1,) * len(ENGAGEMENT.measures)
    records = tuple(TileRecord(part, day, 1, deltas) for part, day in parts_and_buckets)
    return pack(Tile(records, (total,) * len(deltas), sealed_part))


def patch(event_time, value, part):
    return Patch(event_time=event_time, seen_at=9, id="e", part=part, value=value)


def entry(part, seen_at, item, **values):
    return LiveRecent(part, seen_at, RecentItem(item, values))


def test_newer_records_inside_the_window_add_to_sealed_counts():
    rows = [
        counters(ENGAGEMENT, one, TODAY * DAY)
        for one in (
            tile(7, 9, (SEALED, TODAY - 6), (7, TODAY), (8, TODAY), (8, TODAY - 7)),
            tile(7, 0),
            tile(SEALED, 0, (3, TODAY - 40)),
        )
    ]

    assert [row["clicks_1d"] for row in rows] == [1, 0, 0]
    assert [row["clicks_7d"] for row in rows] == [2, 0, 0]
    assert [row["clicks_all"] for row in rows] == [11, 0, 1]
    assert [row["part"] for row in rows] == [8, 7, 3]


def test_missing_tile_has_no_counts():
    assert counters(ENGAGEMENT, None, TODAY * DAY) is None


def test_attribute_patch_newer_than_the_row_wins():
    stored = {"brand": "Old", "price": 1.0, "part": 7}
    patches = {
        "brand": patch(1, '"Older"', part=7),
        "price": patch(2, "null", part=8),
    }

    assert attributes(stored, patches, {}) == {"brand": "Old", "price": None, "part": 8}
    assert attributes(None, {}, {}) is None


def test_patch_of_an_earlier_event_time_than_the_stored_value_loses():
    stored = {"brand": "Old", "price": 1.0, "stock": 0.0, "part": 7}
    patches = {
        "brand": patch(4, '"Earlier"', part=8),
        "price": patch(5, "2.0", part=8),
        "stock": patch(6, "5.0", part=8),
    }
    times = {"brand": 5, "price": 5, "stock": 5}

    row = attributes(stored, patches, times)

    assert row == {"brand": "Old", "price": 2.0, "stock": 5.0, "part": 8}


def test_live_entries_precede_stored_entries():
    stored = {"clicked_item_ids": ["a"], "clicked_at": [1], "clicked_brand": ["A"], "part": 7}
    live = {"clicked": [entry(8, 3, "c", brand="C"), entry(7, 1, "a", brand="A")]}

    row = recent(stored, live, ["brand"])

    assert row["clicked_item_ids"] == ["c", "a"]
    assert row["clicked_at"] == [3, 1]
    assert row["clicked_brand"] == ["C", "A"]
    assert row["shown_item_ids"] == []


def test_column_absent_from_the_stored_row_is_empty_in_its_entries():
    stored = {"clicked_item_ids": ["a", "b"], "clicked_at": [2, 1], "part": 7}

    row = recent(stored, {"clicked": [entry(8, 3, "c", brand="C")]}, ["brand"])

    assert row["clicked_brand"] == ["C", "", ""]


def test_full_list_drops_its_oldest_entries():
    stored = {"clicked_item_ids": ["old"] * 40, "clicked_at": [1] * 40, "part": 7}
    live = {"clicked": [entry(8, 9 - n, f"new{n}") for n in range(3)]}

    row = recent(stored, live, [])

    assert len(row["clicked_item_ids"]) == len(row["clicked_at"]) == 40
    assert row["clicked_item_ids"][:4] == ["new0", "new1", "new2", "old"]
