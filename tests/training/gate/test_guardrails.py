"""A ranker with a planted fault is refused for that reason; a sound one is published."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from feature_repo.home import ArtifactError, SettingError
from training.dataset import TEST, Dataset
from training.dataset.format import write_dataset
from training.gate import PUBLISH, REJECT, Verdict, check_ranker
from training.gate.calibration import CALIBRATION
from training.gate.check import gain_shares
from training.gate.comparison import CLICKS, RANDOMIZED
from training.gate.damage import DAMAGE
from training.gate.drift import DRIFT
from training.gate.in_use import RankerInUse
from training.gate.latency import LATENCY, check_latency
from training.gate.layout import LAYOUT
from training.gate.leakage import LEAKAGE
from training.gate.slices import SLICES
from training.ranker import HELD_OUT, MODEL, HeldOut, merge_boosters
from training.ranker.fitting import save_trained
from training.ranker.ranker import RANKER


@pytest.fixture
def learned(busy_fitted, busy_dataset, tmp_path):
    """Folder of a sound ranker, which a test may change."""
    save_trained(*busy_fitted, busy_dataset, tmp_path / "ranker")
    return tmp_path / "ranker"


@pytest.fixture
def changed(busy_fitted, busy_dataset, tmp_path):
    """Returns a function that changes the dataset's matrix and saves the ranker as learned from it.

    The change must leave the rows that the ranker learned from.
    """

    def change(function):
        data = Dataset.load(busy_dataset)
        matrix = data.matrix.copy()
        function(data, matrix)
        path = tmp_path / "changed.parquet"
        write_dataset(path, data.facts, data.keys, [matrix])
        save_trained(*busy_fitted, path, tmp_path / "ranker")
        return path, tmp_path / "ranker"

    return change


def refusals(verdict):
    return {one.guardrail: one.reason for one in verdict.guardrails if one.refuses}


def outcomes(verdict):
    return {one.guardrail: one.outcome for one in verdict.guardrails}


def test_a_sound_ranker_is_published_and_the_verdict_has_every_guardrail(
    shop_home, busy_dataset, learned, tmp_path
):
    verdict = check_ranker(shop_home, busy_dataset, learned)

    verdict.save(tmp_path)
    page = (tmp_path / "verdict.md").read_text()
    assert verdict.decision == PUBLISH
    assert outcomes(verdict) == {
        CLICKS: "passed",
        SLICES: "passed",
        "final trees": "passed",
        CALIBRATION: "passed",
        LEAKAGE: "passed",
        LATENCY: "passed",
        DRIFT: "passed",
        DAMAGE: "passed",
        LAYOUT: "passed",
        "indexes": "not measured",
    }
    assert Verdict.load(tmp_path) == verdict
    assert all(one.reason in page for one in verdict.guardrails)


def test_a_worse_ranker_is_refused_by_the_comparison(shop_home, busy_dataset, learned):
    plant_scores(learned, lambda held_out: -held_out.scores)

    verdict = check_ranker(shop_home, busy_dataset, learned)

    assert verdict.decision == REJECT
    assert "the interval is not above zero" in refusals(verdict)[CLICKS]
    assert verdict.reason.startswith("On the validation split")


def test_a_slice_that_collapses_is_refused_although_the_whole_is_better(
    shop_home, busy_dataset, learned
):
    markets = HeldOut.load(learned / HELD_OUT).of(Dataset.load(busy_dataset)).column("market")
    plant_scores(learned, lambda one: np.where(markets == "de", -one.scores, one.scores))

    verdict = check_ranker(shop_home, busy_dataset, learned, margin=1.0)

    assert verdict.decision == REJECT
    assert SLICES in refusals(verdict)
    assert "market de -" in refusals(verdict)[SLICES]
    assert "language german -" in refusals(verdict)[SLICES]


def test_probabilities_that_do_not_fit_the_clicks_are_refused(shop_home, busy_dataset, learned):
    table = json.loads((learned / RANKER).read_text())
    table["calibration"]["probabilities"] = [
        1 - value for value in table["calibration"]["probabilities"]
    ]
    (learned / RANKER).write_text(json.dumps(table))

    verdict = check_ranker(shop_home, busy_dataset, learned)

    assert refusals(verdict).keys() == {CALIBRATION}
    assert "expected" in refusals(verdict)[CALIBRATION]


def test_a_column_with_the_future_is_refused_by_name(shop_home, changed):
    def leak(data, matrix):
        column = data.facts.columns.index("history__times_clicked")
        matrix[:, column] = data.column("gain")

    verdict = check_ranker(shop_home, *changed(leak))

    assert refusals(verdict).keys() == {LEAKAGE}
    assert "history__times_clicked (1.000) alone" in verdict.reason


def test_a_shifted_feature_is_refused_by_name(shop_home, changed):
    def shift(data, matrix):
        matrix[data.column("split") == TEST, data.facts.columns.index("taste__lift")] += 2.0

    verdict = check_ranker(shop_home, *changed(shift))

    assert refusals(verdict).keys() == {DRIFT}
    assert "Shifted, by PSI: taste__lift (" in verdict.reason


def test_a_broken_field_is_refused_by_name(shop_home, changed):
    def lose(data, matrix):
        newest = data.column("qid") >= np.quantile(data.column("qid"), 0.93)
        matrix[newest, data.facts.columns.index("taste__lift")] = np.nan

    verdict = check_ranker(shop_home, *changed(lose))

    assert refusals(verdict).keys() == {DRIFT}
    assert "Broken, missing now: taste__lift (0% before, " in verdict.reason


def test_features_that_no_tree_reads_may_shift(shop_home, changed, busy_fitted):
    unread = next(name for name, share in gain_shares(busy_fitted[0]).items() if not share)

    def shift(data, matrix):
        matrix[data.column("split") == TEST, data.facts.columns.index(unread)] = 1e6

    assert check_ranker(shop_home, *changed(shift)).decision == PUBLISH


def test_a_slow_ranker_is_refused_unless_the_one_in_use_is_as_slow(busy_dataset, busy_fitted):
    ranker, _ = busy_fitted
    copies = 12_000 // ranker.booster.num_boosted_rounds()
    booster = merge_boosters([ranker.booster] * copies, [1 / copies] * copies)
    slow, data = replace(ranker, booster=booster), Dataset.load(busy_dataset)

    results = [
        check_latency(one, data, in_use)
        for one, in_use in ((ranker, None), (slow, None), (slow, RankerInUse(slow, 0)))
    ]

    assert [one.refuses for one in results] == [False, True, False]
    assert "200 items take" in results[1].reason


def test_columns_that_the_store_does_not_serve_are_refused_by_name(
    shop_home, busy_dataset, learned
):
    toml = shop_home.shop_toml.read_text()
    shop_home.shop_toml.write_text(toml.replace('name = "price"', 'name = "cost"'))

    verdict = check_ranker(shop_home, busy_dataset, learned)

    assert refusals(verdict).keys() == {LAYOUT}
    assert "item_attributes__price" in verdict.reason


def damage_page(path):
    """Flip a bit in the middle of the pages."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def lose_rows(path):
    table = pq.read_table(path)
    pq.write_table(table.slice(6), path)


def lose_column(path):
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["taste__lift"]), path)


def change_value(path):
    """Write the file again with another value, by the same rules."""
    data = Dataset.load(path)
    data.matrix[0, 0] = 1e6
    write_dataset(path, data.facts, data.keys, [data.matrix])


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (damage_page, "cannot be read"),
        (cut, "expected a dataset"),
        (lose_rows, "rows"),
        (lose_column, "taste__lift"),
        (change_value, "which the ranker learned from"),
    ],
)
def test_a_damaged_dataset_is_refused(shop_home, busy_dataset, learned, tmp_path, damage, reason):
    dataset = shutil.copyfile(busy_dataset, tmp_path / "damaged.parquet")
    damage(dataset)

    verdict = check_ranker(shop_home, dataset, learned)

    assert verdict.decision == REJECT
    assert reason in refusals(verdict)[DAMAGE]
    assert verdict.reason.startswith("Damaged, or another one")


def test_a_ranker_must_win_on_the_randomized_slice_and_not_lose_on_clicks(
    shop_home, busy_dataset, busy_fitted, tmp_path
):
    data = Dataset.load(busy_dataset)
    randomized = data.column("qid") % 3 == 0
    keys = data.keys.append_column("randomized", pa.array(randomized))
    path = tmp_path / "randomized.parquet"
    write_dataset(path, data.facts, keys, [data.matrix])
    ranker, training = busy_fitted
    held_out = training.held_out
    part = held_out.of(data).column("qid") % 3 == 0
    worse = {"sound": part & ~part, "loses randomized": part, "loses clicks": ~part}
    verdicts = {}
    for name, rows in worse.items():
        scores = np.where(rows, -held_out.scores, held_out.scores)
        planted = replace(training, held_out=replace(held_out, randomized=part, scores=scores))
        save_trained(ranker, planted, path, tmp_path / name)
        verdicts[name] = refusals(check_ranker(shop_home, path, tmp_path / name))

    assert verdicts["sound"] == {}
    assert "the interval is not above zero" in verdicts["loses randomized"][RANDOMIZED]
    assert CLICKS not in verdicts["loses randomized"]
    assert "it is clearly worse" in verdicts["loses clicks"][CLICKS]


def test_trees_that_rank_worse_than_those_compared_are_refused(
    shop_home, busy_dataset, busy_fitted, tmp_path
):
    ranker, training = busy_fitted
    reversed_trees = replace(ranker, booster=merge_boosters([ranker.booster], [-1.0]))
    save_trained(reversed_trees, training, busy_dataset, tmp_path / "ranker")

    verdict = check_ranker(shop_home, busy_dataset, tmp_path / "ranker")

    assert refusals(verdict).keys() == {"final trees"}


def test_other_trees_than_those_that_training_wrote_are_an_error(shop_home, busy_dataset, learned):
    content = (learned / MODEL).read_text()
    (learned / MODEL).write_text(content + " ")

    with pytest.raises(ArtifactError, match="expected the trees that training wrote"):
        check_ranker(shop_home, busy_dataset, learned)


def test_a_negative_margin_is_an_error(shop_home, busy_dataset, learned):
    with pytest.raises(SettingError, match="at least 0"):
        check_ranker(shop_home, busy_dataset, learned, margin=-0.1)


def plant_scores(ranker, change):
    """Write other scores of the compared trees."""
    held_out = HeldOut.load(ranker / HELD_OUT)
    replace(held_out, scores=change(held_out)).save(ranker / HELD_OUT)
