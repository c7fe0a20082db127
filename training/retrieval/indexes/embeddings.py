"""Embeddings of items and queries from co-visitation: one space, as an artifact with a date.

Entities that stand in one context (an order, a session with its query) are counted in pairs; the
pairs' positive pointwise mutual information, cut to its D largest singular values, places each of
them (Levy, Goldberg and Dagan 2015: PPMI, truncated SVD, U · √Σ).  Same visits, same vectors.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.home import ArtifactError
from training.retrieval.indexes.cooccurrence import Cooccurrences, Indices

KIND = "embeddings"
VECTORS, FACTS = "vectors.parquet", "embeddings.json"
DIMENSIONS = 32
_SMOOTHING = 0.75
_SEED = 3
_TOLERANCE = 1e-3
_DENSE = 256
"""Up to so many entities the whole decomposition is as fast as the truncated one."""

Vectors = npt.NDArray[np.float32]
Entity = tuple[str, str]
"""Kind, such as item or query, and id."""


@dataclass(frozen=True)
class Embeddings:
    """Where each entity lies.

    Attributes:
        at: instant; what was seen before it is known, so requests may use it from then on.
        entities: N kinds and ids, sorted.
        vectors: shape (N, D), of length 1; zeros for an entity that stood with no other.
    """

    at: int
    entities: tuple[Entity, ...]
    vectors: Vectors
    _places: dict[Entity, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        places = {entity: place for place, entity in enumerate(self.entities)}
        object.__setattr__(self, "_places", places)

    @classmethod
    def fit(
        cls,
        entities: Sequence[Entity],
        entity: Indices,
        context: Indices,
        at: int,
        dimensions: int = DIMENSIONS,
    ) -> "Embeddings":
        """Place the N entities by M visits, all of them seen before `at`.

        Args:
            entities: N kinds and ids, sorted, each once.
            entity: shape (M,), places in `entities`.
            context: shape (M,), which visits belong together.
            at: instant from which the result may be used.
            dimensions: D, fewer where there are fewer entities.
        """
        counted = Cooccurrences.count(entity, context, len(entities))
        vectors = _decomposed(counted.ppmi(_SMOOTHING), min(dimensions, len(entities)))
        return cls(at, tuple(entities), vectors)

    def apply(self, entities: Sequence[Entity]) -> Vectors:
        """Shape (K, D): vectors of K entities; NaN for one that was not there."""
        found = np.array([self._places.get(entity, -1) for entity in entities], dtype=np.int64)
        vectors = np.full((found.size, self.vectors.shape[1]), np.nan, dtype=np.float32)
        vectors[found >= 0] = self.vectors[found[found >= 0]]
        return vectors

    def nearest(self, vector: npt.ArrayLike, kind: str, count: int) -> list[tuple[str, float]]:
        """Ids and cosines of the entities of one kind nearest to a vector, nearest first.

        Equal cosines are in the order of the ids.  A vector of zeros, or unknown, has none.
        """
        towards = np.asarray(vector, dtype=np.float32)
        length = float(np.linalg.norm(towards))
        if not length > 0:
            return []
        cosines = self.vectors @ (towards / length)
        of_kind = np.array([entity[0] == kind for entity in self.entities])
        placed = np.flatnonzero(of_kind & self.vectors.any(axis=1))
        best = placed[np.argsort(-cosines[placed], kind="stable")[:count]]
        return [(self.entities[place][1], float(cosines[place])) for place in best]

    def save(self, folder: Path) -> None:
        """Write a build folder, for `artifact.publish`."""
        folder.mkdir(parents=True, exist_ok=True)
        width = self.vectors.shape[1]
        flat = pa.array(self.vectors.ravel())
        table = pa.table(
            {
                "kind": pa.array([kind for kind, _ in self.entities], pa.string()),
                "id": pa.array([name for _, name in self.entities], pa.string()),
                "vector": pa.FixedSizeListArray.from_arrays(flat, width),
            }
        )
        pq.write_table(table, folder / VECTORS)
        (folder / FACTS).write_text(json.dumps({"at": self.at, "dimensions": width}) + "\n")

    @classmethod
    def load(cls, folder: Path) -> "Embeddings":
        """Read what `save` wrote; verify the artifact first.

        Raises:
            ArtifactError: a file is absent or damaged.
        """
        try:
            facts: dict[str, Any] = json.loads((folder / FACTS).read_text())
            at, width = int(facts["at"]), int(facts["dimensions"])
            table = pq.read_table(folder / VECTORS)
            flat = table.column("vector").combine_chunks().flatten().to_numpy()
            entities = zip(*(table.column(n).to_pylist() for n in ("kind", "id")), strict=True)
            return cls(at, tuple(entities), flat.reshape(table.num_rows, width))
        except (OSError, ValueError, TypeError, KeyError, pa.ArrowException) as error:
            raise ArtifactError(f"{folder}: expected embeddings: {str(error)[:200]}.") from None


def _decomposed(told: Any, width: int) -> Vectors:
    """Shape (N, width): U · √Σ of the largest singular values, each row of length 1."""
    from scipy.sparse.linalg import svds

    size = told.shape[0]
    if size <= max(_DENSE, width):
        left, values, _ = np.linalg.svd(told.toarray())
        left, values = left[:, :width], values[:width]
    else:
        start = np.random.default_rng(_SEED).random(size)
        left, values, _ = svds(told, k=width, v0=start, tol=_TOLERANCE)
        left, values = left[:, ::-1], values[::-1]
    placed = _with_signs(left) * np.sqrt(values)
    length = np.linalg.norm(placed, axis=1, keepdims=True)
    placed[length[:, 0] <= _NOWHERE] = 0.0
    vectors: Vectors = (placed / np.where(length > _NOWHERE, length, 1.0)).astype(np.float32)
    return vectors


_NOWHERE = 1e-9
"""A length that is nothing but rounding."""


def _with_signs(left: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """A singular vector may point either way: the way in which its largest part is positive."""
    if not left.size:
        return left
    largest = np.abs(left).argmax(axis=0)
    signs = np.sign(left[largest, np.arange(left.shape[1])])
    return left * np.where(signs == 0, 1.0, signs)
