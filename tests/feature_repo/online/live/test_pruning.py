"""Pruning removes exactly the events that stored rows include; a flush removes one project."""

import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feature_repo.events.contract import RankingEvent
from feature_repo.feast_repo import render
from feature_repo.home import DAY, Home
from feature_repo.online.redis import LiveKeys
from tests.feature_repo.online.conftest import Room
from tests.feature_repo.online.histories import NOW, click, comparable, facts, ranking, upsert
from tests.feature_repo.online.live.test_event_order import histories, with_real_redis

TODAY = NOW // DAY


def names(room):
    prefix = LiveKeys.of(room.home).prefix
    return {key.decode().removeprefix(prefix) for key in room.client.scan_iter(f"{prefix}*")}


def reads(room):
    names = (("u1", "shoes"), ("u2", "Red Hats"))
    return [comparable(facts(room, user, query)) for user, query in names]


def about_requests(events, requests):
    return [e for e in events if e.request_id in requests]


@with_real_redis
@given(histories, st.integers(TODAY - 41, TODAY))
def test_prune_leaves_the_events_of_later_parts(room, events, part):
    room.client.flushdb()
    old = {e.request_id for e in events if isinstance(e, RankingEvent) and e.seen_at // DAY <= part}
    events = [e for e in events if e.seen_at // DAY <= part or e.request_id not in old]
    later = [e for e in events if e.seen_at // DAY > part]
    room.writer.apply(later)
    expected = reads(room)
    room.client.flushdb()
    room.writer.apply(events)

    room.writer.prune(part)

    assert reads(room) == expected


def test_prune_of_everything_leaves_only_its_marker_and_the_list_of_changed_items(room):
    room.take(
        upsert("e1", NOW - 9, brand="Acme"),
        ranking("e2", NOW - 8, user_id="u1", query="shoes", request_id="r1"),
        click("e3", NOW - 7, request_id="r1"),
        click("e4", NOW - 6, user_id="u1"),
    )

    room.writer.prune(TODAY)

    assert names(room) == {"pruned", "item_changes", "changed_items"}


def test_event_of_a_pruned_part_is_already_in_the_rows(room):
    room.writer.prune(TODAY - 1)

    assert room.writer.apply([click("e1", NOW - 9)]) == ["duplicate"]


def test_prune_marker_never_decreases(room):
    room.writer.prune(TODAY)
    room.writer.prune(TODAY - 5)

    assert room.client.get(LiveKeys.of(room.home).prefix + "pruned") == str(TODAY).encode()


def test_concurrent_prunes_lose_no_newer_event(room):
    old = [click(f"old{n}", NOW - 2 * DAY, user_id="u1") for n in range(200)]
    new = [click(f"new{n}", NOW - 1 - n, user_id="u1") for n in range(200)]
    writing = threading.Thread(
        target=lambda: [
            room.new_writer().apply(pair) for pair in map(list, zip(old, new, strict=True))
        ]
    )

    writing.start()
    while writing.is_alive():
        room.writer.prune(TODAY - 2)
    writing.join()
    room.writer.prune(TODAY - 2)

    assert facts(room).items["item_engagement__clicks_all"][0] == 200
    assert facts(room).user["user_engagement__clicks_all"] == 200


@pytest.fixture
def neighbour(room, tmp_path):
    """A home whose project name begins with the project name of the room."""
    home = Home(tmp_path / "home_too")
    home.root.mkdir()
    identity = msgspec.structs.replace(room.home.identity, project=f"{room.home.project}_too")
    (home.root / "identity.json").write_bytes(msgspec.json.encode(identity))
    render(home, room.address)
    other = Room(home, room.shop, room.address, room.clock)
    yield other
    other.client.close()


def test_flush_removes_this_project_only(room, neighbour):
    for each in (room, neighbour):
        each.take(ranking("e1", NOW - 9, user_id="u1"), click("e2", NOW - 8, user_id="u1"))
    other_keys = names(neighbour)

    room.writer.flush()

    assert names(room) == set()
    assert names(neighbour) == other_keys
    assert facts(neighbour).user["user_engagement__clicks_all"] == 1


def test_replay_after_a_flush_restores_the_state(room):
    room.take(ranking("e1", NOW - 9, user_id="u1"), click("e2", NOW - 8, user_id="u1"))
    before = reads(room)

    room.writer.flush()
    room.writer.replay()

    assert reads(room) == before
