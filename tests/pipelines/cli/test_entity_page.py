"""The page of an entity shows its features from both stores, and the events behind them."""

import io

import pytest
from rich.console import Console

from feature_repo.events.contract import DECISION, Decision, InteractionEvent, arm_key
from feature_repo.home import HOUR, SettingError
from feature_repo.transformations import transform
from pipelines.cli.entity_words import entity_words
from pipelines.inspection.entity import Subject, events, offline, online
from tests.feature_repo.online.conftest import room
from tests.feature_repo.online.histories import NOW, click, ranking, upsert

__all__ = ["room"]


@pytest.fixture
def shop_room(room):
    room.clock.instant = NOW - HOUR
    room.take(
        upsert("e1", NOW - 5 * HOUR, "i1", brand="Acme"),
        ranking("e2", NOW - 4 * HOUR, ["i1", "i2"], user_id="u1", query="shoes", request_id="r"),
        click("e3", NOW - 3 * HOUR, "i1", request_id="r", type="purchase", value=19.9),
    )
    room.log.seal()
    room.log.compact()
    transform(room.home, NOW)
    return room


def values(rows):
    return {row["feature"]: row["value"] for row in rows}


@pytest.mark.parametrize("words", ["item:i1", "user:u1", "query:Shoes"])
def test_live_counts_are_equal_in_both_stores(shop_room, words):
    subject = Subject.of(words)

    rows, live = offline(shop_room.home, subject, NOW), online(shop_room.reader, subject, NOW)

    counts = {n: v for n, v in values(rows).items() if "_engagement__" in n}
    assert counts
    assert {name: live[name] for name in counts} == counts


def test_values_have_timestamps_and_can_be_read_as_of_any_time(shop_room):
    item = Subject.of("item:i1")

    now, before = (values(offline(shop_room.home, item, t)) for t in (NOW, NOW - 4 * HOUR + 1))

    assert (now["item_engagement__revenue_all"], now["item_attributes__brand"]) == (1990, "Acme")
    assert before["item_engagement__revenue_all"] == 0
    since = {row["feature"]: row["since"] for row in offline(shop_room.home, item, NOW - 1)}
    assert since["item_engagement__revenue_all"].startswith("2024-10-03T21:00:00.000001")


def test_an_arm_of_a_bandit_has_its_counts_and_decisions(room):
    room.clock.instant = NOW - HOUR
    key = arm_key("banner", "any", "sale")
    room.take(
        InteractionEvent(
            event_id="d1",
            event_time=NOW - 2 * HOUR,
            item_id="sale",
            type=DECISION,
            user_id="u1",
            decision=Decision(key, 0.5, reward_until=NOW),
        )
    )
    room.log.seal()
    room.log.compact()
    transform(room.home, NOW)
    subject = Subject.of(f"arm:{key}")

    counts = values(offline(room.home, subject, NOW))

    assert counts["arm_engagement__decisions_all"] == 1
    assert counts["arm_engagement__rewards_all"] == 0
    assert online(room.reader, subject, NOW) == {}
    assert [event["event"] for event in events(room.home, subject, NOW)] == ["d1"]


def test_the_newest_events_come_first(shop_room):
    listed = {
        words: [event["event"] for event in events(shop_room.home, Subject.of(words), NOW)]
        for words in ("item:i1", "user:u1", "query:shoes", "market:default", "item:nobody")
    }

    assert listed == {
        "item:i1": ["e3", "e2", "e1"],
        "user:u1": ["e2"],
        "query:shoes": ["e2"],
        "market:default": ["e2"],
        "item:nobody": [],
    }


def test_a_person_reads_values_that_are_there_in_words(shop_room):
    item = Subject.of("item:i1")
    live = online(shop_room.reader, item, NOW)
    rows = [
        row | {"online": live.get(row["feature"])} for row in offline(shop_room.home, item, NOW)
    ]
    (earlier,) = [row for row in rows if row["feature"] == "item_engagement__revenue_all"]
    written = io.StringIO()

    entity_words([*rows, earlier | {"online": 7, "view": "Earlier."}], with_online=True)(
        Console(file=written, width=200)
    )

    page = " ".join(written.getvalue().split())
    assert "Brand of the item Acme" in page
    assert "19.90; a request reads 0.07" in page
    assert "others are 0 or have no value." in page


@pytest.mark.parametrize("words", ["", "user", "user:", "basket:1", "query: "])
def test_a_malformed_entity_argument_is_rejected(words):
    with pytest.raises(SettingError):
        Subject.of(words)
