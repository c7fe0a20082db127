"""Compare one feature matrix of 200 candidates with 200 matrices of one candidate.

The two must agree bit for bit in every column that does not depend on the rest of the slate.

python -m tests.benchmarks request_features
"""

from functools import partial
from statistics import median
from timeit import repeat

import numpy as np

from feature_repo.home import HOUR, SECOND, parse_instant
from feature_repo.request_features import Matrix, RequestContext, feature_columns, feature_matrix
from feature_repo.request_features.context import RatePrior
from feature_repo.shop import SIMULATED_SHOP, Shop

CANDIDATES, RUNS = 200, 7
NOW = parse_instant("2026-03-01T12:00:00Z")
SHOP, PRIOR = Shop.load(SIMULATED_SHOP), RatePrior(0.1, 5.0)


def main() -> dict[str, object]:
    """Return medians in seconds, after the two agree."""
    context = _context()
    one_matrix = partial(feature_matrix, context, SHOP, PRIOR)
    one_by_one = partial(_singly, context)
    comparable = [not name.startswith("slate__") for name in feature_columns(SHOP)]
    np.testing.assert_array_equal(one_matrix()[:, comparable], one_by_one()[:, comparable])
    fast, slow = (median(repeat(one, number=1, repeat=RUNS)) for one in (one_matrix, one_by_one))
    return {
        "what": f"{len(comparable)} columns of {CANDIDATES} candidates",
        "at_once_seconds": fast,
        "one_by_one_seconds": slow,
        "ratio": slow / fast,
    }


def _singly(context: RequestContext) -> Matrix:
    return np.concatenate(
        [
            feature_matrix(
                RequestContext(
                    t=context.t,
                    query=context.query,
                    user=context.user,
                    item_ids=[item],
                    items={name: values[n : n + 1] for name, values in context.items.items()},
                ),
                SHOP,
                PRIOR,
            )
            for n, item in enumerate(context.item_ids)
        ]
    )


def _context() -> RequestContext:
    rng = np.random.default_rng(2)
    brands, words = [f"brand {n}" for n in range(30)], ["red", "warm", "shoe", "coat", "hat"]
    met = rng.integers(0, CANDIDATES, 120).tolist()
    ages = np.sort(rng.integers(SECOND, 900 * HOUR, 120))
    recent = {
        "item_ids": [f"i{n}" for n in met],
        "at": (NOW - ages).tolist(),
        "brand": [brands[n % 30] for n in met],
        "category": [words[n % 5] for n in met],
    }
    shown = {f"user_recent__shown_{name}": values[40:] for name, values in recent.items()}
    clicked = {f"user_recent__clicked_{name}": values[:40] for name, values in recent.items()}
    counts = rng.integers(0, 500, CANDIDATES)
    return RequestContext(
        t=NOW,
        query="warm red coat",
        user={"user_recent__present": True, **shown, **clicked},
        item_ids=[f"i{n}" for n in range(CANDIDATES)],
        items={
            "item_attributes__title": [" ".join(rng.choice(words, 3)) for _ in counts],
            "item_attributes__brand": [brands[n % 30] for n in counts],
            "item_attributes__category": [words[n % 5] for n in counts],
            "item_attributes__price": rng.random(CANDIDATES),
            "item_engagement__impressions_all": counts,
            "item_engagement__clicks_all": counts // 9,
        },
    )
