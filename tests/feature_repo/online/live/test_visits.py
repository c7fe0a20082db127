"""Users get what their sessions and merged accounts did, in any order of application."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.feast_repo import render
from feature_repo.home import DAY
from feature_repo.shop import Shop
from tests.feature_repo.histories import START, over_histories
from tests.feature_repo.identity_reference import identity_histories
from tests.feature_repo.online.conftest import Room, SetClock
from tests.feature_repo.online.live.test_event_order import with_a_log_of
from tests.feature_repo.online.visits import SHOP, assert_reads, without_items

T = START + 40 * DAY


@pytest.fixture
def room(home, redis_address):
    home.root.mkdir(parents=True)
    home.shop_toml.write_text(SHOP)
    render(home, redis_address)
    room = Room(home, Shop.load(home.shop_toml), redis_address, SetClock(T))
    yield room
    room.client.close()


@over_histories(1, 40)
@given(identity_histories().map(without_items), st.data())
def test_links_and_merges_read_the_same_in_any_order(room, events, data):
    room.client.flushdb()
    again = data.draw(st.lists(st.sampled_from(events), max_size=4)) if events else []
    order = data.draw(st.permutations([*events, *again]))
    writer = with_a_log_of(room, events)

    for event in order:
        writer.apply([event])

    assert_reads(room.reader, events, T)
