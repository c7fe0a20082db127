"""Similar items by their content: words, category, brand and other texts.

The cosine of tf-idf vectors needs no interactions, so that a new item has neighbours.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from feature_repo.shop import DEFAULT_LANGUAGE
from training.metrics import Ints, highest_entries, log
from training.query_understanding import stems
from training.retrieval.catalogue import ItemTable
from training.retrieval.indexes.neighbours import MOST, Neighbours

if TYPE_CHECKING:
    from scipy import sparse

COMMONEST = 0.2
"""Terms that a larger share of the items has are skipped: they separate items too little."""

MOST_WORDS = 60
"""Words of each text that count; the important ones come first."""

MOST_ITEMS = 1000
"""Items of each term that others are compared with, those of highest weight first.

The work grows with the number of items, not with its square.
"""

_BLOCK = 512


def fit_similar(item_table: ItemTable, most_items: int = MOST_ITEMS) -> Neighbours:
    """Find the nearest neighbours of each item, a block of items at a time."""
    vectors = tf_idf(terms_of(item_table))
    heads = term_heads(vectors, most_items)
    ids = np.array(item_table.item_ids, dtype=object)
    empty = (np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
    blocks = [
        _nearest(vectors, heads, start, min(start + _BLOCK, ids.size))
        for start in range(0, ids.size, _BLOCK)
    ]
    rows, others, scores = map(np.concatenate, zip(empty, *blocks, strict=True))
    return Neighbours.of(
        pa.table(
            {
                "item_id": pa.array(ids[rows], pa.string()),
                "other_id": pa.array(ids[others], pa.string()),
                "score": pa.array(scores, pa.float64()),
            }
        )
    )


def terms_of(item_table: ItemTable) -> list[list[str]]:
    """Return each item's terms: stems of its texts, and the values of its other fields."""
    terms: list[list[str]] = [[] for _ in item_table.item_ids]
    for field in item_table.shop.item_fields:
        if field.type == "text":
            for row, text in enumerate(item_table.texts(field)):
                terms[row] += stems(text[: MOST_WORDS * 12], DEFAULT_LANGUAGE)[:MOST_WORDS]
        elif field.type in ("category", "list"):
            coded = item_table.coded(field)
            for row, code in zip(coded.rows.tolist(), coded.codes.tolist(), strict=True):
                terms[row].append(f"{field.column}={coded.values[code]}")
    return terms


def tf_idf(terms_by_item: Sequence[Sequence[str]]) -> "sparse.csr_array":
    """Return tf-idf rows of length 1, shape (N, terms)."""
    from scipy import sparse

    bags = [Counter(terms) for terms in terms_by_item]
    document_frequency = Counter(term for bag in bags for term in bag)
    most = max(COMMONEST * len(bags), 10)
    terms = sorted(t for t, n in document_frequency.items() if 1 < n <= most)
    column_of = {term: n for n, term in enumerate(terms)}
    idf = {t: float(log(1 + len(bags) / document_frequency[t])) for t in terms}
    rows = [row for row, bag in enumerate(bags) for t in bag if t in column_of]
    columns = [column_of[t] for bag in bags for t in bag if t in column_of]
    counts = [n for bag in bags for t, n in bag.items() if t in column_of]
    values = (1 + log(counts)) * [idf[t] for bag in bags for t in bag if t in column_of]
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(bags), len(terms)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    return sparse.csr_array(
        sparse.diags_array(1 / np.where(lengths > 0, lengths, 1)) @ matrix, dtype=np.float32
    )


def term_heads(vectors: "sparse.csr_array", most_items: int) -> "sparse.csr_array":
    """Return the items of each term, at most `most_items` of highest weight, shape (terms, N)."""
    return highest_entries(vectors.T.tocsr(), most_items)


def _nearest(
    vectors: "sparse.csr_array", heads: "sparse.csr_array", start: int, end: int
) -> tuple[Ints, Ints, npt.NDArray[np.float64]]:
    """Return the `MOST` nearest neighbours of items `start` to `end`: rows, others, cosines."""
    from scipy import sparse

    products = highest_entries(vectors[start:end] @ heads, MOST + 1)
    rows, columns = products.tocoo().coords
    is_other = rows + start != columns
    others = (products.data[is_other], (rows[is_other], columns[is_other]))
    nearest = highest_entries(sparse.csr_array(others, shape=products.shape), MOST)
    rows, columns = nearest.tocoo().coords
    return rows.astype(np.int64) + start, columns.astype(np.int64), nearest.data.astype(np.float64)
