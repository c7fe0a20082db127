"""Fit a small example of each model and print a hash of each result, as one JSON object."""

import hashlib
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa

from feature_repo.events.contract import InteractionEvent
from feature_repo.home import DAY
from feature_repo.request_features.context import RatePrior
from feature_repo.views import RANKING_SERVICE
from training.dataset import Dataset, Facts
from training.dataset.prior import fit_prior
from training.metrics import left_singular_vectors, mean_interval
from training.ranker import Configuration, choose_and_fit
from training.studies.next_purchase import Decisions, History, Lookups
from training.studies.next_purchase.fitting import average, choose_ranker
from training.studies.next_purchase.own import OwnPast
from training.studies.next_purchase.rows import rank

START = 1_700_000_000_000_000
TREES = Configuration(3, 0.2, 0.5, 5.0, most_rounds=8)


def purchases():
    """Users who each buy a few items again and again."""
    rng = np.random.default_rng(1)
    for user in range(40):
        staples, day = rng.choice(80, 6, replace=False), rng.uniform(0, 10)
        while day < 90:
            at = START + int(day * DAY)
            for item in {*rng.choice(staples, 3).tolist(), int(rng.integers(80))}:
                yield InteractionEvent(
                    event_id=f"{user} {at} {item}",
                    type="purchase",
                    item_id=f"i{item:02d}",
                    user_id=f"u{user}",
                    value=1.1 + item / 7,
                    quantity=1.0,
                    event_time=at,
                    received_at=at,
                )
            day += rng.uniform(3, 12)


def ranked_slates():
    """Slates with clicks that depend on a taste and on the position."""
    rng = np.random.default_rng(2)
    slates, size = 240, 8
    taste = rng.normal(size=(slates, size))
    rate = rng.uniform(0.05, 0.4, size=(slates, size))
    logit = taste + 3 * rate - 0.2 * np.arange(size)
    gain = (logit + rng.normal(size=logit.shape) > 1).astype(np.float32).ravel()
    qid = np.repeat(np.arange(slates), size)
    request_id = [f"r{number:04d}" for number in qid]
    t = START + qid * 1_000_000
    keys = {
        "request_id": request_id,
        "qid": qid,
        "user_id": [f"u{n % 30}" for n in qid],
        "query_key": pa.nulls(qid.size, pa.string()),
        "market": ["uk"] * qid.size,
        "item_id": [f"i{n % 50:02d}" for n in range(qid.size)],
        "position": np.tile(np.arange(1, size + 1), slates),
        "t": pa.array(t).cast(pa.timestamp("us", "UTC")),
        "gain": gain,
        "split": np.repeat(_splits(slates), size),
    }
    matrix = np.stack([taste.ravel(), rate.ravel(), rng.normal(size=qid.size)], axis=1)
    columns = ("taste__lift", "rate__item_all", "slate__noise")
    facts = Facts(columns, RatePrior(), RANKING_SERVICE, 1, {})
    return Dataset(facts, pa.table(keys), matrix.astype(np.float32))


def _splits(slates):
    share = np.arange(slates) / slates
    return np.where(share < 0.64, "train", np.where(share < 0.8, "validate", "test"))


def results():
    """Yield the name and the bytes of each result."""
    rng = np.random.default_rng(3)
    history = History.of_events(list(purchases()))
    decisions, lookups = Decisions.of(history), Lookups.of(history)
    bought = OwnPast.of(history, decisions, lookups.by_user).decayed(60.0)
    yield "decayed purchases", bought.data.tobytes()
    vectors, values = left_singular_vectors(bought, 16)
    yield "singular vectors", vectors.tobytes() + values.tobytes()
    choice = choose_ranker(lookups, decisions, (TREES,))
    yield "next-purchase features", choice.rows.matrix.tobytes()
    ranker = average(choice.fit(2))
    yield "next-purchase model", bytes(ranker.booster.save_raw("json"))
    (ranking,), _ = rank(lookups, decisions, lambda matrix: [ranker.apply(matrix)])
    yield "next-purchase rankings", ranking.tobytes()

    data = ranked_slates()
    ranker, training = choose_and_fit(data, grid=(TREES,))
    with tempfile.TemporaryDirectory() as folder:
        ranker.save(Path(folder))
        for path in sorted(Path(folder).iterdir()):
            yield f"ranker's {path.name}", path.read_bytes()
    yield "training report", json.dumps(training.to_dict()).encode()
    yield "scores", ranker.apply(data.matrix).tobytes()
    prior = fit_prior(data.column("item_id"), data.column("gain") > 0)
    yield "prior", repr(prior).encode()
    yield "interval", repr(mean_interval(rng.random(3000), rng.integers(500, size=3000))).encode()


if __name__ == "__main__":
    json.dump({name: hashlib.sha256(raw).hexdigest() for name, raw in results()}, sys.stdout)
