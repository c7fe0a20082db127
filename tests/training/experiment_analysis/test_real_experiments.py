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
    rows["width"] = _widths(rows)
    rows["sequence"] = np.where(rows.difference.abs() > rows.width, np.sign(rows.difference), 0)
    p = 2 * scipy.stats.norm.sf(rows.difference.abs() / rows.error)
    rows["fixed"] = np.where(p < 0.05, np.sign(rows.difference), 0)
    return rows


def _widths(rows):
    """Return half the widths of the sequence of a report, at its level for several variants."""
    variants = rows.groupby("experiment_id").variant_id.transform("nunique")
    widths = [
        sequence_half_width(
            of.error, of.count_c + of.count_t, 1 - 0.05 / treatments, tuned_units=TUNED_UNITS
        )
        for treatments, of in rows.groupby(variants)
    ]
    return pd.concat([pd.Series(each) for each in widths]).reindex(rows.index)


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


@pytest.mark.parametrize(("days", "looks_in_a_row", "most"), [(0, 1, 2), (0, 2, 0), (14, 1, 0)])
def test_claims_of_the_sequence_that_an_end_with_power_contradicts(
    looks, days, looks_in_a_row, most
):
    """A claim is the end of the interval next to zero: at least that much.

    An end contradicts it if it is not significant, although it had 80 % power to find that much.
    """
    claims = _claims(looks)
    former = claims.groupby(SERIES).claimed.shift(looks_in_a_row - 1)

    counted = (claims.time_since_start >= days) & (former > 0)
    contradicted = claims[counted & claims.is_contradicted].groupby(SERIES).ngroups

    print(f"contradicted after {days} days, {looks_in_a_row} looks in a row: {contradicted} series")
    assert contradicted <= most


def test_contradicted_claims_are_of_looks_that_the_next_one_takes_back(looks):
    """The sum of the difference moves there and back by eight standard errors of a day."""
    claims = _claims(looks)
    weight = (claims.count_c + claims.count_t) / 2
    series = [claims[name] for name in SERIES]
    sums = (claims.difference * weight).groupby(series).diff()
    variances = ((claims.error * weight) ** 2).groupby(series).diff()
    steps = sums / np.sqrt(variances.where(variances > 0))

    there, back = steps[claims.is_contradicted], steps.shift(-1)[claims.is_contradicted]

    assert len(there) == 3
    assert (there * back < 0).all()
    assert there.abs().min() > 8
    assert back.abs().min() > 8


def _claims(looks):
    """Return the looks with what each claims, and whether the end contradicts it."""
    claims = looks.join(looks.groupby(SERIES)[["error", "fixed"]].last(), on=SERIES, rsuffix="_end")
    claims["claimed"] = claims.difference.abs() - claims.width
    has_power = claims.claimed >= claims.error_end.map(smallest_effect)
    claims["is_contradicted"] = (claims.claimed > 0) & (claims.fixed_end == 0) & has_power
    return claims


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
