"""Intervals contain the truth as often as they say, and estimates without a base are refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.scale import examples
from tests.training.off_policy.open_bandit import FOLDER, LEARNED, RANDOM, campaigns, read_logs
from tests.training.off_policy.simulated_slates import Shop, simulated_log
from training.off_policy import off_policy_report
from training.off_policy.overlap import LEAST_REWARDED, LEAST_SHOPPERS

EXPLORED = Shop(users=900, slates_each=1, slots=2, items=6, temperature=2.0, click_rate=0.2)
DRAWS = 200


def test_intervals_contain_the_truth_in_95_percent_of_the_logs():
    hits = []
    for seed in range(examples(40)):
        slates, policy, truth = simulated_log(EXPLORED, seed)
        report = off_policy_report(slates, policy, draws=DRAWS)
        if report["refusal"] is None:
            hits.append(report["estimate"]["low"] <= truth <= report["estimate"]["high"])

    assert len(hits) > examples(40) / 2
    # Four standard errors of a share of this many logs.
    assert np.mean(hits) >= 0.95 - 4 * np.sqrt(0.95 * 0.05 / len(hits))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"users": 220}, f"{LEAST_SHOPPERS} are needed"),
        ({"click_rate": 0.0005}, f"{LEAST_REWARDED} are needed"),
    ],
)
def test_a_log_with_too_little_overlap_is_refused_in_a_sentence(change, reason):
    slates, policy, _ = simulated_log(replace(EXPLORED, **change), 1)

    report = off_policy_report(slates, policy, draws=DRAWS)

    assert reason in report["refusal"]
    assert report["estimate"] is None
    assert report["change"] is None


def test_wrong_propensities_are_refused():
    slates, policy, _ = simulated_log(EXPLORED, 1)

    wrong = replace(slates, marginal=slates.marginal * 0.5)
    report = off_policy_report(wrong, policy, draws=DRAWS)

    assert "propensities of the log are wrong" in report["refusal"]


def test_estimators_that_disagree_say_why():
    dependent = replace(EXPLORED, users=6_000, click_rate=0.5, depends_above=1.0, likeness=0.95)
    slates, policy, truth = simulated_log(dependent, 4)

    report = off_policy_report(slates, policy, draws=DRAWS)

    (dr,) = (row for row in report["estimates"] if row["name"] == "dr")
    assert truth < dr["low"]
    assert report["estimate"]["name"] == "rips"
    assert report["estimate"]["low"] < truth < report["estimate"]["high"]
    assert any("clicks depend on the cascade" in each for each in report["disagreements"])


@pytest.mark.skipif(not campaigns(), reason=f"{FOLDER} has no logs; see AISLE_DATA")
@pytest.mark.parametrize("campaign", campaigns())
@pytest.mark.parametrize(("source", "target"), [(RANDOM, LEARNED), (LEARNED, RANDOM)])
def test_estimates_of_a_real_policy_contain_what_its_log_has(campaign, source, target):
    logs = read_logs(campaign)

    report = off_policy_report(logs[source].slates, logs[target].policy)

    print(campaign, source, target, report["estimate"], report["refusal"])
    observed = logs[target].slates.observed
    assert report["refusal"] or (
        report["estimate"]["low"] <= observed <= report["estimate"]["high"]
    )
