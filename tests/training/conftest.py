"""Training datasets: a small synthetic one, and one of a small simulated shop."""

import shutil

import numpy as np
import pyarrow as pa
import pytest

from feature_repo.home import MINUTE, Home, parse_instant
from feature_repo.request_features import feature_columns
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import SIMULATED_SHOP, Shop
from training.dataset import Dataset, Facts
from training.dataset.format import write_dataset
from training.dataset.split import split_rankings
from training.ranker import choose_and_fit
from training.ranker.configuration import GRID
from training.ranker.fitting import save_trained

ITEMS = 6
START = parse_instant("2026-01-05T00:00:00Z")


@pytest.fixture
def make_dataset(tmp_path):
    """Returns a function that writes a dataset where taste, not the click rate, explains the
    clicks."""

    def write(name="made.parquet", **options):
        return write_made(tmp_path / name, **options)

    return write


@pytest.fixture(scope="session")
def made_dataset(tmp_path_factory):
    """The same dataset, written once for all tests that only read it."""
    return write_made(tmp_path_factory.mktemp("made") / "made.parquet")


@pytest.fixture(scope="session")
def fitted(made_dataset):
    """The ranker of `made_dataset` and its training, for tests that do not change them."""
    return choose_and_fit(Dataset.load(made_dataset), grid=GRID[:1])


@pytest.fixture
def fitted_folder(fitted, made_dataset, tmp_path):
    """The folder of that ranker, which a test may change."""
    save_trained(*fitted, made_dataset, tmp_path / "ranker")
    return tmp_path / "ranker"


@pytest.fixture
def shop_home(home):
    """A home that declares the simulated shop, and has nothing else."""
    home.root.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(SIMULATED_SHOP, home.shop_toml)
    return home


@pytest.fixture(scope="session")
def busy_dataset(tmp_path_factory):
    """A made dataset in which slices have enough users for an interval."""
    return write_made(tmp_path_factory.mktemp("busy") / "busy.parquet", slates=900, users=180)


@pytest.fixture(scope="session")
def busy_fitted(busy_dataset):
    """The ranker of `busy_dataset` and its training, for tests that do not change them."""
    return choose_and_fit(Dataset.load(busy_dataset), grid=GRID[:1])


def write_made(path, *, slates=150, seed=3, users=20, order=None, **planted):
    """Write a dataset; `planted` columns are functions of the gain."""
    rng = np.random.default_rng(seed)
    shape = (slates, ITEMS)
    taste, rate = rng.normal(size=shape), rng.uniform(0.05, 0.4, size=shape)
    gain = (taste + 2 * rate + rng.normal(scale=0.5, size=shape) > 1).astype(np.float32)
    columns = feature_columns(Shop.load(SIMULATED_SHOP))
    planned = {
        "taste__lift": taste,
        "rate__item_all": rate,
        "item_engagement__clicks_all": np.round(rate * 100),
        "item_engagement__impressions_all": np.full(shape, 100.0),
        "user_engagement__impressions_all": np.tile(
            np.where(np.arange(slates) % 3, 6.0, np.nan)[:, None], (1, ITEMS)
        ),
        **{column: value(gain) for column, value in planted.items()},
    }
    matrix = np.full((slates * ITEMS, len(columns)), np.nan, dtype=np.float32)
    for column, values in planned.items():
        matrix[:, columns.index(column)] = values.ravel()
    rows = np.arange(slates * ITEMS) if order is None else order(slates * ITEMS)
    facts = Facts(columns, RatePrior(0.2, 2.0), "ranking_v1", 1, {"train": slates})
    write_dataset(path, facts, _keys(slates, users, gain).take(pa.array(rows)), [matrix[rows]])
    return path


def _keys(slates, users, gain):
    slate = np.repeat(np.arange(slates), ITEMS)
    return pa.table(
        {
            "request_id": [f"r{n:04d}" for n in slate],
            "qid": slate,
            "user_id": [f"u{n % users}" if n % 7 else None for n in slate],
            "query_key": [f"uk|query {n % 4}" if n % 2 else None for n in slate],
            "market": ["uk" if n % 3 else "de" for n in slate],
            "item_id": [f"i{n}" for n in np.tile(np.arange(ITEMS), slates)],
            "position": np.tile(np.arange(1, ITEMS + 1), slates),
            "t": pa.array(START + slate * MINUTE).cast(pa.timestamp("us", tz="UTC")),
            "gain": gain.ravel(),
            "split": split_rankings(slates)[slate],
        }
    )


@pytest.fixture(scope="session")
def simulated_home(tmp_path_factory):
    """A home whose small simulated shop was ingested, transformed and registered."""
    from tests.training.filled_home import fill
    from training.studies.simulation import simulate

    home = Home(tmp_path_factory.mktemp("learning") / "home")
    events = simulate(home.root.parent / "events.jsonl", users=40, items=60, days=8)
    return fill(home, events, "2026-02-01T00:00:00Z")
