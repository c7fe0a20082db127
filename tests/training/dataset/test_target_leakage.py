"""A feature that contains the future is rejected; a strong honest feature passes."""

import gzip
import os
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feature_repo.events.ingest import ingest
from feature_repo.home import DAY, Clock, Home, LeakError, Settings
from feature_repo.offline import feast
from feature_repo.shop import SIMULATED_SHOP, Shop, ShopField
from feature_repo.views import COUNTER_VIEWS, WINDOWS
from pipelines.cli.main import main
from tests.scale import examples
from tests.training.filled_home import fill
from training.dataset import Dataset, build_dataset, check_target_leakage, suspicious_columns
from training.dataset.format import write_dataset
from training.dataset.future_counts import surpluses
from training.dataset.future_fields import check_future_fields, future_fields
from training.dataset.target_leakage import auc
from training.metrics import Slates
from training.ranker import train
from training.studies.simulation import Breakage, ShopConfig, simulate

RANKLENS = Path(os.environ.get("AISLE_DATA", "../shared/data")) / "ranklens" / "events.jsonl.gz"
RNG = np.random.default_rng(6)


def noisy(gain):
    return gain * 5 + RNG.normal(size=gain.shape)


LEAKS = {
    "the gain itself": lambda gain: gain,
    "the gain with noise": noisy,
    "the gain upside down": lambda gain: -noisy(gain),
    "there only where it was wanted": lambda gain: np.where(gain > 0, 1, np.nan),
    "missing where it was wanted": lambda gain: np.where(gain > 0, np.nan, RNG.normal()),
}


@pytest.mark.parametrize("leak", LEAKS)
def test_a_planted_leak_is_rejected_by_name(make_dataset, leak, tmp_path):
    path = make_dataset(slates=200, history__times_clicked=LEAKS[leak])

    with pytest.raises(LeakError, match="Too good to be true: history__times_clicked"):
        train(path, tmp_path / "ranker")

    assert not (tmp_path / "ranker").exists()


def test_column_that_leaks_purchases_only_is_rejected(make_dataset):
    data = Dataset.load(make_dataset(slates=400))
    bought = (data.column("gain") > 0) & (np.random.default_rng(1).random(data.size) < 0.3)
    gain = np.where(bought, 6, data.column("gain")).astype(np.float32)
    keys = data.keys.set_column(data.keys.column_names.index("gain"), "gain", pa.array(gain))
    matrix = data.matrix.copy()
    matrix[:, data.facts.columns.index("history__times_clicked")] = bought

    assert set(suspicious_columns(Dataset(data.facts, keys, matrix))) == {"history__times_clicked"}


def test_last_click_in_the_future_is_rejected(make_dataset):
    shifted_join = make_dataset(
        history__last_click_seconds=lambda gain: np.where(gain > 0, -5.0, 60.0)
    )

    assert suspicious_columns(Dataset.load(shifted_join))["history__last_click_seconds"] == 1


def test_strong_honest_features_pass(make_dataset):
    """Here taste alone explains the clicks, and ranks nearly every slate correctly."""
    data = Dataset.load(make_dataset(slates=500))
    alone = auc(
        data.column("taste__lift"),
        data.column("gain") > 0,
        Slates.of(data.column("gain"), data.column("qid")),
    )

    check_target_leakage(data)

    assert np.nanmean(alone) > 0.9


def test_a_perfect_text_match_of_a_search_by_name_passes(make_dataset):
    data = Dataset.load(make_dataset(text__gram_jaccard=lambda gain: gain))

    assert suspicious_columns(data) == {}


def test_slates_without_pairs_are_ignored(make_dataset):
    data = Dataset.load(make_dataset(history__times_clicked=lambda gain: gain))
    every_first = np.unique(data.column("qid"), return_index=True)[1]
    single = np.isin(np.arange(data.size), every_first)

    assert suspicious_columns(data.rows(single)) == {}


def test_constant_column_passes_where_the_shown_order_is_perfect(made_dataset):
    data = Dataset.load(made_dataset)
    gain = (data.column("position") == 1).astype(np.float32)
    keys = data.keys.set_column(data.keys.column_names.index("gain"), "gain", pa.array(gain))

    assert suspicious_columns(Dataset(data.facts, keys, data.matrix)) == {}


@settings(deadline=None, max_examples=examples(80))
@given(
    st.lists(
        st.lists(st.tuples(st.integers(-2, 2), st.booleans()), min_size=1, max_size=8),
        min_size=1,
        max_size=5,
    )
)
def test_auc_is_the_share_of_pairs_in_order(slates):
    qid = np.repeat(np.arange(len(slates)), [len(slate) for slate in slates])
    scores, is_target = zip(*(row for slate in slates for row in slate), strict=True)

    def by_pairs(slate):
        pairs = [
            (a > b) + (a == b) / 2 for a, hit in slate if hit for b, other in slate if not other
        ]
        return np.mean(pairs) if pairs else np.nan

    suspicious = auc(scores, np.array(is_target), Slates.of(np.zeros(qid.size), qid))

    np.testing.assert_allclose(suspicious, [by_pairs(slate) for slate in slates], atol=1e-12)


@pytest.fixture(scope="module")
def simulated(simulated_home, tmp_path_factory):
    path = tmp_path_factory.mktemp("honest") / "d.parquet"
    build_dataset(simulated_home, path)
    return Dataset.load(path)


def test_the_simulated_shop_passes(simulated_home, simulated):
    check_target_leakage(simulated)
    assert surpluses(simulated_home, simulated) == []


def test_every_count_of_the_simulated_shop_equals_the_count_in_the_log(simulated_home, simulated):
    """The test also detects counts that are too low by one."""
    counts = [name for name in simulated.facts.columns if "engagement__" in name]
    matrix = simulated.matrix.copy()
    indexes = [simulated.facts.columns.index(n) for n in counts if not n.endswith("present")]
    matrix[:, indexes] += 1

    suspicious = surpluses(simulated_home, Dataset(simulated.facts, simulated.keys, matrix))

    earlier = np.count_nonzero(~np.isnan(simulated.column("item_engagement__clicks_all")))
    declared = sum(m.read for view in COUNTER_VIEWS for m in view.measures.values()) * len(WINDOWS)
    assert len(suspicious) == len(indexes) == declared
    assert earlier > 0
    assert {one.column for one in suspicious} == {
        simulated.facts.columns[index] for index in indexes
    }


def test_removing_the_as_of_condition_is_caught(simulated_home, tmp_path, monkeypatch):
    """The join reads the features of an hour after each ranking."""
    as_of = feast.features_at

    def shifted_join(store, catalogue, keys, views, **how):
        shifted = pc.add(keys["event_timestamp"], pa.scalar(timedelta(hours=1)))
        at = keys.column_names.index("event_timestamp")
        return as_of(
            store, catalogue, keys.set_column(at, "event_timestamp", shifted), views, **how
        )

    monkeypatch.setattr(feast, "features_at", shifted_join)

    with pytest.raises(LeakError, match="item_engagement__clicks_all"):
        build_dataset(simulated_home, tmp_path / "d.parquet")

    assert not (tmp_path / "d.parquet").exists()


@pytest.fixture(scope="module")
def leaky_home(tmp_path_factory):
    """A simulated shop that sends each item's clicks of the coming day at midnight."""
    home = Home(tmp_path_factory.mktemp("leaky") / "home")
    config = ShopConfig(users=60, items=50, seed=4, breakage=Breakage(leak=True))
    events = simulate(home.root.parent / "leaky.jsonl", days=8, config=config)
    ingest([events], home=home, clock=Clock.of(Settings(home=home, clock="2026-02-01T00:00:00Z")))
    return home


def shop_with(*names):
    return Shop("a", tuple(ShopField(name, "number", name) for name in names))


def test_field_with_the_days_future_clicks_is_rejected_by_name(leaky_home):
    with pytest.raises(LeakError, match=r"clicks_today \(correlation [01].* with the next clicks"):
        check_future_fields(leaky_home, shop_with("price", "stock", "clicks_today"))


def test_field_of_any_name_is_checked(leaky_home):
    assert future_fields(leaky_home, shop_with('a "b"', "c/d~e", "it's", "$.*", "")) == []


def test_prices_promotions_and_stock_pass(leaky_home):
    assert future_fields(leaky_home, shop_with("price", "discount", "stock")) == []


def test_field_with_yesterdays_clicks_passes(leaky_home, tmp_path):
    """The same numbers, sent a day later."""
    late = Home(tmp_path / "home")
    path = tmp_path / "late.jsonl"
    with path.open("wb") as file:
        for line in (leaky_home.root.parent / "leaky.jsonl").read_bytes().splitlines():
            event = msgspec.json.decode(line)
            if "clicks_today" in event.get("fields", {}):
                event["event_time"] += DAY
            file.write(msgspec.json.encode(event) + b"\n")
    ingest([path], home=late, clock=Clock.of(Settings(home=late, clock="2026-02-01T00:00:00Z")))

    assert future_fields(late, shop_with("clicks_today")) == []


def test_no_dataset_is_built_with_a_leaking_field(leaky_home, tmp_path):
    leaky_home.shop_toml.write_text('[[item]]\nname = "clicks_today"\ntype = "number"\n')

    with pytest.raises(LeakError, match="clicks_today"):
        build_dataset(leaky_home, tmp_path / "d.parquet")

    assert not (tmp_path / "d.parquet").exists()


def test_command_line_reports_a_planted_leak_in_one_sentence(
    make_dataset, home, monkeypatch, capsys
):
    leaky = Dataset.load(make_dataset(slates=200, rate__item_7d=lambda gain: gain))
    (home.root / "build" / "ranker").mkdir(parents=True)
    write_dataset(
        home.datasets / "ranking.parquet", replace(leaky.facts), leaky.keys, [leaky.matrix]
    )
    monkeypatch.setenv("AISLE_HOME", str(home.root))

    status = main(["evaluate"])

    assert status == 1
    assert "Too good to be true: rate__item_7d (1.000)" in capsys.readouterr().err


@pytest.mark.skipif(not RANKLENS.exists(), reason=f"{RANKLENS} is not there; see AISLE_DATA")
def test_ranklens_passes(tmp_path):
    """RankLens: the first rankings, with all films."""
    home = Home(tmp_path / "home")
    with gzip.open(RANKLENS) as message, (tmp_path / "some.jsonl").open("wb") as some:
        some.writelines(islice(message, 6_000))
    home.root.mkdir()
    home.shop_toml.write_bytes((SIMULATED_SHOP.parent / "ranklens.toml").read_bytes())

    fill(home, tmp_path / "some.jsonl", "2026-02-01T00:00:00Z")
    build_dataset(home, tmp_path / "d.parquet")
    data = Dataset.load(tmp_path / "d.parquet")

    check_target_leakage(data)
    assert data.with_gain().size > 2000
    assert (data.column("category") != None).mean() > 0.9  # noqa: E711
