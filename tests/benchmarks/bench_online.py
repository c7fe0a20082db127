"""`get_online_features` and memory in Redis: packed rows against stock Feast's hashes.

python -m tests.benchmarks online
"""

import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from tests.benchmarks.stock_shop import Shop, both

ITEMS, SIZES, RUNS = 2_000, (1, 10, 100, 200), 21


def main() -> dict[str, object]:
    """Medians of turns taken alternately, in seconds, after the two agree."""
    with TemporaryDirectory() as folder, both(Path(folder), ITEMS) as (stock, ours):
        answers = {size: _compare(stock, ours, size) for size in SIZES}
        memory = {name: _memory(shop) for name, shop in (("stock", stock), ("ours", ours))}
    return {
        "what": "get_online_features, 40 features of 3 views, one user and N items",
        "entities": answers,
        "bytes_per_entity": memory,
        "memory_ratio": memory["stock"] / memory["ours"],
    }


def _compare(stock: Shop, ours: Shop, size: int) -> dict[str, float]:
    rows = [{"user_id": "user-7", "item_id": f"item-{n * 7 % ITEMS}"} for n in range(size)]
    assert _answer(ours, rows).to_dict() == _answer(stock, rows).to_dict()
    times: dict[str, list[tuple[float, float, float]]] = {"stock": [], "ours": []}
    for _ in range(RUNS):
        for name, shop in (("stock", stock), ("ours", ours)):
            times[name].append(_measured(shop, rows))
    seconds = {
        f"{name}_{what}_seconds": median(run[n] for run in runs)
        for name, runs in times.items()
        for n, what in enumerate(("answer", "to_df", "cpu"))
    }
    ratios = {
        f"{what}_ratio": seconds[f"stock_{what}_seconds"] / seconds[f"ours_{what}_seconds"]
        for what in ("answer", "to_df", "cpu")
    }
    return seconds | ratios


def _answer(shop: Shop, rows: list[dict[str, str]]):
    return shop.store.get_online_features(shop.service, rows, full_feature_names=True)


def _measured(shop: Shop, rows: list[dict[str, str]]) -> tuple[float, float, float]:
    """Seconds to the answer, seconds to its frame, and CPU seconds to the answer."""
    begun, busy = time.perf_counter(), time.process_time()
    answer = _answer(shop, rows)
    answered, spent = time.perf_counter() - begun, time.process_time() - busy
    answer.to_df()
    return answered, time.perf_counter() - begun, spent


def _memory(shop: Shop) -> float:
    """Bytes of every key by Redis's own measure, by user or item."""
    keys = [*shop.client.scan_iter(count=1000)]
    return sum(shop.client.memory_usage(key, samples=0) for key in keys) / (2 * ITEMS)
