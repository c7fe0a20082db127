"""Any slate can be read, and damage of one string does not affect others."""

import numpy as np
import pytest
from redis.connection import Connection

from feature_repo.home import RedisError
from feature_repo.online.hydration import OnlineReader
from feature_repo.online.redis import LiveKeys, RedisAddress, redis_client
from feature_repo.request_features import feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior
from tests.feature_repo.online.histories import ITEMS, NOW, click, facts, ranking, upsert


def live_key(room, name):
    return LiveKeys.of(room.home).prefix + name


def read(room, user_id=None, query_key=None, item_ids=ITEMS):
    return room.reader.read(user_id=user_id, query_key=query_key, item_ids=item_ids, t=NOW)


def test_unknown_entities_have_missing_features_not_zeros(room):
    context = read(room, "nobody", "default|nothing")

    assert np.isnan(context.items["item_engagement__clicks_7d"]).all()
    assert set(context.items["item_attributes__present"]) == {False}
    for row, view in (
        (context.user, "user_engagement"),
        (context.query_row, "query_clicked_items"),
    ):
        assert row[f"{view}__present"] is False
    assert context.user["user_recent__clicked_item_ids"] is None


def test_slate_without_user_and_query_has_items_alone(room):
    room.take(ranking("e1", NOW - 9, user_id="u1", query="shoes"))

    context = read(room)

    assert context.user["user_engagement__present"] is False
    assert context.query_row["query_engagement__present"] is False
    assert context.items["item_engagement__impressions_all"].tolist() == [1, 1, 1]


def test_counts_of_a_new_user_start_at_zero(room):
    room.take(click("e1", NOW - 9, user_id="u1"))

    user = read(room, "u1").user

    assert user["user_engagement__impressions_all"] == 0
    assert user["user_recent__shown_item_ids"] == []
    assert user["user_recent__clicked_item_ids"] == ["i1"]


def test_no_candidates_have_no_values(room):
    context = read(room, "u1", item_ids=[])

    assert context.items["item_engagement__clicks_1d"].tolist() == []


def test_context_gives_a_feature_matrix(room):
    room.take(upsert("e1", NOW - 9, price=3, category="shoes"), click("e2", NOW - 8, user_id="u1"))

    matrix = feature_matrix(facts(room), room.shop, RatePrior())

    assert matrix.shape == (len(ITEMS), len(feature_columns(room.shop)))
    price = feature_columns(room.shop).index("item_attributes__price")
    assert matrix[0, price] == 3


@pytest.mark.parametrize(
    ("key", "damage"),
    [
        ("tile:item_engagement:i1", b"nonsense"),
        ("item:i1", b"\xc1\xff"),
        ("item:i1", b"\x81\xa5brand\x01"),
    ],
)
def test_damaged_live_value_is_missing_and_affects_no_other(room, key, damage):
    room.take(upsert("e1", NOW - 9, "i2", brand="Acme"), click("e2", NOW - 8, "i2", user_id="u1"))
    room.client.set(live_key(room, key), damage)

    items = facts(room).items

    assert items["item_attributes__brand"] == [None, "Acme", None]
    np.testing.assert_array_equal(items["item_engagement__clicks_all"], [np.nan, 1, np.nan])


def test_unreachable_server_is_an_error(room):
    with redis_client(RedisAddress.local(9)) as dead:
        reader = OnlineReader(room.home, room.shop, dead)

        with pytest.raises(RedisError, match="does not answer"):
            reader.read(user_id="u1", query_key=None, item_ids=ITEMS, t=NOW)


def test_slate_takes_one_round_trip(room):
    room.take(upsert("e1", NOW - 9, brand="Acme"), click("e2", NOW - 8, user_id="u1"))
    facts(room)
    trips = []
    send = Connection.send_packed_command

    class CountingConnection(Connection):
        def send_packed_command(self, command, check_health=True):
            trips.append(command)
            return send(self, command, check_health)

    room.client.connection_pool.disconnect()
    room.client.connection_pool.connection_class = CountingConnection
    room.client.connection_pool.reset()
    facts(room)
    trips.clear()

    facts(room)

    assert len(trips) == 1
