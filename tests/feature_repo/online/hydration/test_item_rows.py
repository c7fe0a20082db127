"""Items are decoded once per day, and callers cannot change the cached values."""

import numpy as np
import pytest

from feature_repo.home import DAY, HOUR
from feature_repo.online.hydration.item_rows import StoredItem
from tests.feature_repo.online.histories import ITEMS, NOW, click, upsert
from tests.feature_repo.online.item_strings import loaded

TODAY = NOW - HOUR
DAMAGE = b"nonsense"


@pytest.fixture
def stored(room):
    """Return a function that reads the stored items."""
    room.take(upsert("e1", TODAY, "i1", brand="Acme"), click("e2", TODAY, "i1"))
    room.client.mset(loaded(room, "i2", title="Boot", price=7.0))

    def stored():
        return [StoredItem(i, room.client.mget(room.reader.item_keys(i))) for i in ITEMS]

    return stored


def columns(room, items, t=TODAY):
    return room.reader.items.columns(items, t)


def test_columns_hold_stored_and_live_values(room, stored):
    result = columns(room, stored())

    assert result["item_attributes__brand"] == ["Acme", None, None]
    assert result["item_attributes__title"] == [None, "Boot", None]
    assert result["item_attributes__present"] == [True, True, False]
    for name, values in {
        "item_attributes__price": [np.nan, 7, np.nan],
        "item_percentiles__category_price": [np.nan, 7, np.nan],
        "item_percentiles__present": [0, 1, 0],
        "item_engagement__clicks_1d": [1, np.nan, np.nan],
        "item_engagement__present": [1, 0, 0],
    }.items():
        np.testing.assert_array_equal(result[name], values)


def test_item_is_decoded_once_a_day(room, stored):
    items = stored()
    first = columns(room, items)
    decoded = [item.values for item in items]

    second = columns(room, items[::-1], TODAY + HOUR - 1)

    assert all(item.values is values for item, values in zip(items, decoded, strict=True))
    for name, values in first.items():
        np.testing.assert_array_equal(second[name][::-1], values)


def test_windows_move_on_another_day(room, stored):
    items = stored()

    days = [columns(room, items, TODAY + n * DAY) for n in (0, 1, 0)]

    assert [day["item_engagement__clicks_1d"][0] for day in days] == [1, 0, 1]
    assert [day["item_engagement__clicks_all"][0] for day in days] == [1, 1, 1]


def test_item_repeated_in_a_slate_has_its_values_twice(room, stored):
    one, two, _ = stored()

    result = columns(room, [one, two, one])

    assert result["item_attributes__brand"] == ["Acme", None, "Acme"]
    assert result["item_engagement__present"].tolist() == [1, 0, 1]


def test_empty_slate_has_all_columns(room, stored):
    none, some = columns(room, []), columns(room, stored())

    assert none.keys() == some.keys()
    for name, values in none.items():
        assert len(values) == 0
        assert type(values) is type(some[name])


def test_changing_a_column_does_not_change_later_reads(room, stored):
    items = stored()
    first = columns(room, items)
    first["item_attributes__brand"][0] = "changed"
    first["item_engagement__clicks_1d"][0] = 99

    second = columns(room, items)

    assert second["item_attributes__brand"][0] == "Acme"
    assert second["item_engagement__clicks_1d"][0] == 1


@pytest.mark.parametrize("string", range(4))
def test_damaged_string_is_logged_once_and_affects_no_other(room, stored, string, caplog):
    expected = columns(room, stored())
    items = stored()
    items[2].strings[string] = DAMAGE

    for _ in range(2):
        result = columns(room, items)

    for name, values in expected.items():
        np.testing.assert_array_equal(result[name], values)
    assert len(caplog.records) == 1
    columns(room, [StoredItem("i3", items[2].strings)])
    assert len(caplog.records) == 2
