"""The limits of the gate, each declared here once, with its reason.

A margin is of ndcg@10.  What a shop may want to set is an option of `aisle train`: the margin of a
comparison.  The others protect the served state, and `--force` is the way past them.
"""

SLICE_MARGIN = 0.02
"""A slice may lose this much: more than chance moves the whole, where five trainings of one shop
differ by up to .008 (README)."""

REFIT_MARGIN = 0.005
"""The published trees may lose this much on slates that they, unlike the compared ones, learned
from.  Sound trees gain there, for example .08 in a small simulated shop."""

CALIBRATION_ERROR = 0.5
"""The probabilities of a group of items may differ from their clicks by this share of the click
rate.  Smaller errors are usual where a few hundred clicks calibrate, and where rates move."""

SCORED_ITEMS = 200
SCORING_SECONDS = 0.02
"""CPU seconds for the scores of a slate of 200 items: less than a tenth of the deadline of reading
their features.  300 trees of 277 features take about .002 s."""
SLOWER_THAN_IN_USE = 1.5
"""A ranker may also take this much longer than the one in use, where that exceeds the budget."""

PSI = 0.25
"""Population stability index of a shifted feature: the usual limit of credit scoring (Siddiqi,
Credit Risk Scorecards, 2006)."""
PSI_OF_BEFORE = 3.0
"""A feature may drift this many times as much as it did between earlier periods: counts of a young
shop grow, and rates of a few categories move.  It was at most 2 in simulated shops without a
shock."""
MISSING_SHARE = 0.25
"""Increase of a feature's missing share that means a broken field."""

COVERAGE = 0.9
"""Share of the items for sale that the published indexes must be able to return.  New items may
be missing until the next refresh."""
