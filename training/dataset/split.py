"""The temporal split: the oldest rankings train, the next validate, the newest test.

Slates are split by their number, orders by the time.
"""

import numpy as np
import numpy.typing as npt

TRAIN, VALIDATE, TEST = "train", "validate", "test"

TEST_SHARE = 0.2
VALIDATE_SHARE = 0.2
"""Share of the rankings outside the test split."""


def split_rankings(count: int) -> npt.NDArray[np.str_]:
    """Shape (count,): the split of each ranking, for rankings in (time, id) order.

    >>> split_rankings(10).tolist()
    ['train', 'train', 'train', 'train', 'train', 'train', 'validate', 'validate', 'test', 'test']
    """
    test_start = int(count * (1 - TEST_SHARE))
    train_end = int(test_start * (1 - VALIDATE_SHARE))
    position = np.arange(count)
    return np.where(position < train_end, TRAIN, np.where(position < test_start, VALIDATE, TEST))


def time_split_bounds(first: int, last: int) -> tuple[float, float]:
    """Return the instants when the validation split and the test split of a log begin.

    >>> time_split_bounds(0, 100)
    (64.0, 80.0)
    """
    test_share = 1 - TEST_SHARE
    return (
        first + (last - first) * test_share * (1 - VALIDATE_SHARE),
        first + (last - first) * test_share,
    )
