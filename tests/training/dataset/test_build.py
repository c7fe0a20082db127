"""The dataset has the features before each ranking, and its labels."""

import shutil
from collections import Counter

import numpy as np
import pyarrow.parquet as pq
import pytest

from feature_repo.events.contract import POSITIVE_TYPES
from feature_repo.home import DatasetError, Home, NotEnoughError
from feature_repo.request_features import feature_columns
from feature_repo.shop import Shop
from training.dataset import DEFAULT_GAINS, Dataset, build_dataset, compacted, labelled_rankings
from training.dataset.format import KEYS, read_facts


@pytest.fixture(scope="module")
def built(simulated_home):
    path = simulated_home.datasets / "ranking.parquet"
    return path, build_dataset(simulated_home, path)


@pytest.fixture(scope="module")
def data(built):
    return Dataset.load(built[0])


def log(home, kind):
    return [row for file in compacted(home, kind) for row in pq.read_table(file).to_pylist()]


def microseconds(moment):
    return np.datetime64(moment.replace(tzinfo=None), "us").astype(np.int64).item()


def test_every_shown_item_is_a_row_in_time_order(simulated_home, built, data):
    rankings = log(simulated_home, "ranking")
    shown = sorted(
        (ranking["event_time"], ranking["request_id"], position, item["item_id"])
        for ranking in rankings
        for position, item in enumerate(ranking["items"], start=1)
    )

    keys = zip(
        *(data.keys[n].to_pylist() for n in ("t", "request_id", "position", "item_id")), strict=True
    )

    assert list(keys) == shown
    assert built[1].rows == len(shown)


def test_the_strongest_interaction_is_the_gain(simulated_home, data):
    gains = Counter()
    for acted in log(simulated_home, "interaction"):
        key = (acted["request_id"], acted["item_id"])
        gains[key] = max(gains[key], DEFAULT_GAINS.get(acted["type"], 0))

    keys = zip(data.keys["request_id"].to_pylist(), data.keys["item_id"].to_pylist(), strict=True)

    assert data.column("gain").tolist() == [gains[key] for key in keys]
    assert set(data.column("gain")) == {0, 1, 3, 6}


def test_no_dataset_is_built_from_damaged_features(simulated_home, tmp_path):
    home = Home(tmp_path / "home")
    shutil.copytree(simulated_home.root, home.root, symlinks=True)
    path = home.features / "item_engagement" / "rows.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="aisle refresh"):
        build_dataset(home, tmp_path / "dataset.parquet")


def test_the_split_is_in_time(data):
    last = {split: data.part(split).column("t") for split in ("train", "validate", "test")}

    assert last["train"].max() <= last["validate"].min()
    assert last["validate"].max() <= last["test"].min()
    assert np.unique(data.part("test").column("qid")).size == data.facts.rankings["test"]


def test_counts_contain_only_events_strictly_before_the_ranking(simulated_home, data):
    clicks = [
        (click["item_id"], microseconds(click["seen_at"]))
        for click in log(simulated_home, "interaction")
        if click["type"] in POSITIVE_TYPES
    ]
    instants = data.column("t").astype("datetime64[us]").astype(np.int64)
    items, counted = data.column("item_id"), data.column("item_engagement__clicks_all")
    chosen = np.random.default_rng(5).choice(items.size, 60, replace=False)

    before = [
        sum(item == items[row] and at < instants[row] for item, at in clicks) for row in chosen
    ]

    np.testing.assert_array_equal(np.nan_to_num(counted[chosen]), before)
    assert sum(before) > 0


def test_counts_of_a_ranking_exclude_its_own_clicks(data):
    newest = data.column("history__last_click_seconds")

    assert np.nanmin(newest) > 0


def test_prior_is_fitted_on_the_train_split_only(data):
    train = data.part("train")

    assert data.facts.prior.click_rate == np.mean(train.column("gain") > 0)


def test_metadata_lists_the_columns_of_the_request_features(simulated_home, built):
    facts = read_facts(built[0])

    assert facts.columns == feature_columns(Shop.load(simulated_home.shop_toml))
    assert facts == Dataset.load(built[0]).facts


def test_building_again_gives_the_same_bytes(simulated_home, built, tmp_path):
    build_dataset(simulated_home, tmp_path / "again.parquet")

    assert (tmp_path / "again.parquet").read_bytes() == built[0].read_bytes()


def test_progress_ends_at_the_number_of_rankings(simulated_home, tmp_path):
    impressions = []

    report = build_dataset(
        simulated_home, tmp_path / "d.parquet", progress=lambda *at: impressions.append(at)
    )

    total = sum(report.rankings.values())
    assert impressions[-1] == (total, total)


def test_empty_log_is_rejected_with_a_clear_error(home, tmp_path):
    with pytest.raises(NotEnoughError, match="rankings with items: found 0, need 50"):
        build_dataset(home, tmp_path / "d.parquet")


def test_dataset_without_a_column_is_rejected_by_its_name(built, tmp_path):
    table = pq.read_table(built[0])
    pq.write_table(table.drop_columns(["taste__lift", "gain"]), tmp_path / "d.parquet")

    with pytest.raises(DatasetError, match=r"\['gain', 'taste__lift'\]"):
        Dataset.load(tmp_path / "d.parquet")


def test_file_without_a_dataset_is_rejected(tmp_path):
    (tmp_path / "d.parquet").write_text("no parquet")

    for name in ("d.parquet", "absent.parquet"):
        with pytest.raises(DatasetError, match="expected a dataset"):
            Dataset.load(tmp_path / name)


def test_labels_have_all_keys(simulated_home):
    rows = labelled_rankings(simulated_home)

    assert set(KEYS) - {"qid", "split"} <= set(rows.column_names)
