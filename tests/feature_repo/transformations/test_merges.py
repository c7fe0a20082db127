"""A chain of merges gives each account's history to every later account, once."""

import numpy as np
import pytest

from feature_repo.transformations.merges import Merge, merge_chains


@pytest.mark.parametrize("seed", range(5))
def test_a_chain_of_n_merges_has_n_times_n_plus_1_halves_pairs_in_any_order(seed):
    n = 60
    seen_at = np.random.default_rng(seed).permutation(n).tolist()
    merges = sorted(
        (Merge(f"u{k}", f"u{k + 1}", at, 0) for k, at in enumerate(seen_at)),
        key=lambda merge: merge.seen_at,
    )

    pairs = {(one.user_id, one.into_user_id): one.seen_at for one in merge_chains(merges)}

    assert len(pairs) == n * (n + 1) // 2
    for first in range(n):
        for last in range(first + 1, n + 1):
            assert pairs[f"u{first}", f"u{last}"] == max(seen_at[first:last])
