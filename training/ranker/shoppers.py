"""Who saw each slate, and when."""

from typing import Any

import numpy as np
import numpy.typing as npt

from training.dataset import Dataset
from training.metrics import slate_starts

_SHOPPER = ("user_id", "session_id", "request_id")
"""Keys of a slate, the one that says most about who saw it first."""


def users_of(data: Dataset) -> npt.NDArray[Any]:
    """Return the user of each slate, else its session, else its request, shape (Q,)."""
    first = slate_starts(data.column("qid"))
    shopper, *others = (name for name in _SHOPPER if name in data.keys.column_names)
    shoppers = data.column(shopper)[first]
    for name in others:
        shoppers = np.where(shoppers == None, data.column(name)[first], shoppers)  # noqa: E711
    return shoppers.astype(str)


def instants_of(data: Dataset) -> npt.NDArray[np.int64]:
    """Return the instant of each row's slate, in µs, shape (R,)."""
    return data.column("t").astype("datetime64[us]").astype(np.int64)
