"""Pages are evaluated on the next orders, with earlier features and against tuned baselines."""

import contextlib
import io
import json
import math
from collections import Counter
from datetime import timedelta

import numpy as np
import pytest

from feature_repo.home import DAY
from pipelines.cli.main import main
from pipelines.pages import surfaces_page
from pipelines.terminal import Outcome, show
from serving.evaluation.purchase_evaluation import (
    NO_ITEM,
    evaluate_purchases,
    lists_at,
)
from tests.kiosk import START, kiosk
from training.retrieval.catalogue import K
from training.retrieval.indexes.top_lists import HALF_LIFE_DAYS
from training.retrieval.sources import surfaces
from training.retrieval.sources.past import HALF_LIFE_DAYS as HALF_LIFE_OF_PURCHASES
from training.retrieval.sources.past import LEAST_POPULAR
from training.retrieval.sources.templates import DECAY
from training.studies.next_purchase import POPULARITY, REPEAT, Decisions, History

DAYS, TEST_FROM, NEWCOMER = 100, 80, "newcomer"
FITTED_DAYS = 7


def sales(seed=5, users=14):
    """(minute, user, item), one item an order: mostly staples, else any; one user is late."""
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(users):
        staples, day = rng.choice(25, 3, replace=False), rng.uniform(0, 6)
        while day < DAYS:
            item = rng.choice(staples) if rng.random() < 0.6 else rng.integers(40)
            rows.append((int(day * 24 * 60), f"u{user}", f"a{item:02d}"))
            day += rng.uniform(1, 7)
    ends = [(0, None, "a00"), (DAYS * 24 * 60, "u0", "a01")]
    return sorted([*rows, *ends, (90 * 24 * 60, NEWCOMER, "a02")], key=lambda row: row[0])


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return kiosk(tmp_path_factory.mktemp("kiosk") / "shop", sales())


@pytest.fixture(scope="module")
def report(home):
    """The JSON that the command prints."""
    message = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(message):
        patch.setenv("AISLE_HOME", str(home.root))
        assert (
            main(["evaluate-retrieval", "--purchases", "--refit-days", str(FITTED_DAYS), "--json"])
            == 0
        )
    return json.loads(message.getvalue())


def listed(home, user):
    """By page and minute of each test order of a user: the list, of indexes fitted once."""
    history = History.of_log(home)
    decisions = Decisions.of(history)
    orders = decisions.part(decisions.of_split("test"))
    lists = lists_at(home, history, orders, refit_days=DAYS).retrieved
    start = int(START.timestamp()) * 1_000_000
    return {
        page: {
            (int(t) - start) // 60_000_000: [history.items[n] for n in row if n != NO_ITEM]
            for t, who, row in zip(orders.t, orders.user, ranking, strict=True)
            if history.users[who] == user
        }
        for page, ranking in lists.items()
    }


def midnight(minute):
    at = int((START + timedelta(minutes=minute)).timestamp()) * 1_000_000
    return at // DAY * DAY


def popular_at(rows, cut):
    """Return each item's share of the decayed sales before a midnight, the highest first."""
    old = [row for row in rows if midnight(row[0]) < cut]
    weights = Counter()
    for minute, _, item in old:
        weights[item] += 0.5 ** ((old[-1][0] - minute) / (24 * 60 * HALF_LIFE_DAYS))
    best = sorted(weights, key=lambda item: (-weights[item], item))
    return {item: weights[item] / weights[best[0]] for item in best}


def past_at(rows, minute, user, popular):
    """Return a user's items at a minute, by purchases of all time and popularity."""
    own = [(at, item) for at, who, item in rows if who == user and at < minute]
    recent, interest = own[::-1][:40], Counter()
    bought = [(at, item) for at, item in own if midnight(at) < midnight(minute)]
    last = {item: at for at, item in bought}
    for _, item in bought:
        interest[item] += 0.5 ** ((minute - last[item]) / (24 * 60 * HALF_LIFE_OF_PURCHASES))
    for age, (at, item) in enumerate(recent):
        if item not in last or at > bought[-1][0]:
            interest[item] += DECAY**age
    scores = {item: n * (LEAST_POPULAR + popular.get(item, 0)) for item, n in interest.items()}
    return sorted(scores, key=lambda item: -scores[item])


def test_page_again_has_the_figures_of_a_plain_loop_over_the_sales(report):
    rows = sales()
    tested = [row for row in rows if row[0] >= TEST_FROM * 24 * 60 and row[1]]
    first = midnight(tested[0][0])
    weights = surfaces()["again"].sources

    gains = []
    for minute, user, item in tested:
        weeks = (midnight(minute) - first) // (FITTED_DAYS * DAY)
        popular = popular_at(rows, first + weeks * FITTED_DAYS * DAY)
        fused = Counter()
        for name, items in (
            ("popular", list(popular)),
            ("past", past_at(rows, minute, user, popular)),
        ):
            for rank, one in enumerate([one for one in items if one in popular], start=1):
                fused[one] += weights[name] / (K + rank)
        lists = sorted(fused, key=lambda one: -fused[one])
        index = lists.index(item) if item in lists else 10
        gains.append(1 / math.log2(index + 2) if index < 10 else 0.0)

    models = {model["name"]: model for model in report["models"]}
    assert report["orders"] == len(tested)
    assert models["again"]["metrics"]["ndcg@10"]["value"] == pytest.approx(np.mean(gains))
    assert models["again"]["slices"]["first order"]["value"] == pytest.approx(
        gains[[user for _, user, _ in tested].index(NEWCOMER)]
    )


def test_differences_are_paired_and_baselines_equal_those_of_next_purchase(home, report):
    models = {model["name"]: model["metrics"] for model in report["models"]}
    assert list(models) == ["home", "again", POPULARITY, REPEAT]
    assert [one["name"] for one in report["differences"]] == [
        f"{page} − {name}" for page in ("home", "again") for name in (POPULARITY, REPEAT)
    ]
    for one in report["differences"]:
        page, name = one["name"].split(" − ")
        for metric, gain in one["metrics"].items():
            less = models[page][metric]["value"] - models[name][metric]["value"]
            assert gain["value"] == pytest.approx(less)
            assert gain["low"] <= gain["value"] <= gain["high"]


def test_list_depends_only_on_the_log_before_the_cut_and_the_users_earlier_orders(home, tmp_path):
    """Neither later sales to other users nor the order itself change the list."""
    rows = sales()
    cut = midnight(next(minute for minute, *_ in rows if minute >= TEST_FROM * 24 * 60))
    own = [row for row in rows if row[1] == "u3"]
    changed = [
        row if midnight(row[0]) < cut or row in own[:-1] else (*row[:2], f"later {row[0]}")
        for row in rows
    ]
    lists = listed(home, "u3")

    assert listed(kiosk(tmp_path / "other", changed), "u3") == lists
    assert len(lists["again"]) > 2
    for minute, items in lists["again"].items():
        assert set(items) >= {item for at, _, item in own if at < minute}


def test_page_starts_with_the_protocol_and_has_a_line_for_each_model(home, capsys):
    report = evaluate_purchases(home, "validate", refit_days=DAYS)

    show(Outcome(report, surfaces_page(report)), False)
    printed = capsys.readouterr().out

    assert printed.startswith("Next purchase: ")
    assert "chosen on the same orders" in printed
    assert all(name in printed for name in ("home", "again", POPULARITY, f"again − {REPEAT}"))


def test_error_of_a_log_without_rankings_names_the_option(home, monkeypatch, capsys):
    monkeypatch.setenv("AISLE_HOME", str(home.root))

    assert main(["evaluate-retrieval", "--json"]) == 1
    assert "--purchases" in capsys.readouterr().err
    assert main(["evaluate-retrieval", "queries", "--purchases"]) != 0
    assert "found both" in capsys.readouterr().err
    assert main(["evaluate-retrieval", "--refit-days", "2"]) != 0
    assert "--refit-days: expected it with --purchases" in capsys.readouterr().err
    assert main(["evaluate-retrieval", "--purchases", "--refit-days", "0"]) != 0
    assert "--refit-days: expected 1 or more, found 0" in capsys.readouterr().err
