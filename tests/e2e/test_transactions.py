"""A shop of transactions alone learns a ranker of next purchases, and serves `home` and `again`."""

import contextlib
import io
import json
from collections import defaultdict

import numpy as np
import pytest

from feature_repo.home import SECOND, Settings
from feature_repo.online.redis import redis_client
from pipelines.cli.main import main
from pipelines.service import free_port, running_service
from tests.kiosk import START, kiosk
from tests.scale import seconds
from training.dataset import Dataset

USERS, STAPLES, ORDERS = 16, 5, 44
DAY_MINUTES = 24 * 60


def rotation():
    """(minute, user, item): each user buys the own staples in turn, so the oldest one is due."""
    return sorted(
        (n * 2 * DAY_MINUTES + 7 * user, f"u{user:02d}", staple(user, n))
        for user in range(USERS)
        for n in range(ORDERS)
    )


def staple(user, number):
    return f"a{(3 * user + number % STAPLES) % 24:02d}"


def habit():
    """The same orders; but each user always buys one item, which repeats foresee perfectly."""
    return [(minute, user, staple(int(user[1:]), 0)) for minute, user, _ in rotation()]


def run(*words):
    """Run a verb; return its status, and the JSON that it prints."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        status = main([*words, "--json"])
    return status, json.loads(printed.getvalue())


@pytest.fixture(scope="module")
def environment(shared_redis):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REDIS_URL", shared_redis.url)
        patch.setenv("AISLE_RECORD", "1")
        with redis_client(shared_redis, timeout=seconds(5)) as client:
            client.flushall()
        yield patch


@pytest.fixture(scope="module")
def day(tmp_path_factory, environment):
    """The shop after its training, and the answers of its service.  Training and service take 20 s
    of CPU, which all tests of this module share."""
    home = kiosk(tmp_path_factory.mktemp("rotation") / "shop", rotation())
    environment.setenv("AISLE_HOME", str(home.root))
    assert run("refresh")[0] == 0
    status, trained = run("train")
    assert status == 0
    with running_service(Settings.from_environment(), port=free_port()) as client:
        answers = {
            user: {
                "home": client.recommend("home", user=user),
                "again": client.recommend("again", user=user),
                "search": client.search("article", user=user),
                "rank": client.rank([staple(int(user[1:]), n) for n in range(5)], user=user),
            }
            for user in ("u00", "u07")
        }
    return {"home": home, "trained": trained, "answers": answers}


def test_training_publishes_a_ranker_that_beats_repeats_and_popularity(day):
    published, verdict = day["trained"]["published"], day["trained"]["gate"]

    assert published["ranker"] is not None
    assert verdict["guardrails"][0]["details"]["difference"]["low"] > 0
    assert "personal repeat" in published["reason"]
    assert day["trained"]["evaluation"]["reference"] == "personal repeat and popularity"
    assert {part["name"] for part in day["trained"]["evaluation"]["slices"]} == {"ordered before"}


def test_lists_start_with_what_is_due_and_a_search_is_not_ordered_by_purchases(day):
    version = day["trained"]["published"]["ranker"]
    for user, answers in day["answers"].items():
        due = staple(int(user[1:]), ORDERS)
        assert answers["rank"]["items"][0]["item"] == due
        for name in ("home", "again", "rank"):
            # A list of the shop is half in the order of retrieval, which starts with the newest.
            assert due in [item["item"] for item in answers[name]["items"][:2]]
            assert answers[name]["model_version"] == version
            assert answers[name]["feature_service"] == "next_purchase_v1"
        assert answers["search"]["model_version"] is None
        assert [name for name, one in answers.items() if one["degraded"]] == []


def test_features_of_an_order_are_those_of_the_orders_before_it(day):
    data = Dataset.load(day["home"].datasets / "ranking.parquet")
    earlier = defaultdict(list)
    for minute, user, item in rotation():
        earlier[user, item].append((minute * 60) * SECOND + int(START.timestamp()) * SECOND)
    instants = data.column("t").astype("datetime64[us]").astype(np.int64)
    rows = zip(data.column("user_id"), data.column("item_id"), instants, strict=True)

    before = [[at for at in earlier[user, item] if at < t] for user, item, t in rows]

    # Nobody has a value before the first purchase.
    times = np.nan_to_num(data.column("purchases__times"))
    last = data.column("purchases__last_seconds")
    assert times.tolist() == [len(one) for one in before]
    assert [int(s) for s, one in zip(last, before, strict=True) if one] == [
        (t - max(one)) // SECOND for one, t in zip(before, instants, strict=True) if one
    ]
    bought = [(user, item, t) for (user, item), all_ in earlier.items() for t in all_]
    rows = zip(data.column("user_id"), data.column("item_id"), instants, strict=True)
    assert (data.column("gain") > 0).tolist() == [row in set(bought) for row in rows]


def test_served_features_equal_those_computed_from_the_log(day):
    assert run("refresh")[0] == 0

    status, verified = run("verify")

    assert status == 0
    assert verified["requests"] == 6
    assert verified["mismatches"] == []


def test_reasons_of_an_order_are_words(day):
    request = Dataset.load(day["home"].datasets / "ranking.parquet").column("request_id")[-1]

    _, explained = run("explain", request, "--approximate")

    reasons = " ".join(reason for item in explained["items"] for reason in item["reasons"])
    assert "the shopper last bought it" in reasons
    assert "purchases__" not in reasons


def test_without_a_gain_over_repeats_and_popularity_nothing_is_published(
    tmp_path_factory, environment, day
):
    home = kiosk(tmp_path_factory.mktemp("habit") / "shop", habit())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AISLE_HOME", str(home.root))
        assert run("refresh")[0] == 0

        status, trained = run("train")

    assert status == 0
    assert trained["published"]["ranker"] is None
    assert "the interval is not above zero" in trained["published"]["reason"]
    assert not (home.current / "ranker").exists()
