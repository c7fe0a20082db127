"""The features of one user and N items: one matrix read against stock Feast's answers.

python -m tests.benchmarks matrix
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from feature_repo.online.feast.matrix import MatrixReader
from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.measuring import costs
from tests.benchmarks.plot import draw
from tests.benchmarks.stock_shop import Shop, both

ITEMS, SLATES, RUNS = 2_000, (50, 200, 500), 5
READS, STOCK_READS = 200, 7
STOCK = ("stock to_df", "stock proto")


def main() -> dict[str, object]:
    """Best medians of five runs at each size, after matrix and answers agree."""
    with TemporaryDirectory() as folder, both(Path(folder), ITEMS) as (stock, ours):
        reader = MatrixReader(ours.store, ours.service)
        sizes = {str(size): _at(stock, ours, reader, size) for size in SLATES}
    _draw(sizes)
    return {
        "what": f"1 user × N items × {len(reader.layout)} features of 3 views",
        "sizes": sizes,
    }


def _at(stock: Shop, ours: Shop, reader: MatrixReader, size: int) -> dict[str, object]:
    ids = [f"item-{n * 7 % ITEMS}" for n in range(size)]
    request = {"user_id": "user-7", "item_id": ids}
    rows = [{"user_id": "user-7", "item_id": item} for item in ids]

    def answer():
        return stock.store.get_online_features(stock.service, rows, full_feature_names=True)

    _assert_same(reader, request, answer)
    found = costs(
        {
            "matrix": (lambda: reader.read(request), READS),
            "stock to_df": (lambda: answer().to_df(), STOCK_READS),
            "stock proto": (lambda: answer().proto, STOCK_READS),
        },
        runs=RUNS,
    )
    ratios = {
        f"{name} {what}": found[name][what] / found["matrix"][what]
        for name in STOCK
        for what in ("seconds", "cpu_seconds")
    }
    trips = _trips(ours, lambda: reader.read(request))
    return {**found, "ratios": ratios, "commands_at_the_server": trips}


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


def _draw(sizes: dict[str, dict[str, object]]) -> None:
    panels = {
        what: {
            name: {float(size): found[name][unit] for size, found in sizes.items()}
            for name in ("matrix", *STOCK)
        }
        for what, unit in (("seconds", "seconds"), ("CPU seconds", "cpu_seconds"))
    }
    draw(RESULTS / "matrix.svg", "1 user, N items, 40 features", "items", panels)
