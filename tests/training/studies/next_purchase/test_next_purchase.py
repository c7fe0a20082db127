"""Next purchases are ranked from strictly earlier data, and measured against baselines."""

import json
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.contract import InteractionEvent
from feature_repo.home import DAY, DatasetError, SettingError
from tests.online_retail import needs_online_retail
from tests.scale import examples
from training.studies.next_purchase import (
    POPULARITY,
    REPEAT,
    Decisions,
    History,
    Lookups,
    evaluate_next_purchase,
    measure,
)
from training.studies.next_purchase.candidates import blocks
from training.studies.next_purchase.evaluation import EVALUATION
from training.studies.next_purchase.features import features
from training.studies.next_purchase.fitting import GRID
from training.studies.next_purchase.history import GUEST
from training.studies.next_purchase.occurrences import Occurrences, RunningCounts
from training.studies.next_purchase.order import first_items
from training.studies.next_purchase.own import OwnPast

START = 1_700_000_000_000_000


def bought(number, user, item, day, **changes):
    at = START + int(day * DAY)
    fields = {"user_id": user, "item_id": item, "value": 2.0, "quantity": 1.0}
    times = {"event_time": at, "received_at": at}
    return InteractionEvent(event_id=str(number), type="purchase", **{**fields, **times, **changes})


def shop(users=40, days=120, seed=3):
    """Users who each buy a few staples repeatedly, and items that are popular that month."""
    rng = np.random.default_rng(seed)
    events = []
    for user in range(users):
        staples, day = rng.choice(60, 4, replace=False), rng.uniform(0, 12)
        while day < days:
            fashion = 60 + 10 * int(day // 30) + rng.integers(10, size=2)
            for item in {*rng.choice(staples, 3, replace=False).tolist(), *fashion.tolist()}:
                events.append(bought(len(events), f"u{user}", f"i{item:03d}", day))
            day += rng.uniform(3, 9)
    return events


USERS = ("u1", "u2")

purchases = st.lists(
    st.tuples(
        st.sampled_from(["u1", "u2", None, "session"]),
        st.sampled_from(["a", "b", "c"]),
        st.integers(0, 8),
        st.integers(0, 3),
        st.integers(0, 4),
    ),
    min_size=1,
    max_size=25,
).filter(lambda rows: any(row[0] in USERS for row in rows))


def history_of(rows):
    """Purchases (user, item, day, days late, days until cancelled or 0).

    An event's id depends only on its row, and its price on its delay.
    """
    events, times = [], Counter()
    for user, item, day, late, back in rows:
        times[user, item, day, late] += 1
        number = f"{user} {item} {day} {late} {times[user, item, day, late]}"
        seen = START + (day + late) * DAY
        extra = {"value": 2.0 + late, "received_at": seen}
        extra |= {"session_id": user} if user == "session" else {}
        user_id = user if user in USERS else None
        events.append(bought(number, user_id, item, day, **extra))
        if back:
            extra |= {"corrects": number, "received_at": seen + back * DAY}
            events.append(bought(f"back {number}", user_id, item, day, **extra))
    return History.of_events(events)


@settings(deadline=None)
@given(purchases, st.integers(1, 5))
def test_running_counts_include_only_earlier_rows(rows, window):
    history = history_of(rows)
    running = RunningCounts(history, window * DAY)

    for t in range(START, START + 18 * DAY, DAY // 2):
        brute = np.zeros(len(history.items))
        for item, at, seen, end in zip(
            history.item, history.bought_at, history.seen_at, history.taken_back_at, strict=True
        ):
            brute[item] += seen < t and end >= t and at + window * DAY >= t
        np.testing.assert_array_equal(running.at(t), brute)


@given(
    st.lists(st.integers(-1, 3), min_size=1, max_size=20), st.integers(-1, 4), st.integers(0, 20)
)
def test_occurrences_count_and_return_the_earlier_rows(keys, key, rows_seen):
    rows_seen = min(rows_seen, len(keys))
    occurrences = Occurrences(np.array(keys, dtype=np.int64))

    rows = [row for row, k in enumerate(keys) if k == key and row < rows_seen]

    assert occurrences.count(np.array([key]), np.array([rows_seen])).tolist() == [len(rows)]
    last = occurrences.row(np.array([key]), np.array([len(rows) - 1]))
    assert last.tolist() == [rows[-1] if rows else -1]


@given(
    st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=6),
    st.integers(1, 7),
)
def test_first_items_equal_a_stable_sort(scores, count):
    scores = np.array(scores, dtype=np.float64)

    expected = np.argsort(-scores, axis=1, kind="stable")[:, :count]

    np.testing.assert_array_equal(first_items(scores, count), expected)


@given(
    st.lists(
        st.tuples(st.permutations(range(-1, 24)), st.sets(st.integers(-1, 30), min_size=1)),
        max_size=5,
    ),
    st.integers(1, 25),
)
def test_metrics_equal_a_count_of_each_order(orders, length):
    ranked = np.array([ranking[:length] for ranking, _ in orders], dtype=np.int64)
    bought = [np.array(sorted(items)) for _, items in orders]

    metrics = measure(ranked.reshape(len(orders), length), bought)

    hits = [[item in items for item in ranking[:length]] for ranking, items in orders]
    sizes = [len(items) for _, items in orders]
    discount = 1 / np.log2(np.arange(2, 33))
    np.testing.assert_allclose(
        metrics["ndcg@10"],
        [
            discount[:10][: len(h)][h[:10]].sum() / discount[: min(size, 10)].sum()
            for h, size in zip(hits, sizes, strict=True)
        ],
    )
    np.testing.assert_allclose(
        metrics["recall@20"], [sum(h[:20]) / size for h, size in zip(hits, sizes, strict=True)]
    )
    np.testing.assert_array_equal(metrics["hit@10"], [float(any(h[:10])) for h in hits])


def test_unranked_purchases_count_against_the_ranking():
    metrics = measure(np.array([[0, 1], [2, 1]]), [np.array([0, 5]), np.array([3])])

    ideal = 1 + 1 / np.log2(3)
    assert metrics["ndcg@10"].tolist() == pytest.approx([1 / ideal, 0])
    assert metrics["recall@20"].tolist() == [0.5, 0]
    assert metrics["hit@10"].tolist() == [1, 0]


def test_lines_of_one_user_and_time_are_one_order_and_guests_have_no_decisions():
    history = History.of_events(
        [
            bought(1, "u", "a", 1),
            bought(2, "u", "b", 1),
            bought(3, "u", "a", 1, quantity=3.0, value=10.0),
            bought(4, None, "a", 2, session_id="s"),
            bought(5, "u", "a", 3),
        ]
    )

    decisions = Decisions.of(history)

    assert [items.tolist() for items in decisions.bought] == [[0, 1], [0]]
    assert decisions.rows_seen.tolist() == [0, 3]
    assert (history.user == GUEST).sum() == 1
    assert history.price[0] == 3.0


@settings(deadline=None, max_examples=examples(30))
@given(purchases)
def test_features_do_not_depend_on_future_purchases(rows):
    """A decision's features depend only on events received strictly before it."""
    history = history_of(rows)
    decisions = Decisions.of(history)
    t = int(decisions.t[decisions.t.size // 2])
    today = (t - START) // DAY
    earlier = [
        (user, item, day, late, back if day + late + back < today else 0)
        for user, item, day, late, back in rows
        if day + late < today
    ]
    # One line of each user and item on day 13, after every t, keeps the ids of both.
    replaced = [
        (user, item, 13, 0, 0) for user, item, *_ in sorted(r for r in rows if r[0] in USERS)
    ]
    now = [(user, item, day, 0, 0) for user, item, day, *_ in rows if day == today]
    guests = [(None, item, today, late, 0) for item in history.items for late in (0, 3)]
    other = history_of([*earlier, *now, *replaced, *guests])

    one, two = (_features_of(h, t) for h in (history, other))

    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_allclose(one[name], two[name], err_msg=name, atol=1e-9)


def _features_of(history, t):
    """Features of every item for the users who order at t."""
    decisions = Decisions.of(history)
    chosen = decisions.part(np.flatnonzero(decisions.t == t))
    lookups = Lookups.of(history)
    (block,) = blocks(history, chosen, lookups.by_user)
    grid = np.indices((chosen.t.size, len(history.items))).reshape(2, -1)
    return features(block, lookups, *grid)


def test_own_past_is_halved_after_a_half_life():
    history = History.of_events([bought(1, "u", "a", 0), bought(2, "u", "b", 10)])
    decisions = Decisions.of(history)

    own = OwnPast.of(history, decisions, Occurrences(history.user))

    assert own.decayed(10.0).toarray().tolist() == [[0, 0], [0.5, 0]]
    assert own.last_basket().toarray().tolist() == [[0, 0], [1, 0]]


def test_a_small_shop_is_learned_and_its_test_split_measured_once(tmp_path):
    history = History.of_events(shop())

    first = evaluate_next_purchase(history, tmp_path)
    (tmp_path / EVALUATION).write_text(json.dumps({**first, "items": -1}))
    again = evaluate_next_purchase(history, tmp_path)

    models = {model["name"]: model for model in first["models"]}
    assert list(models) == ["ranker", REPEAT, POPULARITY]
    assert models[POPULARITY]["behind"]["ndcg@10"]["low"] > 0
    assert models["ranker"]["metrics"]["ndcg@10"]["value"] > 0.5
    assert "all 96 items" in first["protocol"]
    assert again["items"] == -1


def test_single_trainings_and_their_averages_are_measured(tmp_path):
    history = History.of_events(shop(users=25, days=90))

    evaluation = evaluate_next_purchase(history, tmp_path, GRID[:1], trainings=10)

    trainings = evaluation["trainings"]
    single, average = trainings["single training"], trainings["average of 5"]
    ranker = evaluation["models"][0]["metrics"]["ndcg@10"]["value"]
    assert trainings["count"] == 10
    assert single["low"] < single["mean"] < single["high"]
    assert average["low"] <= ranker <= average["high"]
    assert evaluate_next_purchase(history, tmp_path, trainings=10) == evaluation
    with pytest.raises(SettingError, match="at least 2"):
        evaluate_next_purchase(history, tmp_path, trainings=1)


def test_too_few_orders_raise_a_clear_error(tmp_path):
    with pytest.raises(DatasetError, match="of a user"):
        History.of_events([bought(1, None, "a", 1)])
    with pytest.raises(DatasetError, match="order"):
        evaluate_next_purchase(History.of_events([bought(1, "u", "a", 1)]), tmp_path)


@needs_online_retail
def test_online_retail_beats_both_baselines_on_average_over_trainings(online_retail, tmp_path):
    """A year of a shop takes forty seconds of a busy core, half of them for the trees."""
    history = History.of_log(online_retail)

    evaluation = evaluate_next_purchase(history, tmp_path, GRID[-1:], trainings=5)

    for model in evaluation["models"][1:]:
        assert model["behind"]["ndcg@10"]["low"] > 0, model
        assert model["behind"]["recall@20"]["low"] > 0, model
    gain = evaluation["trainings"][f"single training − {REPEAT}"]
    assert gain["mean"] > 0.004, gain
    assert gain["low"] > 0.002, gain
