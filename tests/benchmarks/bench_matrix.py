"""The features of one user and 200 items: one matrix read against stock Feast's answers.

python -m tests.benchmarks matrix
"""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from feature_repo.online.matrix import MatrixReader
from tests.benchmarks.stock_shop import Shop, both

ITEMS, SLATE, RUNS, READS = 2_000, 200, 5, 200
STOCK_READS = 7


def main() -> dict[str, object]:
    """Best median of five runs of the matrix, medians of stock's answers, after they agree."""
    with TemporaryDirectory() as folder, both(Path(folder), ITEMS) as (stock, ours):
        ids = [f"item-{n * 7 % ITEMS}" for n in range(SLATE)]
        reader = MatrixReader(ours.store, ours.service)
        request = {"user_id": "user-7", "item_id": ids}
        rows = [{"user_id": "user-7", "item_id": item} for item in ids]

        def answer():
            return stock.store.get_online_features(stock.service, rows, full_feature_names=True)

        _assert_same(reader, request, answer)
        trips = _trips(ours, lambda: reader.read(request))
        runs = [_median(lambda: reader.read(request), READS) for _ in range(RUNS)]
        to_df = _median(lambda: answer().to_df(), STOCK_READS)
        proto = _median(lambda: answer().proto, STOCK_READS)
    return {
        "what": f"1 user × {SLATE} items × {len(reader.layout)} features of 3 views",
        "commands_at_the_server": trips,
        "matrix_seconds": min(runs),
        "matrix_seconds_of_each_run": runs,
        "stock_to_df_seconds": to_df,
        "stock_proto_seconds": proto,
        "to_df_ratio": to_df / min(runs),
        "proto_ratio": proto / min(runs),
    }


def _assert_same(reader: MatrixReader, request: dict[str, object], answer: Callable) -> None:
    expected = answer().to_df()[[*reader.layout.names]].to_numpy(np.float32)
    matrix = reader.read(request)
    np.testing.assert_array_equal(matrix.values, expected)
    assert matrix.present.all()


def _trips(shop: Shop, call: Callable) -> dict[str, int]:
    """Commands the server got during one call."""
    shop.client.config_resetstat()
    call()
    calls = {name: found["calls"] for name, found in shop.client.info("commandstats").items()}
    trips = {name: n for name, n in calls.items() if "config" not in name}
    assert trips == {"cmdstat_mget": 1}
    return trips


def _median(call: Callable, times: int) -> float:
    found = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        found.append(time.perf_counter() - begun)
    return median(found)
