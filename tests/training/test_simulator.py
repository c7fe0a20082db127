"""The simulated shop: the same every time, honest events, and tastes worth learning."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from feature_repo.errors import SettingError
from feature_repo.events.parsing import parse_event
from feature_repo.shop import SIMULATED_SHOP, Shop
from training.simulator import simulate, truth_path


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("shop") / "events.jsonl")


@pytest.fixture(scope="module")
def events(path):
    return [parse_event(json.loads(line)) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def truth(path):
    return pd.read_parquet(truth_path(path))


def ndcg(frame, score, k=10):
    """Mean NDCG of the clicked slates when ordered by `score`, best first."""
    discounts = 1 / np.log2(np.arange(2, k + 2))
    values = []
    for _, slate in frame.groupby("request_id"):
        gains = slate["clicked"].to_numpy(float)
        if gains.any():
            ordered = gains[np.argsort(-slate[score].to_numpy(), kind="stable")][:k]
            ideal = np.sort(gains)[::-1][:k]
            shares = discounts[: ordered.size]
            values.append((ordered @ shares) / (ideal @ shares))
    return np.mean(values)


def test_the_same_arguments_give_the_same_bytes(tmp_path):
    small = {"users": 10, "items": 40, "days": 3}
    first, second, other = (
        simulate(tmp_path / f"{name}.jsonl", seed=seed, **small)
        for name, seed in (("first", 1), ("second", 1), ("other", 2))
    )

    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert truth_path(first).read_bytes() == truth_path(second).read_bytes()


def test_a_shop_of_one_user_and_one_item_is_a_shop(tmp_path):
    path = simulate(tmp_path / "events.jsonl", users=1, items=1, days=1)

    assert b'"kind":"ranking"' in path.read_bytes()


def test_a_shop_of_nothing_is_refused(tmp_path):
    with pytest.raises(SettingError, match="at least one of each, found 0 users"):
        simulate(tmp_path / "events.jsonl", users=0)


def test_events_are_in_time_order_and_named_once(events):
    times = [event.event_time for event in events]

    assert times == sorted(times)
    assert len({event.event_id for event in events}) == len(events)


def test_items_carry_the_declared_fields_and_come_change_and_go(events):
    declared = {field.name for field in Shop.load(SIMULATED_SHOP).item_fields}
    items = [event for event in events if hasattr(event, "op")]

    kinds = Counter(event.event_id.split("-")[0] for event in items)

    assert all(set(e.fields) == declared for e in items if e.event_id.startswith("added"))
    assert kinds["added"] == 400
    assert min(kinds["repriced"], kinds["deleted"]) > 0


def test_only_items_on_sale_are_shown(events):
    on_sale = set()
    for event in events:
        if hasattr(event, "op"):
            (on_sale.discard if event.op == "delete" else on_sale.add)(event.item_id)
        elif hasattr(event, "items"):
            assert {shown.item_id for shown in event.items} <= on_sale


def test_every_interaction_is_on_an_item_its_ranking_showed(events):
    shown = {e.request_id: {i.item_id for i in e.items} for e in events if hasattr(e, "items")}
    interactions = [event for event in events if hasattr(event, "type")]

    assert {event.type for event in interactions} == {"click", "add_to_cart", "purchase"}
    assert all(event.item_id in shown[event.request_id] for event in interactions)


def test_shoppers_browse_and_search(events):
    rankings = [event for event in events if hasattr(event, "surface")]

    searches = Counter(event.query for event in rankings if event.surface == "search")

    assert 0.3 < sum(searches.values()) / len(rankings) < 0.7
    assert None not in searches
    assert searches.most_common(1)[0][1] > 5 * np.median(list(searches.values()))
    assert all(12 <= len(event.items) <= 20 for event in rankings)
    assert 3000 < len(rankings) < 4000


def test_clicks_fall_with_position(truth):
    by_position = truth.groupby("position")["clicked"].mean()

    assert by_position[1] > 1.2 * by_position[4] > 1.2 * by_position[9:12].mean()


def test_truth_tells_the_click_rate(truth):
    expected = (truth["examination"] * truth["attraction"]).mean()

    assert truth["clicked"].mean() == pytest.approx(expected, rel=0.05)


def test_knowing_tastes_beats_popularity(truth):
    half = len(truth) // 2
    past, future = truth.iloc[:half], truth.iloc[half:].copy()
    counts = past.groupby("item_id")["clicked"].agg(["sum", "count"])
    rate = past["clicked"].mean()
    popularity = (counts["sum"] + 10 * rate) / (counts["count"] + 10)
    future["popularity"] = future["item_id"].map(popularity).fillna(rate)
    future["shown"] = -future["position"]

    assert ndcg(future, "attraction") > 1.1 * ndcg(future, "popularity")
    assert ndcg(future, "popularity") > ndcg(future, "shown")
