"""Logged events update the live state; a failure of Redis loses none of them."""

import threading
from contextlib import closing

import numpy as np
import pytest
from msgspec import structs
from numpy.testing import assert_array_equal

from feature_repo.events.contract import ItemEvent, ServedEvent, ShownItem, UserEvent
from feature_repo.home import DAY, MINUTE, RedisError
from feature_repo.online.live import LiveWriter
from feature_repo.online.redis import RedisAddress, redis_client
from tests.feature_repo.online.histories import (
    NOW,
    assert_reads,
    click,
    facts,
    person,
    ranking,
    upsert,
)

REQUEST = "query_engagement__"


def test_upsert_merges_by_field_and_null_removes_one(room):
    room.take(upsert("e1", NOW - 5, brand="Acme", price=7, title="Boot"))
    room.take(upsert("e2", NOW - 4, price=None, category="shoes", unheard_of=1))

    result = facts(room, items=["i1"]).items

    values = [result[f"item_attributes__{f}"][0] for f in ("brand", "title", "category")]
    assert values == ["Acme", "Boot", "shoes"]
    assert_array_equal(result["item_attributes__price"], [np.nan])


def test_a_delete_hides_an_item_until_the_next_upsert(room):
    deletion = ItemEvent(
        event_id="e2", event_time=NOW - 4, received_at=NOW - 4, item_id="i1", op="delete"
    )
    seen = []
    for event in (upsert("e1", NOW - 5, brand="Acme"), deletion, upsert("e3", NOW - 3)):
        room.take(event)
        items = facts(room, items=["i1"]).items
        seen.append((items["item_attributes__is_deleted"][0], items["item_attributes__brand"][0]))

    assert seen == [(False, "Acme"), (True, "Acme"), (False, "Acme")]


def test_user_fields_merge_and_the_newest_wins(room):
    before = facts(room).user
    room.take(person("e2", NOW - 4, device="phone", unheard_of=1))
    newest = facts(room).user
    room.take(person("e1", NOW - 5, device="tablet"), person("e3", NOW - 4, "u2", device=None))

    after, other = facts(room).user, facts(room, user="u2").user

    user_events = [
        (user["user_attributes__present"], user["user_attributes__device"])
        for user in (before, newest, after, other)
    ]
    assert user_events == [(False, None), (True, "phone"), (True, "phone"), (True, None)]
    assert facts(room, user=None).user["user_attributes__present"] is False


def test_user_is_first_seen_at_the_first_event_with_their_id(room):
    room.take(
        ranking("e1", NOW - 5, user_id="u1"),
        click("e2", NOW - 3, user_id="u1"),
        person("e3", NOW - 9, "u2"),
    )
    room.take(click("e4", NOW - 7, type="wish", user_id="u1"), person("e5", NOW - 6, "u2", hat=1))
    room.take(click("e6", NOW - 8, request_id="r1"), person("e7", NOW - 9, "u3", op="erase"))
    room.take(click("e8", NOW - 2, user_id="u1"), person("e9", NOW - 1, "u2", hat=2))

    seen = [facts(room, user).user["user_first_seen__first_seen_at"] for user in ("u1", "u2", "u3")]

    assert seen == [NOW - 7, NOW - 6, None]
    assert facts(room, user=None).user["user_first_seen__present"] is False


def test_link_unlink_and_merge_are_no_first_sight_of_a_user(room):
    at = {"event_time": NOW - 5, "received_at": NOW - 5, "user_id": "u1"}
    room.take(
        UserEvent(event_id="e1", op="link", session_id="s", **at),
        UserEvent(event_id="e2", op="unlink", session_id="s", **at),
        UserEvent(event_id="e3", op="merge", from_user_id="u2", **at),
    )

    seen = [facts(room, user).user["user_first_seen__present"] for user in ("u1", "u2")]

    assert seen == [False, False]


@pytest.mark.parametrize("order", [["a", "b"], ["b", "a"]])
def test_two_corrections_of_one_event_count_once_in_any_order(room, order):
    corrections = {
        event_id: click(event_id, at, "i2", corrects="c", user_id="u2")
        for event_id, at in (("a", NOW - 5), ("b", NOW - 4))
    }
    room.take(click("c", NOW - 9, user_id="u1"), click("d", NOW - 8, user_id="u1"))
    for event_id in order:
        room.take(corrections[event_id])

    assert facts(room, "u1").user["user_engagement__clicks_all"] == 1
    assert facts(room, "u2").user["user_engagement__present"] is False
    assert facts(room).items["item_engagement__clicks_all"][0] == 1


def test_correction_seen_before_its_event_leaves_the_event_to_a_later_one(room):
    room.take(click("early", NOW - 9, corrects="c"))
    room.take(click("c", NOW - 8, user_id="u1"))
    counted = facts(room, "u1").user["user_engagement__clicks_all"]

    room.take(click("late", NOW - 7, corrects="c"))

    assert counted == 1
    assert facts(room, "u1").user["user_engagement__clicks_all"] == 0


def test_erasure_removes_user_fields(room):
    room.take(person("e1", NOW - 5, device="phone"), person("e2", NOW - 4, op="erase"))

    assert facts(room).user["user_attributes__present"] is False
    assert facts(room).user["user_first_seen__present"] is False
    assert [*room.client.scan_iter("*:live:user:*"), *room.client.scan_iter("*:live:first:*")] == []


def test_list_entry_has_the_item_columns_at_its_time(room):
    room.take(
        upsert("e1", NOW - 9, category="shoes"),
        click("e2", NOW - 8, user_id="u1"),
        upsert("e3", NOW - 7, category="boots"),
        ranking("e4", NOW - 6, ["i2", "i1"], user_id="u1"),
        click("e5", NOW - 6, "i2", user_id="u1"),
        upsert("e6", NOW - 6, "i2", category="hats"),
    )

    user = facts(room).user

    assert user["user_recent__clicked_item_ids"] == ["i2", "i1"]
    assert user["user_recent__clicked_category"] == ["", "shoes"]
    assert user["user_recent__shown_item_ids"] == ["i2", "i1"]
    assert user["user_recent__shown_category"] == ["", "boots"]


def test_last_forty_clicks_are_stored_in_any_order_of_arrival(room):
    order = [n * 37 % 100 for n in range(100)]
    events = [click(f"e{n:02}", NOW - 1000 + n, user_id="u1") for n in order]

    room.writer.apply(events)

    assert facts(room).user["user_recent__clicked_at"] == [NOW - 901 - n for n in range(40)]


def test_future_event_is_held_until_its_time(room):
    soon = click("e1", NOW + MINUTE, received_at=NOW - 1, user_id="u1")

    outcomes = room.take(soon) + room.writer.apply([soon])
    before = facts(room).user["user_engagement__clicks_all"]
    released_early = room.writer.release_held()
    room.clock.instant = NOW + MINUTE
    released = room.writer.release_held()

    assert (outcomes, released_early, released, room.writer.held) == (["held"] * 2, 0, 1, 0)
    assert before is None
    assert facts(room, t=NOW + MINUTE + 1).user["user_engagement__clicks_all"] == 1


def test_event_is_held_until_it_is_applied(room):
    room.take(click("e1", NOW + MINUTE, received_at=NOW, user_id="u1"))
    room.client.client_pause(10_000, all=False)
    releasing = threading.Thread(target=room.writer.release_held, args=(NOW + MINUTE,))
    releasing.start()
    try:
        while not room.client.info("clients")["blocked_clients"]:
            assert releasing.is_alive()
        held_while_applying = room.writer.held
    finally:
        room.client.client_unpause()
    releasing.join()

    assert (held_while_applying, room.writer.held) == (1, 0)
    assert facts(room, t=NOW + DAY).user["user_engagement__clicks_all"] == 1


def test_later_event_sees_a_held_event_before_it(room):
    room.take(
        upsert("e1", NOW - 9, brand="Acme"),
        structs.replace(upsert("e2", NOW + 10, brand="Ajax"), received_at=NOW),
        click("e3", NOW + 30, received_at=NOW, user_id="u1"),
    )
    room.clock.instant = NOW + 50

    room.take(click("e4", NOW + 20, received_at=NOW + 20, user_id="u1"))
    room.take(upsert("e5", NOW + 40, brand="Apex"))

    user = facts(room, t=NOW + 50).user
    assert user["user_recent__clicked_at"] == [NOW + 30, NOW + 20]
    assert user["user_recent__clicked_brand"] == ["Ajax", "Ajax"]


def test_event_without_features_changes_no_view(room):
    outcomes = room.take(
        UserEvent(event_id="e1", event_time=NOW - 3, user_id="u1", fields={"age": 7}),
        ServedEvent(event_id="e2", event_time=NOW - 3, request_id="r", items=(ShownItem("i1"),)),
        click("e3", NOW - 3, type="wish", user_id="u1"),
    )

    assert outcomes == ["applied"] * 3
    assert_reads(room, [])


def test_a_reported_slate_counts_once_when_its_first_report_is_compacted(room):
    room.take(ranking("e1", NOW - 9, ["i1", "i2"], request_id="r1", user_id="u1", query="shoes"))
    room.clock.instant = NOW - 7
    room.log.seal()
    room.log.compact()
    room.writer.flush()
    room.clock.instant = NOW

    room.take(ranking("e2", NOW - 5, ["i2", "i3"], request_id="r1", user_id="u1", query="shoes"))

    result = facts(room)
    assert_array_equal(result.items["item_engagement__impressions_all"], [np.nan, np.nan, 1])
    assert result.query_row["query_engagement__searches_all"] is None


def test_slate_reported_in_pieces_counts_each_item_once_when_compacted(room):
    slate = {"request_id": "r1", "user_id": "u1"}
    room.take(ranking("e1", NOW - 9, ["i1"], **slate), ranking("e2", NOW - 8, ["i2"], **slate))
    room.clock.instant = NOW - 7
    room.log.seal()
    room.log.compact()
    room.writer.flush()
    room.clock.instant = NOW

    room.take(ranking("e3", NOW - 5, ["i3", "i2", "i1"], **slate))

    assert_array_equal(facts(room).items["item_engagement__impressions_all"], [np.nan, np.nan, 1])
    assert facts(room).user["user_recent__shown_item_ids"] == ["i3"]


def test_a_click_inherits_from_a_ranking_that_is_compacted(room):
    room.take(ranking("e1", NOW - 9, ["i1"], request_id="r1", user_id="u1", query="shoes"))
    room.clock.instant = NOW - 7
    room.log.seal()
    room.log.compact()
    room.writer.flush()
    room.clock.instant = NOW

    room.take(click("e2", NOW - 5, request_id="r1"))

    result = facts(room)
    assert result.user["user_recent__clicked_item_ids"] == ["i1"]
    assert result.query_row["query_engagement__clicks_all"] == 1
    assert result.query_row["query_engagement__searches_all"] == 0


def test_search_without_results_counts_as_first_reported(room):
    request = {"request_id": "r1", "user_id": "u1", "query": "shoes"}
    empty, full = ranking("e1", NOW - 9, [], **request), ranking("e2", NOW - 5, ["i1"], **request)
    other = ranking("e3", NOW - 20, ["i2"], **request)

    room.take(empty, full)
    assert_reads(room, [empty, full])
    result = facts(room).query_row
    room.take(other)

    assert (result[f"{REQUEST}searches_all"], result[f"{REQUEST}zero_results_all"]) == (1, 1)
    assert_reads(room, [empty, full, other])
    assert facts(room).query_row[f"{REQUEST}zero_results_all"] == 0


def test_search_without_results_counts_once_when_compacted(room):
    room.take(ranking("e1", NOW - 9, [], request_id="r1", query="shoes"))
    room.clock.instant = NOW - 7
    room.log.seal()
    room.log.compact()
    room.writer.flush()
    room.clock.instant = NOW

    room.take(
        ranking("e2", NOW - 5, [], request_id="r1", query="shoes"),
        ranking("e3", NOW - 4, [], request_id="r2", query="shoes"),
    )

    assert facts(room).query_row[f"{REQUEST}zero_results_all"] == 1


def test_compacted_id_is_a_duplicate(room):
    room.take(click("e1", NOW - 9, user_id="u1"))
    room.clock.instant = NOW - 7
    room.log.seal()
    room.log.compact()
    room.writer.flush()
    room.clock.instant = NOW

    assert room.take(click("e1", NOW - 5, user_id="u1")) == ["duplicate"]


def test_replay_applies_events_that_redis_missed(room):
    events = [ranking("e1", NOW - 9, user_id="u1"), click("e2", NOW - 8, user_id="u1")]
    with closing(room.log.writer()) as segment:
        segment.append(events)
    room.writer.apply(events[1:])

    assert (room.writer.replay(), room.writer.replay()) == (1, 0)
    assert_reads(room, events)


def test_replay_applies_events_that_were_compacted_before_redis_had_them(room):
    room.writer.prune(room.log.seals().part_of(NOW - 2 * DAY))
    with closing(room.log.writer()) as segment:
        logged = segment.append([click(f"c{n}", NOW - 3, user_id="u1") for n in range(2)])
    room.writer.apply(logged[:1])
    room.log.seal()
    room.log.compact()

    assert room.writer.replay() == 1
    assert room.writer.replay() == 0
    assert facts(room).user["user_engagement__clicks_all"] == 2


def test_replay_skips_served_events(room):
    answer = ServedEvent(event_id="e1", event_time=NOW - 9, received_at=NOW - 9, request_id="r1")
    with closing(room.log.writer()) as segment:
        segment.append([answer])

    assert room.writer.replay() == 0


def test_unreachable_redis_is_an_error_and_loses_nothing(room):
    with redis_client(RedisAddress.local(9)) as dead:
        writer = LiveWriter(room.home, room.shop, dead, room.log, room.clock, room.reader)
        for action in (
            lambda: writer.apply([click("e1", NOW - 9)]),
            lambda: writer.prune(3),
            writer.flush,
        ):
            with pytest.raises(RedisError, match="does not answer"):
                action()


def test_held_events_remain_held_while_redis_is_unreachable(room):
    with redis_client(RedisAddress.local(9)) as dead:
        writer = LiveWriter(room.home, room.shop, dead, room.log, room.clock, room.reader)
        writer.apply([click("e1", NOW + MINUTE, received_at=NOW)])

        with pytest.raises(RedisError):
            writer.release_held(NOW + MINUTE)

        assert writer.held == 1


def test_key_of_another_type_fails_one_event_only(room):
    room.client.lpush(f"{room.home.project}:live:tile:item_engagement:i1", "not ours")

    outcomes = room.writer.apply([click("e1", NOW - 9), click("e2", NOW - 9, "i2")])

    assert outcomes == ["failed", "applied"]
    assert_array_equal(facts(room).items["item_engagement__clicks_all"], [np.nan, 1, np.nan])
