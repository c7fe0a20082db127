"""Sessions that an A/B test and an interleaving need to find the better of two rankers.

python -m tests.benchmarks interleaving

Simulated shoppers see pages of either ranker, and pages that both drafted.  A ranker scores by the
utility for an average user with an error about each item, so the one of smaller errors is better by
the true click probabilities.  The errors of a successor are those of the control, made smaller;
those of an unrelated ranker are others.  Power is the probability that p < .05 for the better one:
of the difference in clicks per impression, by its standard error and the true difference, and of
the sign test, in simulated experiments.  The result has the sessions at 80 % power and their ratio;
`interleaving.svg` shows the power of one pair.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.stats

from tests.benchmarks.__main__ import RESULTS
from training.experiment_analysis.difference import difference
from training.experiment_analysis.metrics import Metric
from training.experiment_analysis.moments import Moments
from training.experiment_analysis.power import POWER
from training.experiment_analysis.preference import sign_test
from training.experiments import team_draft
from training.metrics import Floats, Ints, noise, stream
from training.plots import lines
from training.studies.simulation import Day, Pools, Shop, ShopConfig
from training.studies.simulation.click_models import draw_clicks
from training.studies.simulation.configuration import ClickModel
from training.studies.simulation.slates import Requests
from training.studies.simulation.visits import count_human_visits, draw_requests

PAGE = 10
CONFIG = ShopConfig(
    users=40_000,
    items=2_000,
    seed=5,
    rankings_per_user_day=1.0,
    slate=(PAGE, PAGE),
    bias=1.0,
)
DAYS = 5
CLICK_MODELS: tuple[ClickModel, ...] = ("dbn", "pbm")
PAIRS = {
    "successor, errors 0.7 and 0.4": (0.7, 0.4, True),
    "successor, errors 0.5 and 0.4": (0.5, 0.4, True),
    "unrelated, errors 0.7 and 0.4": (0.7, 0.4, False),
    "unrelated, errors 0.5 and 0.4": (0.5, 0.4, False),
}
"""Standard deviations of both rankers' errors, in logits, and whether they are of one kind."""
DRAWN = "dbn, successor, errors 0.7 and 0.4"
SIZES = tuple(round(25 * 2 ** (n / 2)) for n in range(32))
EXPERIMENTS = 4000
ENOUGH = 0.97
"""Power after which no larger size is tried."""

STYLE = (
    "<style>text { font: 13px sans-serif; fill: #1b1b1f } .tick { text-anchor: middle } "
    ".line { fill: none; stroke-width: 2.5 } .grid { stroke: #d4d4dc } .c0 { stroke: #2f6fb7 } "
    '.c1 { stroke: #b3541e }</style><rect width="100%" height="100%" fill="#ffffff"/>'
)
"""What a page's style sheet says about plots, for one without a page."""
RATE = Metric("click_rate", "clicks per impression", "clicks", "impressions")


@dataclass(frozen=True)
class Pair:
    """Two rankers: their errors, and whether the candidate is the control's successor."""

    control: float
    candidate: float
    is_successor: bool


@dataclass(frozen=True)
class Sessions:
    """What V sessions do on the pages of each ranker and on drafted ones; each of shape (V,).

    Attributes:
        impressions: of all its pages.
        clicks: of either ranker's pages, shape (2, V).
        expected: their expectations.
        credit: clicks on items of the candidate minus those of the control, on drafted pages.
    """

    impressions: Floats
    clicks: Floats
    expected: Floats
    credit: Floats


def main() -> dict[str, object]:
    """Return the sessions at 80 % power and their ratio, by pair of rankers."""
    results = {
        f"{model}, {name}": _compared(Pair(*pair), replace(CONFIG, click_model=model))
        for model in CLICK_MODELS
        for name, pair in PAIRS.items()
    }
    _draw(results[DRAWN]["power"])
    return {
        "what": f"sessions at {POWER:.0%} power, p < .05, by click model and pair of rankers",
        "pairs": results,
        "ratios": {name: result["ratio"] for name, result in results.items()},
    }


def _compared(pair: Pair, config: ShopConfig) -> dict[str, Any]:
    sessions = _simulated(pair, config)
    control, candidate = sessions.expected.sum(axis=1) / sessions.impressions.sum()
    assert candidate > control, "the ranker of smaller errors is better by the truth"
    columns = ("impressions", "clicks")
    arms = [
        Moments.of(columns, np.stack([sessions.impressions, clicks], axis=1))
        for clicks in sessions.clicks
    ]
    # Two groups of all sessions: the error of two halves of N sessions is sqrt(2 V error² / N).
    error = float(difference(*arms, RATE).error) * np.sqrt(2 * sessions.impressions.size)
    effect = float(candidate - control)
    rng = np.random.default_rng(1)
    powers = {
        "interleaving": _curve(lambda size: _sign_test_power(rng, sessions, size)),
        "A/B test": _curve(lambda size: _ab_power(effect, error / np.sqrt(size))),
    }
    needed = {name: _sessions_at_power(curve) for name, curve in powers.items()}
    decided = float(np.mean(sessions.credit != 0))
    return {
        "clicks_per_impression": [round(float(rate), 5) for rate in (control, candidate)],
        "lift": round(effect / float(control), 4),
        "decided_sessions": round(decided, 3),
        "surplus": round(float(np.sign(sessions.credit).mean()) / decided, 4),
        "sessions": {name: round(value) for name, value in needed.items()},
        "ratio": round(needed["A/B test"] / needed["interleaving"], 1),
        "power": powers,
    }


def _simulated(pair: Pair, config: ShopConfig) -> Sessions:
    shop = Shop.draw(config, DAYS)
    parts = [_day(shop.day(number), pair) for number in range(DAYS)]
    return Sessions(
        impressions=np.concatenate([part.impressions for part in parts]),
        clicks=np.concatenate([part.clicks for part in parts], axis=1),
        expected=np.concatenate([part.expected for part in parts], axis=1),
        credit=np.concatenate([part.credit for part in parts]),
    )


def _day(day: Day, pair: Pair) -> Sessions:
    """Simulate the sessions of a day on the pages of each ranker, and on drafted ones."""
    pools, total = Pools(day), count_human_visits(day)
    rng = stream(day.config.seed, "interleaving", day.number)
    requests = draw_requests(day, pools, rng, np.arange(total), total)
    candidates = pools.items(requests.pool)
    scores = [
        _scores(day, requests, candidates, 0, pair.control),
        _scores(day, requests, candidates, 0 if pair.is_successor else 1, pair.candidate),
    ]
    tops = [np.argsort(-each, axis=1, kind="stable")[:, :PAGE] for each in scores]
    seeds = zip(tops[0].tolist(), tops[1].tolist(), requests.seed.tolist(), strict=True)
    drafts = [team_draft((one, other), PAGE, seed) for one, other, seed in seeds]
    drafted = np.array([draft.items for draft in drafts])
    signs = {None: 0.0, 0: -1.0, 1: 1.0}
    sides = np.array([[signs[side] for side in draft.sides] for draft in drafts])
    clicked, expected = zip(
        *(_clicks(day, requests, np.take_along_axis(candidates, top, 1), rng) for top in tops),
        strict=True,
    )
    on_drafted, _ = _clicks(day, requests, np.take_along_axis(candidates, drafted, 1), rng)
    _, visit = np.unique(requests.visit, return_inverse=True)

    def by_visit(values: Floats) -> Floats:
        return np.bincount(visit, values)

    return Sessions(
        impressions=by_visit(np.full(visit.size, float(PAGE))),
        clicks=np.stack([by_visit(each.sum(axis=1)) for each in clicked]),
        expected=np.stack([by_visit(each.sum(axis=1)) for each in expected]),
        credit=by_visit((on_drafted * sides).sum(axis=1)),
    )


def _scores(day: Day, requests: Requests, items: Ints, kind: int, error: float) -> Floats:
    """Score by the utility for an average user, with a fixed error of a kind about each item."""
    uniform = noise(np.uint64(100 + kind), day.items.key[np.maximum(items, 0)])
    utility = day.average_utility(requests.intent, np.maximum(items, 0))
    scores = utility + error * np.sqrt(12) * (uniform - 0.5)
    return np.where(items >= 0, scores, -np.inf)


def _clicks(
    day: Day, requests: Requests, items: Ints, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return drawn clicks and their probabilities, of shape (R, PAGE)."""
    attraction = day.attraction(requests.user, requests.focus, requests.intent, items)
    patience = day.users.patience[requests.user]
    drawn = draw_clicks(
        day.config, requests.device, patience, attraction, rng.random((2, *items.shape))
    )
    return drawn.clicked.astype(np.float64), drawn.examination * drawn.click


def _sign_test_power(rng: np.random.Generator, sessions: Sessions, size: int) -> float:
    """Return the share of experiments whose sign test is significant for the better ranker."""
    outcomes = np.sign(sessions.credit)
    shares = [np.mean(outcomes == sign) for sign in (1, -1, 0)]
    wins, losses, _ = rng.multinomial(size, shares, EXPERIMENTS).T
    return float(np.mean((sign_test(wins, losses) < 0.05) & (wins > losses)))


def _ab_power(effect: float, error: float) -> float:
    """Return the probability that a difference is significant for the better ranker."""
    normal = scipy.stats.norm
    return float(normal.sf(normal.isf(0.025) - effect / error))


def _curve(power_of: Callable[[int], float]) -> dict[int, float]:
    """Return size → power, up to the first size of nearly full power."""
    curve: dict[int, float] = {}
    for size in SIZES:
        curve[size] = power_of(size)
        if curve[size] > ENOUGH:
            break
    return curve


def _sessions_at_power(curve: Mapping[int, float]) -> float:
    """Return the sessions at the first crossing of the power, linear in the logarithm."""
    sizes, powers = list(curve), list(curve.values())
    after = next(n for n, power in enumerate(powers) if power >= POWER)
    span = np.log(sizes[after - 1 : after + 1])
    return float(np.exp(np.interp(POWER, powers[after - 1 : after + 1], span)))


def _draw(curves: Mapping[str, Mapping[int, float]]) -> None:
    """Draw the power of both, each at full power after its last size."""
    sizes = sorted({size for curve in curves.values() for size in curve})
    series = {name: [curve.get(size, 1.0) for size in sizes] for name, curve in curves.items()}
    title = f"Power to find the better ranker ({DRAWN})"
    plot = lines("power", title, [f"{size:,}" for size in sizes], series, "sessions")
    RESULTS.mkdir(parents=True, exist_ok=True)
    alone = plot.svg.replace(">", f' xmlns="http://www.w3.org/2000/svg">{STYLE}', 1)
    (RESULTS / "interleaving.svg").write_text(alone + "\n")
