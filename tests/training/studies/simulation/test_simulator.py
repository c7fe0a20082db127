"""The simulated shop's files: reproducible bytes, consistent events, and tastes worth learning."""

import json
from collections import Counter

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from feature_repo.events.contract import (
    InteractionEvent,
    ItemEvent,
    RankingEvent,
    UserEvent,
    parse_canonical,
)
from feature_repo.home import DAY, SettingError
from feature_repo.shop import SIMULATED_SHOP, Shop
from training.metrics import gumbel
from training.studies.simulation import ShopConfig, simulate, truth_path
from training.studies.simulation.calendar import START

KINDS = ("user", "item", "ranking", "interaction")


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return simulate(tmp_path_factory.mktemp("shop") / "events.jsonl")


@pytest.fixture(scope="module")
def events(path):
    return [parse_canonical(json.loads(line)) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def truth(path):
    return pd.read_parquet(truth_path(path))


def of_kind(events, kind):
    return [event for event in events if isinstance(event, kind)]


def ndcg(frame, score, k=10):
    """Return the mean NDCG of the slates with a click, ordered by descending `score`."""
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


def bytes_under(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_equal_arguments_give_equal_bytes(tmp_path):
    small = {"users": 10, "items": 40, "days": 3}
    first, second, other = (
        simulate(tmp_path / f"{name}.jsonl", seed=seed, **small)
        for name, seed in (("first", 1), ("second", 1), ("other", 2))
    )

    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert truth_path(first).read_bytes() == truth_path(second).read_bytes()


def test_displayed_order_is_reproducible_from_the_log(events):
    rankings = of_kind(events, RankingEvent)

    for ranking in rankings:
        numbers = np.array([int(item.item_id.removeprefix("i")) for item in ranking.items])
        noise = gumbel(np.uint64(ranking.seed), numbers)
        noisy = [item.score for item in ranking.items] + ranking.temperature * noise
        assert np.argsort(-noisy, kind="stable").tolist() == list(range(len(noisy)))
    assert {ranking.temperature for ranking in rankings} == {1.0}


def test_longer_shop_begins_with_the_bytes_of_a_shorter_one(tmp_path):
    config = ShopConfig(users=60, items=80, seed=3)
    short, long = (simulate(tmp_path / str(days), days=days, config=config) for days in (2, 5))

    of_short, of_long = bytes_under(short), bytes_under(long)

    assert len(of_short) == 7
    assert of_short.items() <= of_long.items()
    assert bytes_under(truth_path(short)).items() <= bytes_under(truth_path(long)).items()


def test_json_lines_and_folders_have_the_same_events(tmp_path):
    config = ShopConfig(users=40, items=60, seed=4, markets=("gb", "de"))
    lines = simulate(tmp_path / "events.jsonl", days=3, config=config).read_bytes().splitlines()
    folder = simulate(tmp_path / "days", days=3, config=config)

    rows = {
        kind: sum(pq.read_metadata(p).num_rows for p in folder.rglob(f"{kind}.parquet"))
        for kind in KINDS
    }
    event_ids = {
        event_id
        for kind in KINDS
        for p in folder.rglob(f"{kind}.parquet")
        for event_id in pq.read_table(p).column("event_id").to_pylist()
    }

    assert rows == Counter(json.loads(line)["kind"] for line in lines)
    assert event_ids == {json.loads(line)["event_id"] for line in lines}


def test_shop_of_one_user_and_one_item_is_valid(tmp_path):
    path = simulate(tmp_path / "events.jsonl", users=1, items=1, days=1)

    assert b'"kind":"ranking"' in path.read_bytes()


def test_shop_without_users_or_days_is_rejected(tmp_path):
    with pytest.raises(SettingError, match="at least one of each for each market, found 0 users"):
        simulate(tmp_path / "events.jsonl", users=0)
    with pytest.raises(SettingError, match="at least one day, found 0 days"):
        simulate(tmp_path / "events.jsonl", days=0)


def test_existing_folder_is_not_replaced(tmp_path):
    (tmp_path / "days").mkdir()

    with pytest.raises(SettingError, match="exists already"):
        simulate(tmp_path / "days", users=1, items=1, days=1)


def test_failed_simulation_leaves_no_files(tmp_path):
    def stop(_done, _total):
        raise KeyboardInterrupt

    for name in ("events.jsonl", "days"):
        with pytest.raises(KeyboardInterrupt):
            simulate(tmp_path / name, users=5, items=5, days=2, progress=stop)

    assert list(tmp_path.iterdir()) == []


def test_events_are_in_time_order_with_unique_ids(events):
    times = [event.event_time for event in events]

    assert times == sorted(times)
    assert START <= times[0] < times[-1] < START + 21 * DAY
    assert len({event.event_id for event in events}) == len(events)


def test_items_have_the_declared_fields_and_are_added_changed_and_deleted(events):
    declared = {field.name for field in Shop.load(SIMULATED_SHOP).item_fields}
    items = of_kind(events, ItemEvent)

    kinds = Counter(event.event_id.split("-")[0] for event in items)
    opening = [e for e in items if e.event_id.startswith("added") and e.event_time == START]

    assert all(declared <= set(e.fields) for e in items if e.event_id.startswith("added"))
    assert len(opening) == 400 < kinds["added"]
    assert min(kinds["changed"], kinds["deleted"]) > 0


def test_users_have_market_and_device(events):
    users = of_kind(events, UserEvent)

    assert len(users) == 400
    assert {user.fields["device"] for user in users} == {"phone", "tablet", "desktop"}
    assert {user.fields["market"] for user in users} == {"default"}


def test_only_items_on_sale_are_shown(events):
    on_sale = set()
    for event in events:
        if isinstance(event, ItemEvent):
            (on_sale.discard if event.op == "delete" else on_sale.add)(event.item_id)
        elif isinstance(event, RankingEvent):
            assert {shown.item_id for shown in event.items} <= on_sale


def test_every_interaction_is_on_an_item_its_ranking_showed(events):
    shown = {r.request_id: {i.item_id for i in r.items} for r in of_kind(events, RankingEvent)}
    interactions = of_kind(events, InteractionEvent)

    types = {event.type for event in interactions}
    assert types == {"click", "dwell", "add_to_cart", "purchase"}
    assert all(event.item_id in shown[event.request_id] for event in interactions)


def test_interactions_of_an_item_are_in_order(events):
    types = ["click", "add_to_cart", "purchase", "return"]
    times = {}
    for event in of_kind(events, InteractionEvent):
        type_ = "return" if event.corrects else event.type
        times.setdefault((event.request_id, event.item_id), {})[type_] = event.event_time

    for by_type in times.values():
        ordered = [by_type[type_] for type_ in types if type_ in by_type]
        assert ordered == sorted(ordered)
        assert set(by_type) - {"dwell"} == set(types[: len(ordered)])


def test_purchase_has_the_current_price_and_return_corrects_it(events):
    prices, paid, returned = {}, {}, set()
    clicked = {}
    for event in events:
        if isinstance(event, ItemEvent):
            prices[event.item_id] = event.fields.get("price", prices.get(event.item_id))
        elif isinstance(event, InteractionEvent):
            key = (event.request_id, event.item_id)
            if event.type == "click":
                clicked[key] = prices[event.item_id]
            elif event.corrects is None and event.type == "purchase":
                paid[key] = (event.event_id, event.value)
            elif event.corrects is not None:
                returned.add(key)
                assert (event.type, event.corrects, event.value) == ("purchase", *paid[key])

    assert paid
    assert returned
    assert all(clicked[key] == value for key, (_, value) in paid.items())


def test_users_browse_and_search(events):
    rankings = of_kind(events, RankingEvent)

    searches = Counter(event.query for event in rankings if event.surface == "search")

    assert 0.3 < sum(searches.values()) / len(rankings) < 0.7
    assert None not in searches
    assert searches.most_common(1)[0][1] > 5 * np.median(list(searches.values()))
    assert all(12 <= len(event.items) <= 20 for event in rankings)
    assert 3000 < len(rankings) < 5000


def test_clicks_fall_with_position(truth):
    by_position = truth.groupby("position")["clicked"].mean()

    assert by_position[1] > 1.2 * by_position[4] > 1.2 * by_position[9:12].mean()


def test_click_rate_is_the_mean_click_probability(truth):
    expected = (truth["examination"] * truth["attraction"]).mean()

    assert truth["clicked"].mean() == pytest.approx(expected, rel=0.05)


def test_ideal_position_orders_by_attraction(truth):
    ordered = truth.sort_values(["request_id", "ideal_position"])
    steps = ordered.groupby("request_id")["attraction"].diff().dropna()

    assert (steps <= 0).all()


def test_ranking_by_attraction_beats_popularity(truth):
    half = len(truth) // 2
    past, future = truth.iloc[:half], truth.iloc[half:].copy()
    counts = past.groupby("item_id")["clicked"].agg(["sum", "count"])
    rate = past["clicked"].mean()
    popularity = (counts["sum"] + 10 * rate) / (counts["count"] + 10)
    future["popularity"] = future["item_id"].map(popularity).fillna(rate)
    future["shown"] = -future["position"]

    assert ndcg(future, "attraction") > 1.1 * ndcg(future, "popularity")
    assert ndcg(future, "popularity") > ndcg(future, "shown")
