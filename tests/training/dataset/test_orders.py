"""Orders are rankings of what the user bought before and what many bought, all of before them."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from feature_repo.events.ingest import ingest
from feature_repo.home import Clock, Home, NotEnoughError, Settings
from training.dataset import missing_for_ranker
from training.dataset.build import service_of
from training.dataset.orders import NEGATIVES, labelled_orders, missing_orders

START = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAYS = 60


def lines(seed=2, users=12, items=60):
    """(minute, user, item) of orders with three items, bought within two minutes."""
    rng = np.random.default_rng(seed)
    return sorted(
        (day * 1440 + 20 * user + n, f"u{user:02d}", f"a{item:02d}")
        for user in range(users)
        for day in range(user % 3, DAYS, 3)
        for n, item in enumerate(rng.choice(items, 3, replace=False))
    )


def home_of(root, rows, *, corrects=()):
    """A home whose log has the purchases; `corrects` are numbers of purchases taken back."""
    root.mkdir()
    events = [purchase(f"e{n}", minute, user, item) for n, (minute, user, item) in enumerate(rows)]
    events += [
        purchase(f"c{n}", rows[n][0] + 5, *rows[n][1:]) | {"corrects": f"e{n}"} for n in corrects
    ]
    events.sort(key=lambda event: event["event_time"])
    source = root / "events.jsonl"
    source.write_text("".join(json.dumps(event) + "\n" for event in events))
    home = Home(root / "home")
    ingest([source], home=home, clock=Clock.of(Settings(home=home, clock="2026-07-01T00:00:00Z")))
    return home


def purchase(event_id, minute, user, item):
    at = (START + timedelta(minutes=minute)).isoformat()
    return {
        "kind": "interaction",
        "event_id": event_id,
        "event_time": at,
        "type": "purchase",
        "user_id": user,
        "item_id": item,
    }


def orders(home):
    """(user, t) → item → (gain, whether it is context), and the split."""
    rankings, splits = defaultdict(dict), {}
    for row in labelled_orders(home).to_pylist():
        key = row["user_id"], row["t"]
        rankings[key][row["item_id"]] = row["gain"], row["is_context"]
        splits[key] = row["split"]
    return rankings, splits


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return home_of(tmp_path_factory.mktemp("orders") / "shop", lines())


def test_purchases_without_a_pause_are_one_order_and_its_items_have_the_gain(home):
    bought = defaultdict(set)
    for minute, user, item in lines():
        bought[user, START + timedelta(minutes=minute // 20 * 20)].add(item)

    rankings, _ = orders(home)

    assert set(rankings) <= set(bought)
    assert len(rankings) > 0.9 * len(bought)
    for key, items in rankings.items():
        assert {item for item, (gain, _) in items.items() if gain} <= bought[key]


def test_candidates_were_bought_before_the_order(home):
    rankings, _ = orders(home)
    rows = [(START + timedelta(minutes=minute), user, item) for minute, user, item in lines()]
    for (user, t), items in rankings.items():
        before = {item for at, _, item in rows if at < t}
        own = {item for at, who, item in rows if who == user and at < t}
        assert own <= set(items) <= before


def test_later_purchases_change_no_earlier_order(home, tmp_path):
    last_day = (DAYS - 1) * 1440
    changed = [row if row[0] < last_day else (*row[:2], f"later {row[2]}") for row in lines()]

    others, _ = orders(home_of(tmp_path / "shop", changed))

    for key, items in orders(home)[0].items():
        if key[1] < START + timedelta(minutes=last_day):
            assert others[key] == items


def test_only_the_training_split_is_sampled(home):
    rankings, splits = orders(home)
    assert {*splits.values()} == {"train", "validate", "test"}
    for key, items in rankings.items():
        negatives = sum(not gain and not context for gain, context in items.values())
        context = sum(context for _, context in items.values())
        assert negatives <= NEGATIVES if splits[key] == "train" else context == 0
    assert any(context for items in rankings.values() for _, context in items.values())


def test_a_purchase_that_was_taken_back_is_no_gain(tmp_path):
    rows = lines()
    number = len(rows) - 1
    minute, user, item = rows[number]

    rankings, _ = orders(home_of(tmp_path / "shop", rows, corrects=[number]))

    key = user, START + timedelta(minutes=minute // 20 * 20)
    assert not rankings[key].get(item, (0, False))[0]


def test_orders_teach_next_purchases_and_too_few_are_named(home, tmp_path):
    few = home_of(tmp_path / "shop", lines(users=3))

    assert service_of(home) == "next_purchase_v1"
    assert missing_for_ranker(home) == []
    assert [one.what for one in missing_orders(few)] == ["users who ordered again"]
    with pytest.raises(NotEnoughError, match="users who ordered again: found 3, need 10"):
        service_of(few)
