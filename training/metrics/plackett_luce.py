"""Random orders: Gumbel noise on scores, the k best of them, and their probabilities.

The order of score + temperature * noise is a Plackett-Luce draw.  An item's noise follows from the
seed and its number, so the draw can be repeated from the log.  The number of a simulated item is in
its id; `item_numbers` computes it for other items.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from training.metrics.ordering import highest_columns
from training.metrics.random_streams import Floats, Ints, Seeds, noise


def item_numbers(item_ids: Sequence[str]) -> Ints:
    """Return a number of 63 bits for each id, from the first eight bytes of its BLAKE2b.

    >>> item_numbers(["a"]).tolist() == item_numbers(["a"]).tolist()
    True
    """
    digests = (hashlib.blake2b(item.encode(), digest_size=8).digest() for item in item_ids)
    return np.frombuffer(b"".join(digests), ">u8").astype(np.int64) & np.int64(2**63 - 1)


def gumbel(seeds: Seeds | np.uint64, numbers: Ints) -> Floats:
    """Return standard Gumbel noise of each pair, to be added to scores."""
    return np.asarray(-np.log(-np.log(noise(seeds, numbers))))


def gumbel_top_k(
    scores: Floats, items: Ints, seeds: Seeds, temperatures: Floats, k: int
) -> tuple[Ints, Floats]:
    """Draw slates: the k best by score + temperature * Gumbel noise of (seed, item number).

    Args:
        scores, items: shape (R, C); score -inf marks a missing candidate.
        seeds, temperatures: shape (R,).
        k: at most C.

    Returns:
        Indexes into the C candidates, best first, and the Plackett-Luce probability of each given
        those above it (1 at temperature 0), both shape (R, k).
    """
    scale = temperatures[:, None]
    noisy = scores + scale * gumbel(seeds[:, None], items)
    chosen = highest_columns(noisy, k)
    logits = np.where(scale > 0, scores / np.where(scale > 0, scale, 1.0), 0.0)
    return chosen, np.where(scale > 0, _conditional(logits, chosen), 1.0)


def _conditional(logits: Floats, chosen: Ints) -> Floats:
    """Return the softmax of each chosen item among the items not chosen before it.

    Summed from the last to the first, so that small probabilities are not lost in large sums.
    """
    top = np.take_along_axis(logits, chosen, 1)
    highest = logits.max(axis=1, keepdims=True)
    rest = np.exp(logits - highest)
    np.put_along_axis(rest, chosen, 0.0, 1)
    with np.errstate(divide="ignore"):
        unchosen = np.log(rest.sum(axis=1, keepdims=True)) + highest
    remaining = np.logaddexp.accumulate(np.concatenate([unchosen, top[:, ::-1]], axis=1), axis=1)
    with np.errstate(invalid="ignore"):
        share = np.exp(top - remaining[:, :0:-1])
    return np.where(np.isfinite(top), share, 0.0)
