"""Every cache of a process that requests or events fill has a limit in bytes."""

import ast
import tracemalloc

import pytest

from feature_repo.shop.amounts import read_numbers
from feature_repo.shop.folded_value import LONGEST_CACHED, folded_value
from tests.source_tree import ROOT

MOST_OF_CODE = 1024
"""Entries of a cache whose keys are of the shop's declaration or of files, not of requests."""

MEGABYTES = {
    "feature_repo/offline/parquet/footers.py": 10,
    "feature_repo/online/hydration/slate_query.py": 60,
    "feature_repo/online/redis/live_keys.py": 60,
    "feature_repo/shop/amounts.py": 5,
    "feature_repo/shop/folded_value.py": 40,
    "training/query_understanding/folding.py": 5,
    "training/query_understanding/price_words.py": 20,
    "training/query_understanding/scripts.py": 10,
    "training/query_understanding/words.py": 25,
}
"""File → limit of its large caches, which docs/operating.md lists."""


def sizes(path):
    """Return the entries of each `lru_cache` of a file."""
    names = {}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names |= {ast.unparse(target): node.value.value for target in node.targets}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("lru_cache"):
            (size,) = [*node.args, *(keyword.value for keyword in node.keywords)] or [None]
            assert size is not None, f"{path}: a cache without a size has 128 entries; say so"
            yield names.get(ast.unparse(size)) or ast.literal_eval(size)


def test_every_large_cache_is_listed_with_its_limit():
    large = {
        str(path.relative_to(ROOT))
        for package in ("feature_repo", "training", "serving")
        for path in (ROOT / package).rglob("*.py")
        if any(size > MOST_OF_CODE for size in sizes(path))
    }

    assert large == {*MEGABYTES}


@pytest.mark.parametrize("read", [folded_value, read_numbers])
def test_long_texts_are_not_cached(read):
    tracemalloc.start()
    for n in range(300):
        read(f"{n} " + "x" * 100_000)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used < 5_000_000


def test_a_full_cache_of_values_is_within_its_limit():
    tracemalloc.start()
    for n in range(20_000):
        folded_value(f"Välue {n:>9}".ljust(LONGEST_CACHED, "X"))
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert used * 5 < MEGABYTES["feature_repo/shop/folded_value.py"] * 1_000_000
