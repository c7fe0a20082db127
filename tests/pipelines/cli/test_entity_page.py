"""What is known of one entity is told from both stores, with since when and from which events."""

import pytest

from feature_repo.home import HOUR, SettingError
from feature_repo.transformations import transform
from pipelines.cli.entity_page import Subject, events, offline, online
from tests.feature_repo.online.conftest import room
from tests.feature_repo.online.histories import NOW, click, ranking, upsert

__all__ = ["room"]


@pytest.fixture
def known(room):
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
def test_both_stores_say_the_same_of_what_is_live(known, words):
    subject = Subject.of(words)

    rows, live = offline(known.home, subject, NOW), online(known.reader, subject, NOW)

    of_counts = {n: v for n, v in values(rows).items() if "_engagement__" in n}
    assert of_counts
    assert {name: live[name] for name in of_counts} == of_counts


def test_a_value_is_told_with_since_when_and_as_of_any_time(known):
    item = Subject.of("item:i1")

    now, before = (values(offline(known.home, item, t)) for t in (NOW, NOW - 4 * HOUR + 1))

    assert (now["item_engagement__revenue_all"], now["item_attributes__brand"]) == (1990, "Acme")
    assert before["item_engagement__revenue_all"] == 0
    since = {row["feature"]: row["since"] for row in offline(known.home, item, NOW - 1)}
    assert since["item_engagement__revenue_all"].startswith("2024-10-03T21:00:00.000001")


def test_the_newest_events_come_first(known):
    told = {
        words: [event["event"] for event in events(known.home, Subject.of(words), NOW)]
        for words in ("item:i1", "user:u1", "query:shoes", "market:default", "item:nobody")
    }

    assert told == {
        "item:i1": ["e3", "e2", "e1"],
        "user:u1": ["e2"],
        "query:shoes": ["e2"],
        "market:default": ["e2"],
        "item:nobody": [],
    }


@pytest.mark.parametrize("words", ["", "user", "user:", "basket:1", "query: "])
def test_what_is_no_subject_is_refused(words):
    with pytest.raises(SettingError):
        Subject.of(words)
