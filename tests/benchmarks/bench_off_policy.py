"""Compare estimates of policies with their true value.

python -m tests.benchmarks off_policy [simulated] [open_bandit]

simulated: 1,000 logs of shops of many kinds, and how often the 95 % interval contains the truth.
open_bandit: both directions of each campaign in AISLE_DATA/obd.
"""

from collections import defaultdict

import numpy as np

from tests.training.off_policy.open_bandit import LEARNED, RANDOM, campaigns, read_logs
from tests.training.off_policy.simulated_slates import random_shop, simulated_log
from training.off_policy import off_policy_report

LOGS, DRAWS = 1_000, 500
FIRST_SEED = 10_000
"""The limits of `training/off_policy/overlap.py` were chosen on logs of seeds below it."""

PARTS = ("simulated", "open_bandit")


def main(*parts: str) -> dict[str, object]:
    """Return the figures of the named parts, or of all."""
    measured = {"simulated": simulated, "open_bandit": open_bandit}
    return {
        "what": "estimates of policies from logs of others",
        **{part: measured[part]() for part in parts or PARTS},
    }


def simulated() -> dict[str, object]:
    """Return coverage and refusals by estimator, over logs of shops that are drawn at random."""
    covered: dict[str, list[bool]] = defaultdict(list)
    refused: dict[str, list[bool]] = defaultdict(list)
    for seed in range(FIRST_SEED, FIRST_SEED + LOGS):
        slates, policy, truth = simulated_log(random_shop(seed), seed)
        report = off_policy_report(slates, policy, draws=DRAWS)
        given = [] if report["refusal"] else [report["estimate"] | {"name": "the figure given"}]
        for row in (*report["estimates"], *given):
            if row["low"] is not None:
                hits = covered if row["refusal"] is None else refused
                hits[row["name"]].append(row["low"] <= truth <= row["high"])
    return {
        name: {
            "estimates": len(hits),
            "coverage": float(np.mean(hits)),
            "refused": LOGS - len(hits),
            "coverage_of_refused": float(np.mean(refused[name])) if refused[name] else None,
        }
        for name, hits in covered.items()
    }


def open_bandit() -> dict[str, object]:
    """Return, by campaign and direction, the estimate and what the other policy's log has."""
    figures = {}
    for campaign in campaigns():
        logs = read_logs(campaign)
        for source, target in ((RANDOM, LEARNED), (LEARNED, RANDOM)):
            report = off_policy_report(logs[source].slates, logs[target].policy)
            observed = logs[target].slates.observed
            figures[f"{campaign}: {source} to {target}"] = {
                "observed": observed,
                "refusal": report["refusal"],
                "estimates": {
                    row["name"]: [row["value"], row["low"], row["high"], row["refusal"]]
                    for row in report["estimates"]
                },
                "covers": report["estimate"]
                and report["estimate"]["low"] <= observed <= report["estimate"]["high"],
            }
    return figures
