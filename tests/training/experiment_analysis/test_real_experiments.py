"""78 real experiments with checkpoints (ASOS Digital Experiments Dataset): looks at any time."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.stats

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
