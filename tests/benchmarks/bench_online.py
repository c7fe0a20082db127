"""Compare `get_online_features` and memory in Redis of packed rows with stock Feast's hashes.

python -m tests.benchmarks online
"""

from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks.__main__ import RESULTS
from tests.benchmarks.measuring import costs
from tests.benchmarks.plot import draw
from tests.benchmarks.stock_shop import Shop, both

STORED = (500, 2_000, 8_000)
"""Numbers of items, and of users, in a store; requests read from the middle size."""

ENTITIES, RUNS = (1, 10, 100, 500), 5
KINDS = ("ours", "stock")


def main() -> dict[str, object]:
    """Return the best medians of five runs, after the two agree, and the bytes of an entity."""
    memory, answers = {}, {}
    for items in STORED:
        with TemporaryDirectory() as folder, both(Path(folder), items) as (stock, aisle):
            if items == STORED[1]:
                answers = {str(size): _at(stock, aisle, items, size) for size in ENTITIES}
            sizes = {"ours": _memory(aisle, items), "stock": _memory(stock, items)}
            memory[str(items)] = sizes | {"ratio": sizes["stock"] / sizes["ours"]}
    _draw(answers, memory)
    return {
        "what": "get_online_features, 40 features of 3 views, one user and N items",
        "entities": answers,
        "bytes_per_entity": memory,
    }


def _at(stock: Shop, aisle: Shop, items: int, size: int) -> dict[str, object]:
    rows = [{"user_id": "user-7", "item_id": f"item-{n * 7 % items}"} for n in range(size)]
    assert _answer(aisle, rows).to_dict() == _answer(stock, rows).to_dict()
    times = max(5, 40 // size)
    measured = costs(
        {
            "ours answer": (lambda: _answer(aisle, rows), times),
            "stock answer": (lambda: _answer(stock, rows), times),
            "ours to_df": (lambda: _answer(aisle, rows).to_df(), times),
            "stock to_df": (lambda: _answer(stock, rows).to_df(), times),
        },
        runs=RUNS,
    )
    ratios = {
        f"{what} {unit}": measured[f"stock {what}"][unit] / measured[f"ours {what}"][unit]
        for what in ("answer", "to_df")
        for unit in ("seconds", "cpu_seconds")
    }
    return {**measured, "ratios": ratios}


def _answer(shop: Shop, rows: list[dict[str, str]]):
    return shop.store.get_online_features(shop.service, rows, full_feature_names=True)


def _memory(shop: Shop, items: int) -> float:
    """Return the mean bytes of a user or item, as MEMORY USAGE reports them."""
    with shop.client.pipeline(transaction=False) as pipe:
        for key in shop.client.scan_iter(count=1000):
            pipe.memory_usage(key, samples=0)
        return sum(pipe.execute()) / (2 * items)


def _draw(answers: dict[str, dict[str, object]], memory: dict[str, dict[str, float]]) -> None:
    panels = {
        what: {
            kind: {float(size): costs[f"{kind} answer"][unit] for size, costs in answers.items()}
            for kind in KINDS
        }
        for what, unit in (("seconds", "seconds"), ("CPU seconds", "cpu_seconds"))
    }
    panels["bytes of an entity, by entities stored"] = {
        kind: {float(size): sizes[kind] for size, sizes in memory.items()} for kind in KINDS
    }
    draw(RESULTS / "online.svg", "get_online_features, 40 features", "entities", panels)
