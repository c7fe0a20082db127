"""Completions of a partly typed query."""

import time
from collections.abc import Mapping

from feature_repo.shop import Shop, folded_value
from serving.contract import MAX_COMPLETIONS, ApiError, AutocompleteAnswer, Completion
from serving.monitoring import DEGRADED
from serving.query import market_of
from serving.state import ModelRegistry
from training.retrieval.indexes import COMPLETIONS, Completions

MAX_TYPED_CHARACTERS, DEFAULT_COUNT = 200, 8


def complete(registry: ModelRegistry, query: Mapping[str, str]) -> AutocompleteAnswer:
    """Complete `q` for a market; without an index there are no suggestions.

    Raises:
        ApiError: 400, `count` is not a number in range.
        EventError: the shop declares other markets.
    """
    started = time.perf_counter()
    count = _count(query.get("count", str(DEFAULT_COUNT)))
    index: Completions | None = registry.index(COMPLETIONS)
    if index is None:
        DEGRADED.labels("autocomplete").inc()
    typed = query.get("q", "")[:MAX_TYPED_CHARACTERS]
    suggestions = index.search(typed, count, _market(query, registry.shop)) if index else []
    return AutocompleteAnswer(
        round((time.perf_counter() - started) * 1000, 3),
        [Completion(one.text, one.kind, one.weight, one.item) for one in suggestions],
        [] if index else ["autocomplete"],
    )


def _market(query: Mapping[str, str], shop: Shop) -> str | None:
    """Return the folded market; None where the shop declares none and the request names none."""
    name = query.get("market")
    return folded_value(market_of(name, "market", shop)) if name or shop.markets else None


def _count(text: str) -> int:
    digits = text if text.isascii() and text.isdigit() and len(text) < 4 else "0"
    if not 1 <= int(digits) <= MAX_COMPLETIONS:
        raise ApiError(400, "count", f"1 to {MAX_COMPLETIONS}", text)
    return int(digits)
