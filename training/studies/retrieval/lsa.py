"""Items near a query in meaning: latent semantic analysis of the items' words.

Deerwester et al. 1990, by randomized subspace iteration (Halko, Martinsson and Tropp 2011).  Words
that stand in the same items lie near each other, so an item is found that has other words than the
query's.  Exact dot product: at the size of a shop an approximate index is no faster.
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
from training.query_understanding import DEFAULT_LANGUAGE, stem, stems
from training.retrieval.catalogue import ItemTable, RankedList

FILE = "meaning.npz"
DIMENSIONS, SPARE, ROUNDS = 128, 16, 2
COMMONEST = 0.5
MOST_TERMS = 50_000
_SEED = 5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Meaning:
    """N items and T terms in one space.

    Attributes:
        item_ids: N ids.
        items: shape (N, D), rows of length 1; 0 where an item has no known term.
        terms: T stems.
        weights: shape (T, D), what each term adds to a query.
    """

    item_ids: Sequence[str]
    items: Floats
    terms: Sequence[str]
    weights: Floats

    @classmethod
    def fit(cls, item_table: ItemTable) -> "Meaning":
        """Analyse the items' texts."""
        bags = [Counter(told) for told in _stems(item_table)]
        frequency = Counter(term for bag in bags for term in bag)
        known = [t for t, n in frequency.most_common() if 1 < n <= max(COMMONEST * len(bags), 10)]
        terms = sorted(known[:MOST_TERMS])
        idf = np.log1p(len(bags) / np.array([frequency[t] for t in terms], dtype=np.float64))
        matrix = _weighted(bags, {term: n for n, term in enumerate(terms)}, idf)
        items, directions = _decomposed(matrix)
        return cls(
            item_table.item_ids,
            _unit(items),
            terms,
            (directions.T * idf[:, None]).astype(np.float32),
        )

    def search(self, asked: Sequence[str], size: int) -> RankedList:
        """The items nearest to the words together, by cosine; none where no word is known."""
        found = (self._place.get(stem(word, DEFAULT_LANGUAGE)) for word in asked)
        places = [place for place in dict.fromkeys(found) if place is not None]
        if not places:
            return RankedList()
        query = self.weights[places].sum(axis=0)
        cosines = self.items @ (query / max(float(np.linalg.norm(query)), 1e-9))
        best = np.argpartition(-cosines, min(size, cosines.size - 1))[:size]
        best = best[np.argsort(-cosines[best], kind="stable")]
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
    def load(cls, folder: Path) -> "Meaning":
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
    def _place(self) -> dict[str, int]:
        return {term: n for n, term in enumerate(self.terms)}


def _stems(item_table: ItemTable) -> list[list[str]]:
    fields = [f for f in item_table.shop.item_fields if f.type in ("text", "category", "list")]
    columns = [item_table.texts(field) for field in fields]
    if not columns:
        return [[] for _ in item_table.item_ids]
    return [stems(" ".join(texts), DEFAULT_LANGUAGE) for texts in zip(*columns, strict=True)]


def _weighted(
    bags: Sequence[Counter[str]], place: dict[str, int], idf: npt.NDArray[np.float64]
) -> "sparse.csr_array":
    """Shape (N, T): (1 + log count) · idf, rows of length 1."""
    rows = [row for row, bag in enumerate(bags) for term in bag if term in place]
    columns = [place[term] for bag in bags for term in bag if term in place]
    counts = [n for bag in bags for term, n in bag.items() if term in place]
    values = (1 + np.log(np.array(counts, dtype=np.float64))) * idf[columns]
    matrix = sparse.csr_array((values, (rows, columns)), shape=(len(bags), len(place)))
    lengths = np.sqrt(matrix.multiply(matrix).sum(axis=1))
    scale = sparse.diags_array(1 / np.where(lengths > 0, lengths, 1))
    return sparse.csr_array(scale @ matrix, dtype=np.float32)


def _decomposed(matrix: "sparse.csr_array") -> tuple[Floats, Floats]:
    """Items (N, D) and right singular vectors (D, T) of the D largest singular values."""
    width = min(DIMENSIONS + SPARE, *matrix.shape)
    draws = np.random.default_rng(_SEED).normal(size=(matrix.shape[1], width))
    basis = matrix @ draws.astype(np.float32)
    for _ in range(ROUNDS):
        basis, _ = np.linalg.qr(basis)
        basis = matrix @ (matrix.T @ basis)
    basis, _ = np.linalg.qr(basis)
    left, values, right = np.linalg.svd((matrix.T @ basis).T, full_matrices=False)
    kept = min(DIMENSIONS, values.size)
    items = (basis @ left[:, :kept]) * values[:kept]
    return items.astype(np.float32), right[:kept]


def _unit(rows: Floats) -> Floats:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def _as_bytes(texts: Sequence[str]) -> npt.NDArray[np.uint8]:
    """Texts as bytes, NUL between them: ids and stems hold none."""
    return np.frombuffer("\0".join(texts).encode("utf-8"), dtype=np.uint8)


def _as_texts(told: npt.NDArray[np.uint8]) -> list[str]:
    text = told.tobytes().decode("utf-8")
    return text.split("\0") if text else []
