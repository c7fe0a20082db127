"""What a shopper may be about to type."""

import time
from collections.abc import Mapping

from serving.contract import ApiError, AutocompleteAnswer, Completion
from serving.monitoring import ANSWER_SECONDS, DEGRADED
from serving.state import ModelRegistry
from training.retrieval.indexes import COMPLETIONS, Completions

LONGEST, MOST, USUAL = 200, 50, 8


def complete(registry: ModelRegistry, parameters: Mapping[str, str]) -> AutocompleteAnswer:
    """Complete `q`; without an index there is nothing to suggest.

    Raises:
        ApiError: 400, a `count` that is none.
    """
    started = time.perf_counter()
    count = _count(parameters.get("count", str(USUAL)))
    index: Completions | None = registry.index(COMPLETIONS)
    if index is None:
        DEGRADED.labels("autocomplete").inc()
    found = index.search(parameters.get("q", "")[:LONGEST], count) if index else []
    seconds = time.perf_counter() - started
    ANSWER_SECONDS.labels("autocomplete").observe(seconds)
    return AutocompleteAnswer(
        round(seconds * 1000, 3),
        [Completion(*suggestion) for suggestion in found],
        [] if index else ["autocomplete"],
    )


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:4]) <= MOST and len(text) < 4):
        raise ApiError(400, "count", f"1 to {MOST}", text)
    return int(text)
