"""What a bandit has learned: its counts in Redis, its posterior, and what it would choose."""

from collections.abc import Sequence
from typing import Any

from feature_repo.online.hydration import OnlineReader
from training.bandits import Bandit, posteriors, win_probabilities, with_floor

Arm = dict[str, Any]


def bandit_arms(reader: OnlineReader, bandit: Bandit, now: int) -> list[Arm]:
    """Return the counts, the posterior, the share and the propensity of each arm in each context.

    Raises:
        RedisError: the server does not answer.
    """
    counts = reader.arm_counts(bandit.all_keys, now)
    size = len(bandit.arms)
    arms: list[Arm] = []
    for cell, context in enumerate(bandit.context.cells):
        of_cell = counts[cell * size : (cell + 1) * size]
        read = counts if bandit.model == "linear" else of_cell
        distributions = posteriors(bandit, cell, read)
        propensities = with_floor(win_probabilities(distributions), bandit.floor)
        decisions, rewards = of_cell.sum(axis=2).T.tolist()
        total = sum(decisions)
        arms += [
            {
                "context": context.label,
                "arm": arm,
                "decisions": decisions[n],
                "rewards": rewards[n],
                "mean": distributions[n].mean,
                "deviation": distributions[n].deviation,
                "share": decisions[n] / total if total else None,
                "propensity": propensities[n],
            }
            for n, arm in enumerate(bandit.arms)
        ]
    return arms


def estimated_regret(arms: Sequence[Arm]) -> float:
    """Return how many more rewards the best arm of each context would have had, by the means."""
    best: dict[str, float] = {}
    for arm in arms:
        best[arm["context"]] = max(best.get(arm["context"], 0.0), arm["mean"])
    return float(sum(arm["decisions"] * (best[arm["context"]] - arm["mean"]) for arm in arms))
