"""Latent semantic analysis of the items' words.

Deerwester et al. 1990, by randomized subspace iteration (Halko, Martinsson and Tropp 2011).  Words
of the same items have similar vectors, so a query also matches items with related words.  Search
computes all dot products: at the size of a shop an approximate index is no faster.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy import sparse

from feature_repo.home import ArtifactError
from feature_repo.shop import DEFAULT_LANGUAGE
from training.metrics import highest_columns, left_singular_vectors
from training.query_understanding import stem, stems
from training.retrieval.catalogue import ItemTable, RankedList

FILE = "lsa.npz"
DIMENSIONS = 128
COMMONEST = 0.5
MOST_TERMS = 50_000

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Lsa:
    """N items and T terms in one space.

    Attributes:
        item_ids: N ids.
        items: shape (N, D), rows of length 1; 0 for an item without any of the terms.
        terms: T stems.
        weights: shape (T, D), vector that each term adds to a query.
    """

    item_ids: Sequence[str]
    items: Floats
    terms: Sequence[str]
    weights: Floats

    @classmethod
    def fit(cls, item_table: ItemTable) -> "Lsa":
        """Fit on the items' texts."""
        bags = [Counter(stems_of_item) for stems_of_item in _stems(item_table)]
        frequency = Counter(term for bag in bags for term in bag)
        frequent = [
            t for t, n in frequency.most_common() if 1 < n <= max(COMMONEST * len(bags), 10)
        ]
        terms = sorted(frequent[:MOST_TERMS])
        idf = np.log1p(len(bags) / np.array([frequency[t] for t in terms], dtype=np.float64))
        matrix = _weighted(bags, {term: n for n, term in enumerate(terms)}, idf)
        items, directions = _decompose(matrix)
        return cls(
            item_table.item_ids,
            _unit(items),
            terms,
            (directions.T * idf[:, None]).astype(np.float32),
        )

    def search(self, query_words: Sequence[str], size: int) -> RankedList:
        """Return the items nearest to the sum of the words, by cosine."""
        indexes = (self._index.get(stem(word, DEFAULT_LANGUAGE)) for word in query_words)
        term_rows = [index for index in dict.fromkeys(indexes) if index is not None]
        if not term_rows:
            return RankedList()
        query = self.weights[term_rows].sum(axis=0)
        cosines = self.items @ (query / max(float(np.linalg.norm(query)), 1e-9))
        best = highest_columns(cosines[None], size)[0]
        best = best[cosines[best] > 0]
        return RankedList([self.item_ids[n] for n in best], cosines[best].tolist())

    def save(self, folder: Path) -> None:
        """Write both tables into a build folder."""
        folder.mkdir(parents=True, exist_ok=True)
        np.savez(
            folder / FILE,
            item_ids=_as_bytes(self.item_ids),
            items=self.items,
            terms=_as_bytes(self.terms),
            weights=self.weights,
        )

    @classmethod
    def load(cls, folder: Path) -> "Lsa":
        """Read both tables.

        Raises:
            ArtifactError: the file is absent or damaged.
        """
        try:
            with np.load(folder / FILE, allow_pickle=False) as tables:
                item_ids, terms = _as_texts(tables["item_ids"]), _as_texts(tables["terms"])
                return cls(item_ids, tables["items"], terms, tables["weights"])
        except (OSError, ValueError, KeyError) as error:
            raise ArtifactError(f"{folder / FILE}: expected vectors of items: {error}.") from None

    @cached_property
    def _index(self) -> dict[str, int]:
        return {term: n for n, term in enumerate(self.terms)}


def _stems(item_table: ItemTable) -> list[list[str]]:
    fields = [f for f in item_table.shop.item_fields if f.type in ("text", "category", "list")]
    columns = [item_table.texts(field) for field in fields]
    if not columns:
        return [[] for _ in item_table.item_ids]
    return [stems(" ".join(texts), DEFAULT_LANGUAGE) for texts in zip(*columns, strict=True)]


def _weighted(
    bags: Sequence[Counter[str]], index: dict[str, int], idf: npt.NDArray[np.float64]
) -> "sparse.csr_array":
    """Shape (N, T): (1 + log count) · idf, rows of length 1."""
    rows = [row for row, bag in enumerate(bags) for term in bag if term in index]
    columns = [index[term] for bag in bags for term in bag if term in index]
    counts = [n for bag in bags for term, n in bag.items() if term in index]
    values = (1 + np.log(np.array(counts, dtype=np.float64))) * idf[columns]
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(bags), len(index)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    scale = sparse.diags_array(1 / np.where(lengths > 0, lengths, 1))
    return sparse.csr_array(scale @ matrix)


def _decompose(matrix: "sparse.csr_array") -> tuple[Floats, Floats]:
    """Return items (N, D) and right singular vectors (D, T) of the D largest singular values."""
    left, values = left_singular_vectors(matrix, min(DIMENSIONS, *matrix.shape))
    right = (matrix.T @ left) / np.where(values > 0, values, 1.0)
    return (left * values).astype(np.float32), right.T.astype(np.float32)


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _as_bytes(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Encode texts as bytes, separated by NUL, which ids and stems never contain."""
    return np.frombuffer("\0".join(texts).encode("utf-8"), dtype=np.uint8)


def _as_texts(encoded: npt.NDArray[np.uint8]) -> list[str]:
    text = encoded.tobytes().decode("utf-8")
    return text.split("\0") if text else []
