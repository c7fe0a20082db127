"""Variants learn from the displayed order, but never read the position as a feature."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from training.dataset import Dataset
from training.metrics import mean_interval
from training.ranker import NAIVE, Configuration, FitRows, choose_and_fit, fit
from training.ranker.fitting import Trial, refit
from training.ranker.quantized import shuffled
from training.ranker.variants import (
    BLENDED,
    CLICK_MODEL,
    DEFAULT,
    EXAMINED,
    VARIANTS,
    in_random_order,
    sum_of,
)
from training.studies.simulation import ShopConfig
from training.studies.truth.cell import (
    examination_error,
    fit_on_true_gains,
    mean_ndcg,
    request_ndcg,
)
from training.studies.truth.log import simulated_log

TREES = Configuration(4, 0.2, 0.5, 10.0, most_rounds=40)
FITTED = [name for name, variant in VARIANTS.items() if variant.fit]


def relabelled(data, **columns):
    keys = data.keys
    for name, column in columns.items():
        keys = keys.set_column(keys.column_names.index(name), name, pa.array(column))
    return Dataset(data.facts, keys, data.matrix)


@pytest.fixture(scope="module")
def log():
    """A shop whose strong logging policy biases the clicks."""
    config = ShopConfig(
        users=300,
        items=200,
        seed=3,
        rankings_per_user_day=2.0,
        slate=(10, 10),
        policy="strong",
        bias=1.5,
        randomized_share=0.08,
        randomized_temperature=1.0,
    )
    return simulated_log(config, days=12, fresh_slates=1500)


@pytest.fixture(scope="module")
def rows(log):
    return FitRows(log.data)


@pytest.fixture(scope="module")
def trained(log):
    return choose_and_fit(log.data, grid=(TREES,))


def values_of(fitted, log):
    return request_ndcg(fitted.scores_of(log.fresh.matrix), log.fresh)


def value(fitted, log):
    return values_of(fitted, log).mean()


def test_the_chosen_ranker_is_nearer_to_the_truth_than_the_naive_one(log, rows, trained):
    ranker, training = trained

    naive, ideal = value(fit(NAIVE, TREES, rows), log), value(fit_on_true_gains(log), log)
    chosen = mean_ndcg(ranker.apply(log.fresh.matrix), log.fresh)

    assert training.selection.variant in (EXAMINED, BLENDED)
    assert training.selection.compared_on == "randomized slice"
    assert chosen - naive > 0.3 * (ideal - naive) > 0


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_completely_declared(name, log, trained):
    """The test names the variant whose declaration is incomplete."""
    variant, (_, training) = VARIANTS[name], trained

    earlier = list(VARIANTS)[: list(VARIANTS).index(name)]
    assert variant.name == name, "is listed under its name"
    assert variant.meaning, "says what a click means"
    assert bool(variant.fit) != bool(variant.parts), "is either fitted or the sum of its parts"
    assert set(variant.parts) <= set(earlier), "its parts are declared before it"
    (trial,) = (trial for trial in training.trials if trial.variant == name)
    assert Trial.from_dict(trial.to_dict()) == trial, "its trial can be stored"
    assert name in training.selection.values, "takes part in the selection"
    assert name in training.outcomes, "is measured by outcome"
    assert refit(trial, log.data).rounds == trial.rounds, "can be fitted again"


def test_the_click_model_and_the_default_are_declared_variants(trained):
    assert DEFAULT in VARIANTS
    assert VARIANTS[CLICK_MODEL].fit
    assert any(variant.tries_grid for variant in VARIANTS.values())
    assert trained[1].examination["all"][0] == 1.0


def test_slates_in_random_order_keep_their_rows(log):
    mixed = in_random_order(log.data, 1)

    assert (np.diff(mixed.column("qid")) >= 0).all()
    assert mixed.column("request_id").tolist() != log.data.column("request_id").tolist()
    order = np.argsort(mixed.column("request_id"), kind="stable")
    back = np.argsort(log.data.column("request_id"), kind="stable")
    np.testing.assert_array_equal(mixed.matrix[order], log.data.matrix[back])
    np.testing.assert_array_equal(
        mixed.column("position")[order], log.data.column("position")[back]
    )


def test_examination_needs_the_displayed_order(log):
    rng = np.random.default_rng(0)
    qid = log.data.column("qid")
    order = np.lexsort((rng.random(qid.size), qid))
    mixed = Dataset(log.data.facts, log.data.keys.take(pa.array(order)), log.data.matrix[order])
    mixed = relabelled(mixed, position=log.data.column("position"))

    displayed, shuffled_ = (fit(EXAMINED, TREES, FitRows(data)) for data in (log.data, mixed))

    lost = values_of(displayed, log) - values_of(shuffled_, log)
    assert mean_interval(lost, log.fresh.user).low > 0


def test_examination_is_reported_by_device_and_market(log, trained):
    curves = trained[1].examination

    assert set(curves) == {"all", "device", "market"}
    assert curves["device"]["phone"][3] < curves["device"]["desktop"][3]
    assert examination_error(log, curves["all"]) < 0.1


@pytest.mark.parametrize("variant", FITTED)
def test_no_variant_reads_a_position(variant, log, rows):
    fitted = fit(variant, replace(TREES, most_rounds=3), rows)

    assert tuple(fitted.booster.feature_names) == log.data.facts.columns
    assert not [name for name in fitted.booster.feature_names if "position" in name]


def test_no_variant_learns_from_the_randomized_slice(log):
    randomized = log.data.column("randomized")
    gain = log.data.column("gain").copy()
    gain[randomized] = 1 - gain[randomized]

    one, other = (
        choose_and_fit(data, grid=(replace(TREES, most_rounds=5),))[1].trials
        for data in (log.data, relabelled(log.data, gain=gain))
    )

    assert one == other


def test_without_a_randomized_slice_the_validation_split_is_compared(log):
    plain = relabelled(log.data, randomized=np.zeros(log.data.keys.num_rows, bool))

    _, training = choose_and_fit(plain, grid=(TREES,))

    assert training.selection.compared_on == "validation split"
    assert training.selection.variant == BLENDED


def test_the_blended_scores_are_the_sum_of_two_on_one_scale(log, rows):
    parts = {
        name: fit(name, TREES, rows, rounds=rounds) for name, rounds in ((NAIVE, 9), (EXAMINED, 7))
    }

    blended = sum_of(BLENDED, parts, log.data)

    fresh, qid = log.fresh.matrix, log.data.column("qid")
    expected = sum(
        one.scores_of(fresh) / within_slates(one.scores(log.data), qid) for one in parts.values()
    )
    constant = blended.scores_of(fresh) - expected
    assert blended.rounds == 16
    np.testing.assert_allclose(constant, constant[0], atol=1e-4)


def within_slates(scores, qid):
    """Standard deviation about the mean of each slate."""
    table = pd.DataFrame({"qid": qid, "score": scores.astype(float)})
    return np.sqrt(((table.score - table.groupby("qid").score.transform("mean")) ** 2).mean())


def test_a_sum_excludes_the_trees_after_early_stopping(log, rows):
    whole = fit(NAIVE, TREES, rows, rounds=12)
    stopped = replace(whole, rounds=5)
    examined = fit(EXAMINED, TREES, rows, rounds=5)

    blended = sum_of(BLENDED, {NAIVE: stopped, EXAMINED: examined}, log.data)

    short = fit(NAIVE, TREES, rows, rounds=5)
    other = sum_of(BLENDED, {NAIVE: short, EXAMINED: examined}, log.data)
    np.testing.assert_array_equal(
        blended.scores_of(log.fresh.matrix), other.scores_of(log.fresh.matrix)
    )


def test_fits_that_share_rows_give_the_trees_of_fits_alone(log):
    train, validation = log.data.part("train"), log.data.part("validate")
    shared, trees = FitRows(train, validation), replace(TREES, most_rounds=4)

    for variant in (*FITTED, *reversed(FITTED)):
        together = fit(variant, trees, shared)
        alone = fit(variant, trees, FitRows(train, validation))

        assert together.rounds == alone.rounds
        assert together.booster.save_raw("json") == alone.booster.save_raw("json")


def test_rows_are_quantized_once_for_all_variants(log):
    with_gain = FitRows(log.data.with_gain())

    assert FitRows(log.data).slates_with_gain.num_row() == with_gain.every_slate.num_row()
    assert with_gain.slates_with_gain is with_gain.every_slate


@pytest.mark.parametrize("variant", FITTED)
def test_monotone_constraints_are_met(variant, log):
    column = log.data.facts.columns.index("text__match")
    data = relabelled(log.data, gain=(log.data.matrix[:, column] < 0.5).astype(np.float32))
    matrix = np.repeat(log.data.matrix[:1], 11, axis=0)
    matrix[:, column] = np.linspace(0, 1, 11)
    rows, trees = FitRows(data), replace(TREES, most_rounds=10)

    free, monotonic = (
        fit(variant, replace(trees, monotone=monotone), rows).scores_of(matrix)
        for monotone in (False, True)
    )

    assert free[0] > free[-1]
    assert (np.diff(monotonic) >= 0).all()


def test_shuffling_keeps_slates_and_rows(log):
    mixed = shuffled(log.data)

    assert (mixed.column("qid") == log.data.column("qid")).all()
    assert sorted(mixed.matrix[:, 0].tolist()) == sorted(log.data.matrix[:, 0].tolist())
    assert (mixed.column("position") != log.data.column("position")).any()
