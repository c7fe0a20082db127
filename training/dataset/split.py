"""The temporal split: what came first teaches, what came next chooses, what came last judges."""

import numpy as np
import numpy.typing as npt

TRAIN, VALIDATE, TEST = "train", "validate", "test"

TEST_SHARE = 0.2
VALIDATE_SHARE = 0.2
"""Of what is not test."""


def split_rankings(count: int) -> npt.NDArray[np.str_]:
    """Shape (count,): the split of each ranking, for rankings in (time, id) order.

    >>> split_rankings(10).tolist()
    ['train', 'train', 'train', 'train', 'train', 'train', 'validate', 'validate', 'test', 'test']
    """
    learned = int(count * (1 - TEST_SHARE))
    taught = int(learned * (1 - VALIDATE_SHARE))
    place = np.arange(count)
    return np.where(place < taught, TRAIN, np.where(place < learned, VALIDATE, TEST))
