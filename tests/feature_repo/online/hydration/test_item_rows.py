"""What an item says is read once a day, and nobody can change it for others."""

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
    """Gives the items as they lie there."""
    room.take(upsert("e1", TODAY, "i1", brand="Acme"), click("e2", TODAY, "i1"))
    room.client.mset(loaded(room, "i2", title="Boot", price=7.0))

    def stored():
        return [StoredItem(i, room.client.mget(room.reader.item_keys(i))) for i in ITEMS]

    return stored


def columns(room, items, t=TODAY):
    return room.reader._items.columns(items, t)


def test_each_item_says_what_it_holds(room, stored):
    found = columns(room, stored())

    assert found["item_attributes__brand"] == ["Acme", None, None]
    assert found["item_attributes__title"] == [None, "Boot", None]
    assert found["item_attributes__present"] == [True, True, False]
    for name, values in {
        "item_attributes__price": [np.nan, 7, np.nan],
        "item_percentiles__category_price": [np.nan, 7, np.nan],
        "item_percentiles__present": [0, 1, 0],
        "item_engagement__clicks_1d": [1, np.nan, np.nan],
        "item_engagement__present": [1, 0, 0],
    }.items():
        np.testing.assert_array_equal(found[name], values)


def test_what_was_read_once_is_not_read_again_that_day(room, stored):
    items = stored()
    first = columns(room, items)
    said = [item.said for item in items]

    second = columns(room, items[::-1], TODAY + HOUR - 1)

    assert all(item.said is before for item, before in zip(items, said, strict=True))
    for name, values in first.items():
        np.testing.assert_array_equal(second[name][::-1], values)


def test_on_another_day_windows_have_moved(room, stored):
    items = stored()

    days = [columns(room, items, TODAY + n * DAY) for n in (0, 1, 0)]

    assert [day["item_engagement__clicks_1d"][0] for day in days] == [1, 0, 1]
    assert [day["item_engagement__clicks_all"][0] for day in days] == [1, 1, 1]


def test_an_item_that_stands_twice_says_the_same_twice(room, stored):
    one, two, _ = stored()

    found = columns(room, [one, two, one])

    assert found["item_attributes__brand"] == ["Acme", None, "Acme"]
    assert found["item_engagement__present"].tolist() == [1, 0, 1]


def test_no_items_have_all_columns(room, stored):
    none, some = columns(room, []), columns(room, stored())

    assert none.keys() == some.keys()
    for name, values in none.items():
        assert len(values) == 0
        assert type(values) is type(some[name])


def test_whoever_changes_a_column_changes_no_other_answer(room, stored):
    items = stored()
    first = columns(room, items)
    first["item_attributes__brand"][0] = "changed"
    first["item_engagement__clicks_1d"][0] = 99

    second = columns(room, items)

    assert second["item_attributes__brand"][0] == "Acme"
    assert second["item_engagement__clicks_1d"][0] == 1


@pytest.mark.parametrize("string", range(4))
def test_damage_is_told_once_for_each_string_and_harms_no_other(room, stored, string, caplog):
    sound = columns(room, stored())
    items = stored()
    items[2].strings[string] = DAMAGE

    for _ in range(2):
        found = columns(room, items)

    for name, values in sound.items():
        np.testing.assert_array_equal(found[name], values)
    assert len(caplog.records) == 1
    columns(room, [StoredItem("i3", items[2].strings)])
    assert len(caplog.records) == 2
