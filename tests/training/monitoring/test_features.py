"""Features of answers are compared with the snapshot of the training."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy

from feature_repo.home import ArtifactError
from training.metrics import bucket_counts, bucket_edges, stability_index
from training.monitoring.features import compare_features
from training.monitoring.snapshot import FILE, Snapshot

COLUMNS = ("price", "age", "empty", "constant", "often_missing")


@pytest.fixture(scope="module")
def snapshot():
    """Of a price that is stable, an age that grows, and three odd features."""
    return Snapshot.of(COLUMNS, np.array_split(rows_of(np.random.default_rng(1), 4000), 7), 4000)


def rows_of(rng, count, *, price=1.0, missing=0.5):
    rows = np.full((count, len(COLUMNS)), np.nan, np.float32)
    rows[:, 0] = price * rng.lognormal(3, 0.5, count)
    rows[:, 1] = np.arange(count)
    rows[:, 3] = 7
    rows[:, 4] = np.where(rng.random(count) < missing, np.nan, rng.random(count))
    return rows


def figures(snapshot, rows):
    return {(one.name, *one.labels): one.value for one in compare_features(rows, snapshot, 0)}


def test_features_as_in_training_differ_by_little(snapshot):
    compared = figures(snapshot, rows_of(np.random.default_rng(2), 2000))

    assert compared["feature_psi", "price"] < 0.05
    assert compared["feature_outside_share", "price"] == 0
    assert abs(compared["feature_null_share", "often_missing"]) < 0.05
    assert compared["feature_null_share", "empty"] == 0


def test_a_feature_that_moves_in_training_has_no_index(snapshot):
    compared = figures(snapshot, rows_of(np.random.default_rng(2), 2000))

    of_index = {key[1] for key in compared if key[0] == "feature_psi"}

    assert of_index == {"price", "often_missing"}


def test_a_shock_moves_the_index_and_a_loss_the_missing_share(snapshot):
    compared = figures(snapshot, rows_of(np.random.default_rng(2), 2000, price=1.5, missing=1.0))

    assert compared["feature_psi", "price"] > 0.5
    assert compared["feature_null_share", "often_missing"] == pytest.approx(0.5, abs=0.05)


def test_values_in_another_unit_are_outside_the_range(snapshot):
    compared = figures(snapshot, rows_of(np.random.default_rng(2), 2000, price=100.0))

    assert compared["feature_outside_share", "price"] > 0.9


def test_a_snapshot_is_read_as_it_was_written(snapshot, tmp_path):
    snapshot.save(tmp_path)

    assert Snapshot.load(tmp_path) == snapshot
    assert Snapshot.load(tmp_path / "elsewhere") is None
    json.loads((tmp_path / FILE).read_text(), parse_constant=pytest.fail)


def test_a_damaged_snapshot_is_named(snapshot, tmp_path):
    snapshot.save(tmp_path)
    path = tmp_path / FILE
    path.write_text(path.read_text()[:-20])

    with pytest.raises(ArtifactError, match=r"snapshot\.json"):
        Snapshot.load(tmp_path)


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=10), st.randoms(use_true_random=False))
def test_the_index_is_the_symmetric_entropy_of_scipy(counts, random):
    reference = [random.randint(1, 1000) for _ in counts]

    index = stability_index(np.array(counts), np.array(reference))

    assert index == pytest.approx(entropy(counts, reference) + entropy(reference, counts))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200))
def test_every_value_is_in_one_bucket(values):
    edges = bucket_edges(np.array(values))

    counts = bucket_counts(np.array(values), edges)

    assert counts.sum() == len(values)
    assert counts.size == edges.size + 1
    assert counts[0] == sum(value <= edges[0] for value in values)
