"""78 real experiments with checkpoints (ASOS Digital Experiments Dataset): looks at any time."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

from training.experiment_analysis.power import smallest_effect
from training.experiment_analysis.sample_ratio import MISMATCH_P, sample_ratio_p
from training.experiment_analysis.sequence import TUNED_UNITS, sequence_half_width

TABLE = (
    Path(os.environ.get("AISLE_DATA", "../shared/data"))
    / "asos_experiments"
    / "asos_digital_experiments_dataset.parquet"
)
SERIES = ["experiment_id", "variant_id", "metric_id"]

pytestmark = pytest.mark.skipif(not TABLE.exists(), reason=f"{TABLE} is missing; see AISLE_DATA")


@pytest.fixture(scope="module")
def looks():
    """One row a checkpoint, with the difference, both intervals and the verdicts of both."""
    rows = pd.read_parquet(TABLE).dropna().sort_values([*SERIES, "time_since_start"])
    rows["difference"] = rows.mean_t - rows.mean_c
    rows["error"] = np.sqrt(rows.variance_c / rows.count_c + rows.variance_t / rows.count_t)
    rows = rows[rows.error > 0]
    units = (rows.count_c + rows.count_t).to_numpy()
    width = sequence_half_width(rows.error.to_numpy(), units, tuned_units=TUNED_UNITS)
    rows["width"] = width
    rows["sequence"] = np.where(rows.difference.abs() > width, np.sign(rows.difference), 0)
    p = 2 * scipy.stats.norm.sf(rows.difference.abs() / rows.error)
    rows["fixed"] = np.where(p < 0.05, np.sign(rows.difference), 0)
    return rows


def test_looks_at_a_p_value_find_twice_as_many_effects_as_its_last_value(looks):
    series = looks.groupby(SERIES)

    ever, last = series.fixed.apply(lambda signs: signs.any()), series.fixed.last() != 0

    assert len(ever) == 381
    assert ever.mean() == pytest.approx(0.591, abs=0.002)
    assert last.mean() == pytest.approx(0.276, abs=0.002)


def test_looks_at_the_sequence_find_fewer_than_thirty_percent(looks):
    ever = looks.groupby(SERIES).sequence.apply(lambda signs: signs.any())

    print(f"significant at any time, by the sequence: {ever.mean():.1%}")
    assert ever.mean() < 0.3


def test_sequence_at_no_look_has_the_opposite_sign_of_a_significant_end(looks):
    final = looks.groupby(SERIES).fixed.last().rename("final")

    signs = looks.join(final, on=SERIES)

    assert (signs.sequence * signs.final >= 0).all()


@pytest.mark.parametrize(("days", "most"), [(0, 3), (14, 1)])
def test_few_claims_of_the_sequence_are_contradicted_by_an_end_with_power(looks, days, most):
    """A claim is the end of the interval next to zero: at least that much.

    An end contradicts it if it is not significant, although it had 80 % power to find that much.
    """
    looks = looks.join(looks.groupby(SERIES)[["error", "fixed"]].last(), on=SERIES, rsuffix="_end")
    claimed = looks.difference.abs() - looks.width
    has_power = claimed >= looks.error_end.map(smallest_effect)
    waited = looks.time_since_start >= days

    contradicted = looks[(claimed > 0) & waited & (looks.fixed_end == 0) & has_power]

    print(f"contradicted after {days} days: {contradicted.groupby(SERIES).ngroups} series")
    assert contradicted.groupby(SERIES).ngroups <= most


def test_fewer_than_five_percent_of_the_sequences_exclude_all_of_their_end(looks):
    ends = looks.groupby(SERIES)[["difference", "error"]].last()
    looks = looks.join(ends, on=SERIES, rsuffix="_end")
    apart = (looks.difference - looks.difference_end).abs()

    excluded = apart > looks.width + 1.96 * looks.error_end

    share = excluded.groupby([looks[name] for name in SERIES]).any().mean()
    print(f"an interval of the sequence without a value of the last one: {share:.1%}")
    assert share < 0.05


def test_last_look_at_the_sequence_claims_nothing_that_the_fixed_horizon_does_not(looks):
    last = looks.groupby(SERIES).last()

    claimed = last[last.sequence != 0]

    assert len(claimed) > 30
    assert (claimed.sequence == claimed.fixed).all()


def test_experiments_with_a_sample_ratio_mismatch_are_detected(looks):
    last = looks.groupby(SERIES[:2])[["count_c", "count_t"]].last()

    mismatches = [sample_ratio_p(counts, [1, 1]) < MISMATCH_P for counts in last.to_numpy()]

    assert len(last) == 99
    assert np.mean(mismatches) == pytest.approx(0.121, abs=0.02)
